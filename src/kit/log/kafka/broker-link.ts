import { type API, Connection, GenericError, NetworkError } from '@platformatic/kafka';
import { KitError } from '../../errors.ts';
import { unavailable } from './errors.ts';

export interface RequestLimits {
  /** After this the connection is torn down: a broker that hangs is not waited for. */
  readonly timeoutMs: number;
  /** Stops the wait; the request itself cannot be recalled. */
  readonly signal?: AbortSignal;
}

interface Slot {
  readonly connection: Connection;
}

const MAX_CONNECTIONS = 64;
const MAX_WAITING = 10_000;
/** Requests whose caller has gone, answered into the void; beyond this many they are cut off instead. */
const MAX_ABANDONED = 4;

/**
 * The way to one broker. A request has a connection to itself: a broker takes the requests of one connection strictly
 * one after the other, so that a long poll or a produce that waits for replicas would hold up all behind it. Connections
 * are kept for the next request; there are as many as requests under way at one time.
 */
export class BrokerLink {
  readonly host: string;
  readonly port: number;
  readonly #clientId: string;
  readonly #connectTimeoutMs: number;
  readonly #idle: Slot[] = [];
  readonly #open = new Set<Slot>();
  readonly #waiting: (() => void)[] = [];
  #abandoned = 0;
  #closed = false;

  constructor(host: string, port: number, options: { clientId: string; connectTimeoutMs: number }) {
    this.host = host;
    this.port = port;
    this.#clientId = options.clientId;
    this.#connectTimeoutMs = options.connectTimeoutMs;
  }

  get openConnections(): number {
    return this.#open.size;
  }

  /**
   * The response, also where it carries error codes: looking at them is the caller's.
   *
   * @throws KitError LOG_UNAVAILABLE with `details.sent`: whether the broker may have got the request; REFUSED_BY_KAFKA;
   *   the signal's reason
   */
  async request<A extends unknown[], R>(api: API<A, R>, args: A, limits: RequestLimits): Promise<R> {
    limits.signal?.throwIfAborted();
    const slot = await this.#take();
    try {
      limits.signal?.throwIfAborted();
    } catch (error) {
      this.#release(slot);
      throw error;
    }
    return new Promise<R>((resolve, reject) => {
      let abandoned = false;
      const settle = (): void => {
        clearTimeout(timer);
        limits.signal?.removeEventListener('abort', abandon);
        if (abandoned) this.#abandoned--;
        abandoned = false;
      };
      const timer = setTimeout(() => {
        settle();
        this.#drop(slot);
        reject(this.#failure(`no answer from ${this.host}:${this.port} within ${limits.timeoutMs} ms`, true));
      }, limits.timeoutMs);
      const abandon = (): void => {
        reject(limits.signal?.reason);
        if (++this.#abandoned > MAX_ABANDONED) this.#drop(slot);
        abandoned = true;
      };
      limits.signal?.addEventListener('abort', abandon, { once: true });
      const callback = (error: Error | null, response?: R): void => {
        settle();
        const answer = error === null ? response : responseIn<R>(error);
        if (answer === undefined) {
          this.#drop(slot);
          const broke = GenericError.isGenericError(error!) && error.code === NetworkError.code;
          reject(
            broke ? this.#failure(`the connection to ${this.host}:${this.port} broke`, true, error) : unreadable(error),
          );
        } else {
          this.#release(slot);
          resolve(answer);
        }
      };
      (api as unknown as (connection: Connection, ...rest: unknown[]) => void)(slot.connection, ...args, callback);
    });
  }

  close(): void {
    this.#closed = true;
    for (const slot of [...this.#open]) this.#drop(slot);
    for (const wake of this.#waiting.splice(0)) wake();
  }

  async #take(): Promise<Slot> {
    for (;;) {
      if (this.#closed) throw new KitError('LOG_CLOSED', 'the log has been closed');
      const idle = this.#idle.pop();
      if (idle !== undefined) return idle;
      if (this.#open.size < MAX_CONNECTIONS) return this.#connect();
      if (this.#waiting.length >= MAX_WAITING)
        throw this.#failure(`too many requests wait for ${this.host}:${this.port}`, false);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async #connect(): Promise<Slot> {
    const connection = new Connection(this.#clientId, {
      connectTimeout: this.#connectTimeoutMs,
      // The limit is kept here, request by request: the library's own is one for all.
      requestTimeout: 2 ** 31 - 1,
    });
    const slot: Slot = { connection };
    this.#open.add(slot);
    connection.on('error', () => this.#drop(slot));
    connection.on('close', () => this.#drop(slot));
    try {
      await connection.connect(this.host, this.port);
    } catch (cause) {
      this.#drop(slot);
      throw this.#failure(`cannot connect to ${this.host}:${this.port}`, false, cause);
    }
    return slot;
  }

  #release(slot: Slot): void {
    if (!this.#open.has(slot)) return;
    this.#idle.push(slot);
    this.#waiting.shift()?.();
  }

  #drop(slot: Slot): void {
    if (!this.#open.delete(slot)) return;
    const index = this.#idle.indexOf(slot);
    if (index >= 0) this.#idle.splice(index, 1);
    slot.connection.socket?.destroy();
    this.#waiting.shift()?.();
  }

  #failure(message: string, sent: boolean, cause?: unknown): KitError {
    if (this.#closed) return new KitError('LOG_CLOSED', 'the log has been closed', { cause, details: { sent } });
    return unavailable(message, { cause, details: { sent, broker: `${this.host}:${this.port}` } });
  }
}

/** Asking again would bring the same bytes: another version of the protocol, or a batch that is damaged. */
function unreadable(cause: unknown): KitError {
  const details = { sent: true, unreadable: true };
  return new KitError('REFUSED_BY_KAFKA', `a broker's answer cannot be read: ${cause}`, { cause, details });
}

/** The library throws a response that holds an error code; the response is attached. */
function responseIn<R>(error: Error): R | undefined {
  return (error as { response?: R }).response;
}
