/**
 * One client's connection: requests in, responses out in the order of the requests. Several may be under way at once, so that
 * a producer's pipelined batches share an fsync; each begins in its turn. Whatever is wrong with the bytes ends this
 * connection and nothing else. Source: Kafka protocol guide, "Network".
 */
import type { Socket } from 'node:net';
import { isKitError, KitError } from '../kit/errors.ts';
import { Fifo } from '../kit/log/embedded/fifo.ts';
import type { ByteBudget } from './byte-budget.ts';
import { FrameReader } from './frame-reader.ts';
import type { Asking } from './handler.ts';
import type { BrokerLimits } from './limits.ts';

/** Answers one request; null where the client expects no answer. The pieces are a whole response, without its length. */
export type Answer = (
  frame: Buffer,
  asking: Pick<Asking, 'clientHost' | 'signal'>,
) => Promise<readonly Buffer[] | null>;

export interface ConnectionOptions {
  readonly answer: Answer;
  readonly limits: BrokerLimits;
  readonly received: ByteBudget;
  readonly unsent: ByteBudget;
  /** What the connection ends of, before it does; also what was thrown, and is no KitError, after it had. */
  readonly onFault: (fault: unknown) => void;
}

/** One for all: an error made at the end of a connection would keep the connection, for as long as somebody has the error. */
const GONE = new Error('the client has gone');

/** A request under way. What comes of it waits until the responses before it have gone. */
interface Slot {
  response: readonly Buffer[] | null;
  responseBytes: number;
  fault: unknown;
  state: 'open' | 'answered' | 'failed';
}

export class Connection {
  /** Once nothing is held any more. What is under way may go on for a while. */
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #options: ConnectionOptions;
  readonly #frames: FrameReader;
  readonly #ended = new AbortController();
  readonly #asking: Pick<Asking, 'clientHost' | 'signal'>;
  readonly #slots = new Fifo<Slot>();
  /** Of the request that is being received, taken from what all connections share. */
  #reserved = 0;
  #cancelWait: (() => void) | null = null;
  #unsentBytes = 0;
  /** A request has failed: no other one begins, and the connection ends when its turn comes. */
  #hasFailed = false;
  #wasEnded = false;
  #stalledSince: NodeJS.Timeout | null = null;

  constructor(socket: Socket, options: ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#frames = new FrameReader(options.limits.maxRequestBytes);
    this.#asking = { clientHost: `/${socket.remoteAddress ?? 'unknown'}`, signal: this.#ended.signal };
    socket.setNoDelay(true);
    socket.setTimeout(options.limits.idleTimeoutMs, () => this.#onIdle());
    socket.on('data', (chunk) => {
      // still read, so that the client is seen to go
      if (this.#hasFailed) return;
      this.#frames.push(chunk);
      this.#advance();
    });
    socket.on('drain', () => this.#advance());
    // 'close' follows, and tells what there is to tell
    socket.on('error', () => {});
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#onClosed();
        resolve();
      });
    });
  }

  /** @param fault why, for the log; null where nobody is to blame */
  end(fault: unknown = null): void {
    if (!this.#wasEnded && fault !== null) this.#options.onFault(fault);
    this.#wasEnded = true;
    this.#socket.destroy();
  }

  /** Takes up requests until there is none that is whole, or a bound is met. */
  #advance(): void {
    try {
      while (this.#mayBegin() && this.#reserve()) {
        const frame = this.#frames.next();
        if (frame === null) break;
        this.#begin(frame);
      }
    } catch (error) {
      this.#failed(this.#newSlot(), error);
      return;
    }
    if (this.#mayRead() || this.#hasFailed) this.#socket.resume();
    else this.#socket.pause();
    this.#watch();
  }

  #mayRead(): boolean {
    return this.#mayBegin() && this.#cancelWait === null;
  }

  #mayBegin(): boolean {
    const { maxInFlightRequests } = this.#options.limits;
    if (this.#hasFailed || this.#socket.destroyed) return false;
    return this.#slots.length < maxInFlightRequests && !this.#socket.writableNeedDrain;
  }

  /** False until the memory that the next request needs is there. */
  #reserve(): boolean {
    if (this.#cancelWait !== null) return false;
    if (this.#reserved > 0) return true;
    const expected = this.#frames.expected();
    if (expected === null) return false;
    this.#reserved = expected;
    this.#cancelWait = this.#options.received.take(expected, () => {
      this.#cancelWait = null;
      this.#advance();
    });
    return this.#cancelWait === null;
  }

  #newSlot(): Slot {
    const slot: Slot = { response: null, responseBytes: 0, fault: null, state: 'open' };
    this.#slots.push(slot);
    return slot;
  }

  #begin(frame: Buffer): void {
    const slot = this.#newSlot();
    const frameBytes = this.#reserved;
    this.#reserved = 0;
    this.#stalledSince?.refresh();
    this.#options.answer(frame, this.#asking).then(
      (response) => {
        this.#options.received.give(frameBytes);
        this.#answered(slot, response);
      },
      (error) => {
        this.#options.received.give(frameBytes);
        this.#failed(slot, error);
      },
    );
  }

  #answered(slot: Slot, response: readonly Buffer[] | null): void {
    if (this.#ended.signal.aborted) return;
    slot.response = response;
    slot.responseBytes = response?.reduce((sum, piece) => sum + piece.length, 0) ?? 0;
    slot.state = 'answered';
    this.#unsentBytes += slot.responseBytes;
    this.#options.unsent.add(slot.responseBytes);
    this.#send();
  }

  #failed(slot: Slot, error: unknown): void {
    if (this.#wasEnded) {
      if (!isKitError(error)) this.#options.onFault(error);
      return;
    }
    slot.fault = error;
    slot.state = 'failed';
    this.#hasFailed = true;
    this.#send();
  }

  /** What is answered, as far as nothing before it is under way. */
  #send(): void {
    if (this.#wasEnded) return;
    this.#socket.cork();
    for (let slot = this.#slots.at(0); slot !== undefined && slot.state !== 'open'; slot = this.#slots.at(0)) {
      this.#slots.shift();
      if (slot.response !== null) this.#write(slot.response, slot.responseBytes);
      if (slot.state !== 'failed') continue;
      this.#endAfterWriting(slot.fault);
      break;
    }
    this.#socket.uncork();
    this.#advance();
  }

  #endAfterWriting(fault: unknown): void {
    this.#options.onFault(fault);
    this.#wasEnded = true;
    this.#socket.destroySoon();
  }

  #write(pieces: readonly Buffer[], bytes: number): void {
    const length = Buffer.allocUnsafe(4);
    length.writeInt32BE(bytes, 0);
    this.#socket.write(length);
    const last = pieces.length - 1;
    for (const [i, piece] of pieces.entries()) {
      if (i < last) this.#socket.write(piece);
      else this.#socket.write(piece, () => this.#sent(bytes));
    }
  }

  #sent(bytes: number): void {
    if (this.#ended.signal.aborted) return;
    this.#unsentBytes -= bytes;
    this.#options.unsent.give(bytes);
    this.#stalledSince?.refresh();
  }

  /** A peer that stops in the middle of a request, or does not take its responses, is given up after a while. */
  #watch(): void {
    const sends = this.#socket.writableNeedDrain || this.#wasEnded;
    const stalled = sends || (this.#mayRead() && this.#frames.pending > 0);
    if (!stalled) {
      clearTimeout(this.#stalledSince ?? undefined);
      this.#stalledSince = null;
    } else if (this.#stalledSince === null && !this.#socket.destroyed) {
      const { stallTimeoutMs } = this.#options.limits;
      const giveUp = (): void => this.end(new KitError('CLIENT_STALLED', `Nothing moved for ${stallTimeoutMs} ms.`));
      this.#stalledSince = setTimeout(giveUp, stallTimeoutMs);
    }
  }

  /** While nothing is read, it does not show that the client has gone. */
  #onIdle(): void {
    if (this.#slots.length === 0 || this.#socket.isPaused()) this.end();
  }

  #onClosed(): void {
    clearTimeout(this.#stalledSince ?? undefined);
    const { received, unsent, onFault } = this.#options;
    if (this.#cancelWait !== null) this.#cancelWait();
    else received.give(this.#reserved);
    this.#cancelWait = null;
    this.#reserved = 0;
    unsent.give(this.#unsentBytes);
    this.#unsentBytes = 0;
    this.#ended.abort(GONE);
    if (!this.#wasEnded && this.#frames.pending > 0) onFault(halfRequest());
    this.#wasEnded = true;
  }
}

function halfRequest(): KitError {
  return new KitError('MALFORMED_REQUEST', 'The client went in the middle of a request.');
}
