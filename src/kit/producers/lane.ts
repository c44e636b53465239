import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../clock.ts';
import { isKitError, KitError } from '../errors.ts';
import { backoffMs } from '../log/backoff.ts';
import type { AppendBatch, EventLog, TopicPartition } from '../log/event-log.ts';
import { type Pending, PendingList } from './pending.ts';

export interface LaneLimits {
  /** Soft size of a batch on the log; a larger record travels alone. */
  readonly maxBatchBytes: number;
  readonly maxBatchRecords: number;
  readonly deliveryTimeoutMs: number;
  readonly retryBackoffMs: number;
  readonly retryBackoffMaxMs: number;
}

/** What a lane needs of its producer. `delivered` or `failed` is called once for every record. */
export interface LaneHost {
  readonly log: Pick<EventLog, 'append'>;
  readonly clock: Clock;
  readonly limits: LaneLimits;
  random(): number;
  /** A stopwatch: only differences mean something. */
  elapsedMs(): number;
  delivered(entries: readonly Pending[], batch: TopicPartition, baseOffset: number): void;
  failed(entries: readonly Pending[], error: unknown): void;
}

/** The one batch of a lane that is out. */
interface Flight {
  readonly batch: AppendBatch;
  readonly entries: readonly Pending[];
  readonly startedAtMs: number;
  failures: number;
  appending: boolean;
  maybeStored: boolean;
  /** Its records have been failed; the lane still waits for the log to let go of it. */
  abandoned: boolean;
}

/** An answer that takes this long counts as a stall, though no attempt has failed. */
const SLOW_ANSWER_MS = 1000;
/** Upper bounds of what format v2 adds (KIP-98): to a batch, a record, a header. */
const BATCH_FRAME_BYTES = 61;
const RECORD_FRAME_BYTES = 28;
const HEADER_FRAME_BYTES = 10;

/**
 * The way into one partition. One batch is out at a time and is retried as it is, so order holds through failures;
 * records that come meanwhile gather for the next one. That is the whole of lingering: an idle lane sends at once, a
 * busy one sends what one append's time has brought.
 */
export class Lane {
  readonly #target: TopicPartition;
  readonly #host: LaneHost;
  readonly #queue = new PendingList();
  #flight: Flight | null = null;
  #running = false;
  #batches = 0;
  /** Halved when the log finds a batch too large, until the guilty record stands alone; grows back by what succeeds. */
  #maxRecords: number;
  #failingSinceMs: number | null = null;
  #lastError: KitError | undefined;
  #cancelDeadline: (() => void) | null = null;
  #endPause: (() => void) | null = null;

  constructor(target: TopicPartition, host: LaneHost) {
    this.#target = target;
    this.#host = host;
    this.#maxRecords = host.limits.maxBatchRecords;
  }

  get active(): boolean {
    return this.#flight !== null;
  }

  /** Batches begun so far. */
  get batches(): number {
    return this.#batches;
  }

  get lastError(): KitError | undefined {
    return this.#lastError;
  }

  /** When the batch set out that the log does not acknowledge, on the host's stopwatch; null where all goes well. */
  get stalledSinceMs(): number | null {
    if (this.#failingSinceMs !== null || this.#flight === null) return this.#failingSinceMs;
    const { startedAtMs } = this.#flight;
    return this.#host.elapsedMs() - startedAtMs >= SLOW_ANSWER_MS ? startedAtMs : null;
  }

  push(entry: Pending): void {
    this.#queue.push(entry);
    if (this.#flight?.abandoned && this.#cancelDeadline === null) this.#armDeadline();
    if (this.#running) return;
    this.#running = true;
    // Sends of the same synchronous stretch share the first batch.
    queueMicrotask(() => void this.#run());
  }

  /** Gives up everything, the batch that is out included. */
  abandonAll(error: (maybeStored: boolean) => KitError): void {
    if (this.#flight !== null && !this.#flight.abandoned) this.#abandon(this.#flight, error);
    const waiting = this.#queue.takeAll();
    if (waiting.length > 0) this.#host.failed(waiting, error(false));
    this.#armDeadline();
  }

  async #run(): Promise<void> {
    for (let entries = this.#gather(); entries.length > 0; entries = this.#gather()) {
      await this.#deliver(entries);
      // The callers that an acknowledgement woke have one turn of the event loop to be in the next batch.
      if (entries.length > 1) await nextTurn();
    }
    this.#running = false;
    // With nothing left to send nobody knows how the log is.
    this.#failingSinceMs = null;
  }

  #gather(): Pending[] {
    const entries: Pending[] = [];
    let bytes = BATCH_FRAME_BYTES;
    for (let head = this.#queue.head; head !== null && entries.length < this.#maxRecords; head = this.#queue.head) {
      bytes += head.bytes + RECORD_FRAME_BYTES + head.record.headers.length * HEADER_FRAME_BYTES;
      if (entries.length > 0 && bytes > this.#host.limits.maxBatchBytes) break;
      this.#queue.remove(head);
      entries.push(head);
    }
    return entries;
  }

  async #deliver(entries: readonly Pending[]): Promise<void> {
    const batch = { ...this.#target, records: entries.map(({ record }) => record) };
    const startedAtMs = this.#host.elapsedMs();
    const flight: Flight = {
      batch,
      entries,
      startedAtMs,
      failures: 0,
      appending: false,
      maybeStored: false,
      abandoned: false,
    };
    this.#flight = flight;
    this.#batches += 1;
    this.#armDeadline();
    while (!flight.abandoned) {
      const outcome = await this.#attempt(flight);
      if (outcome !== 'again') break;
      const { random, limits } = this.#host;
      await this.#pause(backoffMs(flight.failures - 1, random, limits.retryBackoffMs, limits.retryBackoffMaxMs));
    }
    this.#flight = null;
    this.#cancelDeadline?.();
    this.#cancelDeadline = null;
  }

  async #attempt(flight: Flight): Promise<'done' | 'again'> {
    flight.appending = true;
    try {
      const { baseOffset } = await this.#host.log.append(flight.batch);
      this.#failingSinceMs = null;
      this.#lastError = undefined;
      this.#maxRecords = Math.min(
        this.#host.limits.maxBatchRecords,
        this.#maxRecords + Math.ceil(this.#maxRecords / 8),
      );
      if (!flight.abandoned) this.#host.delivered(flight.entries, this.#target, baseOffset);
      return 'done';
    } catch (error) {
      if (isKitError(error) && error.retriable) {
        flight.failures += 1;
        flight.maybeStored ||= error.details.maybeStored !== false;
        this.#failingSinceMs ??= flight.startedAtMs;
        this.#lastError = error;
        return flight.abandoned ? 'done' : 'again';
      }
      this.#failingSinceMs = null;
      if (!flight.abandoned) this.#refused(flight, error);
      return 'done';
    } finally {
      flight.appending = false;
    }
  }

  /** The log will not take the batch as it is. */
  #refused({ entries, batch }: Flight, error: unknown): void {
    const tooLarge = isKitError(error, 'RECORD_TOO_LARGE') || isKitError(error, 'BATCH_TOO_LARGE');
    if (tooLarge && entries.length > 1) {
      this.#maxRecords = Math.ceil(entries.length / 2);
      for (const entry of entries.toReversed()) this.#queue.unshift(entry);
      return;
    }
    if (tooLarge) this.#maxRecords = this.#host.limits.maxBatchRecords;
    const known = isKitError(error)
      ? error
      : new KitError('APPEND_FAILED', `the log failed in an unknown way at ${batch.topic}/${batch.partition}`, {
          cause: error,
          details: { maybeStored: true },
        });
    this.#host.failed(entries, known);
  }

  /** Due when the oldest record has waited for its outcome for `deliveryTimeoutMs`. */
  #armDeadline(): void {
    this.#cancelDeadline?.();
    const oldest = this.#flight !== null && !this.#flight.abandoned ? this.#flight.entries[0] : this.#queue.head;
    this.#cancelDeadline =
      oldest == null
        ? null
        : this.#host.clock.after(Math.max(0, this.#deadlineOf(oldest) - this.#host.elapsedMs()), () => this.#expire());
  }

  #expire(): void {
    const now = this.#host.elapsedMs();
    const flight = this.#flight;
    if (flight !== null && !flight.abandoned && this.#deadlineOf(flight.entries[0]!) <= now) {
      this.#abandon(flight, (maybeStored) => this.#timeoutError(maybeStored));
    }
    const expired: Pending[] = [];
    for (let head = this.#queue.head; head !== null && this.#deadlineOf(head) <= now; head = this.#queue.head) {
      this.#queue.remove(head);
      expired.push(head);
    }
    if (expired.length > 0) this.#host.failed(expired, this.#timeoutError(false));
    this.#armDeadline();
  }

  #abandon(flight: Flight, error: (maybeStored: boolean) => KitError): void {
    flight.abandoned = true;
    this.#host.failed(flight.entries, error(flight.maybeStored || flight.appending));
    this.#endPause?.();
  }

  #deadlineOf(entry: Pending): number {
    return entry.startedAtMs + this.#host.limits.deliveryTimeoutMs;
  }

  #timeoutError(maybeStored: boolean): KitError {
    const { topic, partition } = this.#target;
    return new KitError(
      'DELIVERY_TIMEOUT',
      `not acknowledged at ${topic}/${partition} within ${this.#host.limits.deliveryTimeoutMs} ms`,
      { retriable: true, cause: this.#lastError, details: { topic, partition, maybeStored } },
    );
  }

  async #pause(delayMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const cancel = this.#host.clock.after(delayMs, resolve);
      this.#endPause = () => {
        cancel();
        resolve();
      };
    });
    this.#endPause = null;
  }
}
