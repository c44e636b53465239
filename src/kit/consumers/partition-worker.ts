/**
 * One owned partition: decides what becomes of each record, and makes it durable together with the position. All
 * operations of a partition (records, retries, recovery) run one after the other, in one queue.
 *
 * Order of things that a crash may cut short: dead letters are acknowledged by the log before the position moves, so a
 * crash in between repeats them (one entry, as they carry the same id); effects, parking and position are one
 * transaction, so a crash repeats or keeps them as a whole.
 */
import { type Clock, steadyClock, systemClock } from '../clock.ts';
import { isKitError, KitError } from '../errors.ts';
import type { EventLog, LogRecord, PartitionBatch, TopicPartition } from '../log/event-log.ts';
import type { ParkedRecord } from '../projections/projection-store.ts';
import { dueInTime, Parking } from '../retry/parking.ts';
import type { RetryPolicy } from '../retry/retry-policy.ts';
import { orAborted } from '../waiting.ts';
import { Chunk } from './chunk.ts';
import type { ConsumerMeter, PartitionProgress } from './consumer-metrics.ts';
import type { ConsumerLimits, ConsumerLogger, ConsumerStore, DeadLetterSink } from './consumer-options.ts';
import type { ConsumerTrace } from './consumer-trace.ts';
import type { Judge, Judgement } from './judge.ts';
import { messageOf } from './judge.ts';
import { keyToText } from './record-key.ts';
import { RecordReader } from './record-reader.ts';
import { dead } from './verdict.ts';
import { Waiters } from './waiters.ts';

export interface WorkerContext<E> {
  readonly group: string;
  readonly log: EventLog;
  readonly store: ConsumerStore;
  readonly deadLetters: DeadLetterSink;
  readonly onBehind?: ((partition: TopicPartition) => Promise<void>) | undefined;
  readonly judge: Judge<E>;
  readonly retryPolicy: RetryPolicy;
  readonly deduplicate: boolean;
  /** Delays while log or store are not available; its `attempts` are not used. */
  readonly recoveryPolicy: RetryPolicy;
  readonly clock: Clock;
  readonly logger: ConsumerLogger;
  readonly limits: ConsumerLimits;
  readonly meter: ConsumerMeter;
  readonly trace?: ConsumerTrace | undefined;
  /** Aborted: what is under way is not waited for any more, and counts as not done. */
  readonly abandon: AbortSignal;
  pause(partition: TopicPartition): void;
  resume(partition: TopicPartition, offset: number): void;
  /** A newer owner exists. */
  fenced(partition: TopicPartition): void;
  /** Nothing but a person can help. */
  failed(error: KitError): void;
}

/**
 * `closed` also before the first claim. `full`: parking has no room for `#blockedKey`; only retries go on.
 * `recovering`: log or store failed; the partition is claimed again after a pause.
 */
type State = 'running' | 'full' | 'recovering' | 'closed';

/** A position beyond the log's end is looked at this often before it is believed: a new leader may be behind for a moment. */
const MAX_AHEAD_CHECKS = 5;
/** The event loop gets a turn at least this often, however fast log and store answer. */
const MAX_HOLD_MS = 20;

export class PartitionWorker<E> implements TopicPartition {
  readonly topic: string;
  readonly partition: number;
  readonly #context: WorkerContext<E>;
  readonly #waiters: Waiters;
  #state: State = 'recovering';
  #halting = false;
  #tail: Promise<void> = Promise.resolve();
  #busy = 0;
  #heldSince = performance.now();
  #timer: { readonly at: number; readonly cancel: () => void } | null = null;
  #failures = 0;
  /** Claims in a row that found the position beyond the log's end. */
  #aheadChecks = 0;
  #epoch = 0;
  /** What the store has as `next`; lags behind `#position` only after a gap, until the next transaction. */
  #expect: number | null = null;
  #position = 0;
  /** The log's end when this owner began to follow it, or began again further back; null before the first claim. */
  #followedFrom: number | null = null;
  #waitingSince: number | null = null;
  #end = 0;
  #parking = new Parking();
  /** Offsets parked as the store has it. */
  #parked = new Set<number>();
  #blockedKey = '';
  /** What the store refused for itself alone: no retry helps it. */
  #refused: { readonly offset: number; readonly error: KitError } | null = null;
  /** So many more records get a transaction of their own, to find the one that the store refuses. */
  #singly = 0;

  constructor({ topic, partition }: TopicPartition, context: WorkerContext<E>) {
    this.topic = topic;
    this.partition = partition;
    this.#context = context;
    this.#waiters = new Waiters(context.clock, context.limits.maxWaiters);
  }

  get position(): number {
    return this.#position;
  }

  get parked(): number {
    return this.#parked.size;
  }

  /** What an audit compares with the store; null while something is under way. */
  get fence(): { readonly epoch: number; readonly next: number | null } | null {
    const settled = this.#busy === 0 && (this.#state === 'running' || this.#state === 'full');
    return settled ? { epoch: this.#epoch, next: this.#expect } : null;
  }

  progress(): PartitionProgress {
    const { topic, partition } = this;
    const end = Math.max(this.#end, this.#position);
    const lag = end - this.#position;
    return { topic, partition, position: this.#position, end_offset: end, lag, waiting_since: this.#waitingSince };
  }

  sawEnd(offset: number): void {
    this.#end = Math.max(this.#end, offset);
  }

  /** Where to read from; null while that has to wait for a recovery. */
  get start(): number | null {
    return this.#state === 'running' ? this.#position : null;
  }

  /** Claims the partition; when that fails, again after a pause. */
  open(): Promise<void> {
    return this.#run(() => this.#claim());
  }

  onRecords(batch: PartitionBatch): Promise<void> {
    const epoch = this.#epoch;
    return this.#run(async () => {
      // What was delivered before a claim may lie ahead of the position that the claim found; it is fetched again.
      if (epoch !== this.#epoch) return;
      this.#context.trace?.begun(this, batch.records);
      await this.#process(batch).finally(() => this.#context.trace?.ended(this));
    });
  }

  /** Claims the partition again: the store is not as this owner left it. */
  reclaim(error: KitError): Promise<void> {
    return this.#run(async () => this.#interrupt(error));
  }

  /** Resolves when the record at `offset` is no longer waiting: applied, a duplicate, or dead. */
  settled(offset: number, timeoutMs: number): Promise<void> {
    return this.#waiters.until(() => this.#position > offset && !this.#parked.has(offset), timeoutMs);
  }

  /** Resolves when everything before `end` is settled and nothing is parked. */
  caughtUp(end: number, timeoutMs: number): Promise<void> {
    return this.#waiters.until(() => this.#position >= end && this.#parked.size === 0, timeoutMs);
  }

  /** Begin nothing new; what has been decided so far is still made durable. */
  halt(): void {
    this.#halting = true;
    this.#cancelTimer();
  }

  async close(): Promise<void> {
    this.halt();
    await this.#tail;
    this.#state = 'closed';
    this.#context.trace?.released(this);
    const { topic, partition } = this;
    this.#waiters.close(
      new KitError('PARTITION_NOT_OWNED', `${topic}/${partition} is no longer read by this consumer`, {
        retriable: true,
        details: { topic, partition },
      }),
    );
  }

  #run(operation: () => Promise<void>): Promise<void> {
    this.#busy++;
    this.#tail = this.#tail.then(async () => {
      try {
        if (!this.#halting) await operation();
      } catch (error) {
        this.#interrupt(error);
      } finally {
        this.#busy--;
        if (!this.#halting) this.#armTimer();
      }
    });
    return this.#tail;
  }

  async #claim(): Promise<void> {
    const { topic, partition } = this;
    const { store, log, limits, clock } = this.#context;
    const claim = await store.claim({ topic, partition });
    const [earliest, latest] = (await log.listOffsets([
      { topic, partition, at: 'earliest' },
      { topic, partition, at: 'latest' },
    ])) as [number, number];
    this.#epoch = claim.epoch;
    this.#expect = claim.next;
    if (claim.next !== null && claim.next > latest) return this.#ahead(claim.next, latest);
    this.#aheadChecks = 0;
    const position = claim.next ?? earliest;
    if (position < latest) await this.#context.onBehind?.({ topic, partition });
    // after a pause it goes on where it was, and what came meanwhile came while it followed
    if (this.#followedFrom === null || position < this.#position) this.#followedFrom = latest;
    this.#position = position;
    this.#waitingSince = null;
    this.#end = latest;
    const now = clock.now();
    this.#parking = new Parking(
      limits.parking,
      claim.parked.map((record) => dueInTime(record, now)),
    );
    this.#parked = new Set(claim.parked.map((record) => record.offset));
    this.#skipTo(earliest);
    this.#state = 'running';
    this.#context.trace?.claimed(this, this.#position);
    this.#context.resume({ topic, partition }, this.#position);
    this.#waiters.notify();
  }

  #ahead(next: number, latest: number): void {
    const { topic, partition } = this;
    const error = new KitError(
      'CONSUMER_AHEAD_OF_LOG',
      `${this.#context.store.name} has processed ${topic}/${partition} up to offset ${next}, but the log ends at ${latest}: ` +
        'it was replaced or truncated. Point both at the same data, or clear the projection so that it is rebuilt.',
      { details: { topic, partition, next, latest } },
    );
    if (++this.#aheadChecks < MAX_AHEAD_CHECKS) throw error;
    this.halt();
    this.#context.failed(error);
  }

  async #process(batch: PartitionBatch): Promise<void> {
    this.sawEnd(batch.highWatermark);
    const { records } = batch;
    const { clock, limits } = this.#context;
    const giveWayAt = clock.now() + limits.maxBatchMs;
    if (this.#state === 'running' && (records[0]?.offset ?? 0) > this.#position) await this.#checkGap();
    let index = 0;
    if (this.#state === 'running')
      this.#waitingSince = records.find(({ offset }) => offset >= this.#position)?.timestamp ?? null;
    while (this.#state === 'running' && !this.#halting && index < records.length) {
      index = await this.#processChunk(records, index);
      if ((this.#state as State) !== 'recovering') this.#waitingSince = records[index]?.timestamp ?? null;
      await this.#giveTurn();
      if (index < records.length && clock.now() >= giveWayAt) return this.#refetch();
    }
    // Delivered although paused: that was before the member could be told.
    if (this.#state !== 'running') this.#context.pause(this);
  }

  /** @returns the index of the first record that is left */
  async #processChunk(records: readonly LogRecord[], from: number): Promise<number> {
    const { clock, limits, judge } = this.#context;
    const chunk = this.#newChunk();
    const closeAt = clock.now() + limits.maxChunkMs;
    let index = from;
    let next = this.#position;
    let failure: { readonly error: unknown } | null = null;
    for (; index < records.length && !this.#isFull(chunk) && !this.#halting; index++) {
      const record = records[index]!;
      if (record.offset < next) continue;
      const now = clock.now();
      if (now >= closeAt && chunk.size > 0) break;
      const decoded = judge.decode(record);
      if (!decoded.ok) {
        chunk.bury(record, decoded.code, decoded.reason, now);
      } else {
        const key = this.#parking.size === 0 ? null : keyToText(record.key);
        if (key !== null && !this.#parking.admits(key)) {
          this.#blockedKey = key;
          this.#state = 'full';
          break;
        }
        if (key !== null && this.#parking.holds(key)) {
          chunk.wait(record, decoded.id, key, now);
        } else {
          const judging = this.#judge(decoded.event, record, 1);
          const judgement = judging instanceof Promise ? await judging : judging;
          if (judgement.kind === 'systemic') {
            failure = judgement;
            break;
          }
          chunk.judged(record, decoded.id, judgement, now, clock.now());
        }
      }
      next = record.offset + 1;
    }
    const flushed = await this.#flush(chunk, next);
    if (flushed && failure !== null) this.#interrupt(failure.error);
    if (this.#state === 'full') this.#context.pause(this);
    return index;
  }

  /** Tries the heads that are due, and after a success those behind them, in one transaction. */
  async #retryDue(): Promise<void> {
    const { clock, limits, log } = this.#context;
    const now = clock.now();
    const chunk = this.#newChunk();
    const reader = new RecordReader(log, { topic: this.topic, partition: this.partition });
    let failure: unknown = null;
    while (!this.#isFull(chunk) && !this.#halting && failure === null) {
      const head = this.#parking.due(now);
      if (head === undefined || (chunk.size > 0 && clock.now() >= now + limits.maxChunkMs)) break;
      try {
        failure = await this.#retry(chunk, head, reader, now);
      } catch (error) {
        failure = error;
      }
    }
    if (!(await this.#flush(chunk, this.#position))) return;
    if (failure !== null) return this.#interrupt(failure);
    if (this.#state === 'full' && this.#parking.hasRoom(this.#blockedKey)) {
      this.#state = 'running';
      this.#context.resume(this, this.#position);
    }
    await this.#giveTurn();
  }

  /**
   * @param passAt when the pass began: a clock that is set back meanwhile must not make the head due in it once more
   * @returns what failed for every event alike, or null
   */
  async #retry(chunk: Chunk, head: ParkedRecord, reader: RecordReader, passAt: number): Promise<unknown> {
    const { clock, judge } = this.#context;
    const { topic, partition } = this;
    const record = await reader.read(head.offset);
    if (record === null) {
      chunk.lost(head, { topic, partition }, clock.now());
      return null;
    }
    if (chunk.isExhausted(head)) {
      chunk.giveUp(record, head, clock.now());
      return null;
    }
    const decoded = judge.decode(record);
    if (!decoded.ok) {
      chunk.bury(record, decoded.code, decoded.reason, clock.now(), head);
      return null;
    }
    const startedAt = clock.now();
    const judgement = await this.#judge(decoded.event, record, head.attempts + 1);
    if (judgement.kind === 'systemic') return judgement.error;
    chunk.judged(record, decoded.id, judgement, startedAt, Math.max(passAt, clock.now()), head);
    return null;
  }

  #judge(event: E, record: LogRecord, attempt: number): Judgement | Promise<Judgement> {
    if (this.#refused?.offset !== record.offset) return this.#context.judge.judge(event, record, attempt);
    return dead(this.#refused.error.message, this.#refused.error.code);
  }

  /** A refused effect that was buried ends its chunk, so that it stays buried if another is refused next. */
  #isFull(chunk: Chunk): boolean {
    if (chunk.size >= (this.#singly > 0 ? 1 : this.#context.limits.maxChunkRecords)) return true;
    return this.#refused !== null && chunk.dead.at(-1)?.record.offset === this.#refused.offset;
  }

  #newChunk(): Chunk {
    const { group, retryPolicy, deduplicate } = this.#context;
    return new Chunk(group, retryPolicy, this.#parking, deduplicate, this.#followedFrom ?? 0);
  }

  /** @returns whether the position is now `next`, durably */
  async #flush(chunk: Chunk, next: number): Promise<boolean> {
    if (chunk.size === 0) return true;
    const { topic, partition } = this;
    const { store, deadLetters, abandon, clock, meter, trace } = this.#context;
    const { effects, park, unpark } = chunk;
    let duplicates: readonly number[];
    try {
      if (chunk.dead.length > 0) await orAborted(deadLetters.capture(chunk.dead), abandon);
      const outcome = await store.apply({
        ...{ topic, partition, next, effects, park, unpark },
        epoch: this.#epoch,
        expect: this.#expect,
        dead: chunk.dead.length,
        now: clock.now(),
      });
      if (outcome.status === 'fenced' && outcome.epoch > this.#epoch) {
        this.halt();
        this.#context.fenced({ topic, partition });
        return false;
      }
      if (outcome.status !== 'ok') {
        throw new KitError('POSITION_MISMATCH', `the store no longer has position ${this.#expect}`, {
          retriable: true,
          details: { topic, partition, expected: this.#expect, outcome },
        });
      }
      duplicates = outcome.duplicates;
    } catch (error) {
      if (isKitError(error, 'INVALID_DELTA')) this.#suspect(chunk, error);
      this.#interrupt(error);
      return false;
    }
    const tally = chunk.tally();
    trace?.stored(this, { chunk, from: this.#position, next, duplicates, durationMs: tally.elapsedMs }, clock.now());
    this.#expect = this.#position = next;
    this.#failures = 0;
    this.#singly = Math.max(0, this.#singly - 1);
    for (const { offset } of park) this.#parked.add(offset);
    for (const offset of unpark) this.#parked.delete(offset);
    // producers stamp records by the wall clock, which may have been set since the steady one was
    meter.add(tally, (clock === steadyClock ? systemClock : clock).now());
    this.#waiters.notify();
    return true;
  }

  /** The store cannot take an effect of this chunk, ever. It is buried once it is known which; until then, one at a time. */
  #suspect({ effects }: Chunk, error: KitError): void {
    const offset = error.details.offset ?? (effects.length === 1 ? effects[0]!.offset : undefined);
    if (typeof offset === 'number') this.#refused = { offset, error };
    else this.#singly = this.#context.limits.maxChunkRecords;
  }

  /** Nothing of the partition goes on until it is claimed again; what was decided since the last transaction is forgotten. */
  #interrupt(error: unknown): void {
    if (this.#halting) return;
    this.#state = 'recovering';
    this.#failures++;
    this.#cancelTimer();
    this.#context.pause(this);
    this.#context.trace?.paused(this, this.#position, error);
    const { topic, partition } = this;
    const code = isKitError(error) ? error.code : undefined;
    const fields = { topic, partition, code, failures: this.#failures };
    // a rebuilt version that was swapped in looks like this, once
    if (code === 'POSITION_MISMATCH' && this.#failures === 1)
      this.#context.logger.info(fields, `claims its position again: ${messageOf(error)}`);
    else this.#context.logger.warn({ ...fields, err: error }, `paused, will recover: ${messageOf(error)}`);
  }

  /** One timer, for the next retry or recovery. One that is due earlier stays, or a busy partition would never retry. */
  #armTimer(): void {
    const { clock, limits, recoveryPolicy } = this.#context;
    const now = clock.now();
    const recovering = this.#state === 'recovering';
    const nextAt = recovering ? now + recoveryPolicy.delayMs(this.#failures) : this.#parking.nextDueAt();
    if (nextAt === undefined) return;
    const at = Math.max(nextAt, now + limits.retryTickMs);
    if (this.#timer !== null && this.#timer.at <= at) return;
    this.#cancelTimer();
    const cancel = clock.after(at - now, () => {
      this.#timer = null;
      void this.#run(() => (this.#state === 'recovering' ? this.#claim() : this.#retryDue()));
    });
    this.#timer = { at, cancel };
  }

  #cancelTimer(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** Holes are what compaction leaves, unless the log now begins later than this consumer has read. */
  async #checkGap(): Promise<void> {
    const { topic, partition } = this;
    const [earliest] = await this.#context.log.listOffsets([{ topic, partition, at: 'earliest' }]);
    this.#skipTo(earliest!);
  }

  #skipTo(earliest: number): void {
    const missing = earliest - this.#position;
    if (missing <= 0) return;
    const { topic, partition } = this;
    const { logger, meter } = this.#context;
    meter.skip(missing);
    this.#context.trace?.skipped(this, earliest);
    logger.warn(
      { topic, partition, position: this.#position, earliest, skipped: missing },
      'retention removed records before they were processed; going on at the earliest that is left',
    );
    this.#position = earliest;
  }

  #refetch(): void {
    this.#context.pause(this);
    this.#context.resume(this, this.#position);
  }

  async #giveTurn(): Promise<void> {
    if (performance.now() - this.#heldSince < MAX_HOLD_MS) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.#heldSince = performance.now();
  }
}
