/**
 * Runs a handler over the topics of a group, with the effects of its verdicts stored exactly once. This file holds the
 * membership: which partitions are owned, joining anew after a loss, progress and waiting. What happens to the records
 * of a partition is `partition-worker.ts`.
 */
import { steadyClock } from '../clock.ts';
import { isKitError, KitError } from '../errors.ts';
import type { GroupMember, PartitionBatch, PartitionOffset, TopicPartition } from '../log/event-log.ts';
import { ErrorHandler } from '../retry/error-handler.ts';
import { RetryPolicy } from '../retry/retry-policy.ts';
import { noLongerThan } from '../waiting.ts';
import { type ConsumerLatencies, ConsumerMeter, type ConsumerMetrics } from './consumer-metrics.ts';
import { type ConsumerOptions, DEFAULT_CONSUMER_LIMITS, SILENT } from './consumer-options.ts';
import { Judge, messageOf } from './judge.ts';
import { PartitionWorker, type WorkerContext } from './partition-worker.ts';
import { Waiters } from './waiters.ts';

export interface RunningConsumer {
  metrics(): ConsumerMetrics;
  readonly latencies: ConsumerLatencies;
  /** Of the group, as this member knows it; null while it is in none. */
  readonly generation: number | null;
  /**
   * Resolves as soon as the record at this position is settled: applied, found to be a duplicate, or dead-lettered.
   *
   * @throws KitError NOT_APPLIED_YET after `timeoutMs`, PARTITION_NOT_OWNED, TOO_MANY_WAITERS
   */
  waitFor(position: PartitionOffset, timeoutMs: number): Promise<void>;
  /**
   * Resolves when every owned partition has settled what was in the log at the time of the call, and nothing is parked.
   *
   * @throws KitError NOT_APPLIED_YET after `timeoutMs`, LOG_UNAVAILABLE
   */
  caughtUp(timeoutMs: number): Promise<void>;
  /** Finishes what is under way (for `stopGraceMs`), commits, leaves the group. Repeated calls are harmless. */
  stop(): Promise<void>;
  /** Resolved after `stop`; rejected with what no retry can help, e.g. KitError CONSUMER_AHEAD_OF_LOG, CORRUPT_BATCH. */
  readonly ended: Promise<void>;
}

const FIRST_ASSIGNMENT_MS = 10_000;
const TICK_MS = 1_000;
const TICKS_PER_AUDIT = 5;
/** Of a commit before partitions are given back: a hint is not worth a longer wait. */
const COMMIT_LIMIT_MS = 1_000;

/**
 * Resolves once the group has given this member its partitions and they are claimed.
 *
 * @throws KitError UNKNOWN_TOPIC, LOG_UNAVAILABLE, whatever else keeps the group from being joined
 */
export async function runConsumer<E>(options: ConsumerOptions<E>): Promise<RunningConsumer> {
  const run = new ConsumerRun(options);
  await run.start();
  return run;
}

class ConsumerRun<E> implements RunningConsumer {
  readonly ended: Promise<void>;
  readonly #end = Promise.withResolvers<void>();
  readonly #options: ConsumerOptions<E>;
  readonly #context: WorkerContext<E>;
  readonly #meter = new ConsumerMeter();
  readonly #abandon = new AbortController();
  readonly #assigned: Waiters;
  readonly #startedAt: number;
  #workers = new Map<string, PartitionWorker<E>>();
  #member: GroupMember | null = null;
  #stopping: Promise<void> | null = null;
  #over = false;
  /** The generation whose partitions were revoked; null while partitions are owned. */
  #revokedGeneration: number | null = -1;
  #rejoining: Promise<void> | null = null;
  #rejoins = 0;
  #committed = new Map<string, number>();
  #ticks = 0;
  #cancelTick = () => {};
  /** Cuts a pause between two attempts to join short. */
  #wake: () => void = () => {};

  constructor(options: ConsumerOptions<E>) {
    const { clock = steadyClock, random = Math.random, logger = SILENT, group, log, store, deadLetters } = options;
    const limits = { ...DEFAULT_CONSUMER_LIMITS, ...options.limits };
    const errors = options.errorHandler ?? new ErrorHandler();
    this.ended = this.#end.promise;
    // Whoever does not look at `ended` must not be ended by it.
    this.ended.catch(() => {});
    this.#options = options;
    this.#startedAt = clock.now();
    this.#assigned = new Waiters(clock, limits.maxWaiters);
    this.#context = {
      group,
      log,
      store,
      deadLetters,
      onBehind: options.onBehind,
      clock,
      logger,
      limits,
      judge: new Judge(options.codec, options.handler, errors, this.#abandon.signal),
      deduplicate: options.deduplicate ?? true,
      retryPolicy: options.retryPolicy ?? new RetryPolicy({ random }),
      recoveryPolicy: new RetryPolicy({ maxMs: limits.maxRecoveryDelayMs, random }),
      meter: this.#meter,
      trace: options.trace,
      abandon: this.#abandon.signal,
      pause: (partition) => this.#member?.pause([partition]),
      resume: (partition, offset) => this.#member?.resume(partition, offset),
      fenced: (partition) => {
        logger.warn({ ...partition }, 'a newer owner exists: joining the group anew');
        this.#rejoin();
      },
      failed: (error) => this.#fail(error),
    };
  }

  async start(): Promise<void> {
    await this.#options.deadLetters.prepare(this.#options.topics);
    await this.#join();
    this.#tickLater();
    await Promise.race([this.#firstAssignment(), this.ended]);
  }

  get latencies(): ConsumerLatencies {
    return this.#meter.latencies;
  }

  get generation(): number | null {
    const generation = this.#member?.generation ?? -1;
    return generation < 0 ? null : generation;
  }

  metrics(): ConsumerMetrics {
    const workers = [...this.#workers.values()];
    return this.#meter.report({
      uptimeMs: this.#context.clock.now() - this.#startedAt,
      running: !this.#over && this.#stopping === null && this.#member !== null,
      parked: workers.reduce((sum, { parked }) => sum + parked, 0),
      partitions: workers.map((worker) => worker.progress()),
    });
  }

  async waitFor({ topic, partition, offset }: PartitionOffset, timeoutMs: number): Promise<void> {
    const deadline = this.#context.clock.now() + timeoutMs;
    await this.#assigned.until(() => this.#settledIn, timeoutMs);
    const worker = this.#workers.get(nameOf({ topic, partition }));
    if (worker === undefined) throw notOwned({ topic, partition });
    await worker.settled(offset, deadline - this.#context.clock.now());
  }

  async caughtUp(timeoutMs: number): Promise<void> {
    const { clock, log } = this.#context;
    const deadline = clock.now() + timeoutMs;
    for (;;) {
      await this.#assigned.until(() => this.#settledIn, deadline - clock.now());
      const workers = [...this.#workers.values()];
      const ends = await log.listOffsets(workers.map(({ topic, partition }) => ({ topic, partition, at: 'latest' })));
      const leftMs = deadline - clock.now();
      const outcomes = await Promise.allSettled(workers.map((worker, index) => worker.caughtUp(ends[index]!, leftMs)));
      const failures = outcomes.flatMap((outcome) =>
        outcome.status === 'rejected' ? [outcome.reason as unknown] : [],
      );
      if (failures.length === 0) return;
      // Partitions that moved meanwhile are someone else's now, or ours again.
      const other = failures.find((error) => !isKitError(error, 'PARTITION_NOT_OWNED'));
      if (other !== undefined || this.#over || this.#stopping !== null) throw other ?? failures[0];
    }
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    const { clock, limits } = this.#context;
    this.#cancelTick();
    for (const worker of this.#workers.values()) worker.halt();
    const stopped = new KitError('CONSUMER_STOPPED', 'the consumer has stopped', { retriable: true });
    const grace = Promise.withResolvers<void>();
    const cancel = clock.after(limits.stopGraceMs, () => {
      this.#abandon.abort(stopped);
      grace.resolve();
    });
    this.#wake();
    await Promise.race([this.#rejoining, grace.promise]);
    await this.#member?.leave();
    await this.#closeWorkers();
    cancel();
    this.#over = true;
    this.#assigned.close(stopped);
    this.#end.resolve();
  }

  #fail(error: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#context.logger.error({ err: error }, `consumer ended: ${messageOf(error)}`);
    this.#end.reject(error);
    void this.stop();
  }

  async #join(): Promise<void> {
    const { log, group, clock, logger } = this.#context;
    const { topics, clientId, sessionTimeoutMs } = this.#options;
    const member = await log.group(group).join({
      topics,
      onAssigned: (partitions) => this.#assign(partitions),
      onRecords: (batch) => this.#deliver(batch),
      onRevoked: (partitions, lost) => this.#revoke(partitions, lost),
      gatherMs: this.#context.limits.gatherMs,
      ...(clientId === undefined ? {} : { clientId }),
      ...(sessionTimeoutMs === undefined ? {} : { sessionTimeoutMs }),
    });
    if (this.#stopping !== null) return member.leave();
    this.#member = member;
    const joinedAt = clock.now();
    member.ended.catch((error: unknown) => {
      if (this.#member !== member || this.#over) return;
      if (!isKitError(error) || !(error.retriable || error.code === 'OFFSET_OUT_OF_RANGE')) return this.#fail(error);
      logger.warn({ err: error, code: error.code }, 'group membership ended: joining the group anew');
      if (clock.now() - joinedAt > TICK_MS * TICKS_PER_AUDIT) this.#rejoins = 0;
      this.#rejoin();
    });
  }

  /** Leaves and joins again, with growing pauses, until it works or cannot. */
  #rejoin(): void {
    if (this.#over || this.#stopping !== null) return;
    this.#rejoining ??= this.#joinAnew().finally(() => {
      this.#rejoining = null;
    });
  }

  async #joinAnew(): Promise<void> {
    const { clock, recoveryPolicy, logger } = this.#context;
    await this.#member?.leave();
    this.#member = null;
    await this.#closeWorkers();
    while (this.#stopping === null && !this.#over) {
      const delayMs = recoveryPolicy.delayMs(++this.#rejoins);
      await new Promise<void>((resolve) => {
        const cancel = clock.after(delayMs, resolve);
        this.#wake = () => [cancel(), resolve()];
      });
      if (this.#stopping !== null || this.#over) return;
      try {
        return await this.#join();
      } catch (error) {
        if (!isKitError(error) || !error.retriable) return this.#fail(error);
        logger.warn({ err: error, code: error.code }, 'the group cannot be joined now');
      }
    }
  }

  async #assign(partitions: readonly TopicPartition[]): Promise<PartitionOffset[]> {
    const workers = partitions.map((partition) => new PartitionWorker(partition, this.#context));
    for (const worker of workers) this.#workers.set(nameOf(worker), worker);
    await Promise.all(workers.map((worker) => worker.open()));
    this.#revokedGeneration = null;
    this.#assigned.notify();
    // Asked when all are open: one that failed at first may have recovered while the others were opened.
    return workers.flatMap(({ topic, partition, start }) =>
      start === null ? [] : [{ topic, partition, offset: start }],
    );
  }

  /** Records of a partition that is not owned (any more) are nobody's business here. */
  async #deliver(batch: PartitionBatch): Promise<void> {
    await this.#workers.get(nameOf(batch))?.onRecords(batch);
  }

  async #revoke(partitions: readonly TopicPartition[], lost: boolean): Promise<void> {
    this.#revokedGeneration = this.#member?.generation ?? -1;
    await this.#closeWorkers(partitions);
    if (!lost) {
      const commit = this.#commit(partitions).catch(() => {});
      await noLongerThan(COMMIT_LIMIT_MS, commit, this.#context.clock);
    }
    for (const partition of partitions) this.#workers.delete(nameOf(partition));
  }

  async #closeWorkers(partitions: readonly TopicPartition[] = [...this.#workers.values()]): Promise<void> {
    await Promise.all(partitions.map((partition) => this.#workers.get(nameOf(partition))?.close()));
  }

  /** Offsets in the group are hints for tools; positions are the store's. */
  async #commit(partitions: readonly TopicPartition[]): Promise<void> {
    const moved = partitions.flatMap(({ topic, partition }) => {
      const offset = this.#workers.get(nameOf({ topic, partition }))?.position ?? 0;
      return offset > 0 && this.#committed.get(nameOf({ topic, partition })) !== offset
        ? [{ topic, partition, offset }]
        : [];
    });
    if (moved.length === 0) return;
    await this.#member?.commit(moved);
    for (const position of moved) this.#committed.set(nameOf(position), position.offset);
  }

  #tickLater(): void {
    if (this.#over || this.#stopping !== null) return;
    this.#cancelTick = this.#context.clock.after(TICK_MS, () => {
      void this.#tick().finally(() => this.#tickLater());
    });
  }

  /** Upkeep; what fails now is done at the next tick. */
  async #tick(): Promise<void> {
    const workers = [...this.#workers.values()];
    const upkeep: Promise<void>[] = [this.#commit(workers), this.#readEnds(workers)];
    if (++this.#ticks % TICKS_PER_AUDIT === 0) upkeep.push(this.#audit(workers));
    await Promise.allSettled(upkeep);
    this.#assigned.notify();
  }

  async #readEnds(workers: readonly PartitionWorker<E>[]): Promise<void> {
    if (workers.length === 0) return;
    const queries = workers.map(({ topic, partition }) => ({ topic, partition, at: 'latest' as const }));
    const ends = await this.#context.log.listOffsets(queries);
    for (const [index, worker] of workers.entries()) worker.sawEnd(ends[index]!);
  }

  /** A store that lost its data, or was cleared, is noticed even where no event comes to tell. */
  async #audit(workers: readonly PartitionWorker<E>[]): Promise<void> {
    const before = workers.map(({ fence }) => fence);
    const states = new Map((await this.#context.store.partitions()).map((state) => [nameOf(state), state]));
    for (const [index, worker] of workers.entries()) {
      const state = states.get(nameOf(worker));
      const expected = before[index];
      const now = worker.fence;
      if (expected == null || now === null || now.epoch !== expected.epoch || now.next !== expected.next) continue;
      if (state?.epoch === expected.epoch && state.next === expected.next) continue;
      if (state !== undefined && state.epoch > expected.epoch) {
        this.#context.fenced({ topic: worker.topic, partition: worker.partition });
        return;
      }
      const message = 'the store no longer has this position; it is claimed and, if need be, rebuilt';
      void worker.reclaim(new KitError('POSITION_MISMATCH', message, { retriable: true }));
    }
  }

  /** Whether the group has settled on who owns what, as far as this member is concerned. */
  get #settledIn(): boolean {
    const member = this.#member;
    if (member === null) return false;
    if (this.#revokedGeneration === null) return true;
    const { generation } = member;
    return generation >= 0 && generation !== this.#revokedGeneration && member.assignment().length === 0;
  }

  /** A store that cannot be reached does not hold up the start: its partitions go on recovering. */
  async #firstAssignment(): Promise<void> {
    try {
      await this.#assigned.until(() => this.#settledIn, FIRST_ASSIGNMENT_MS);
    } catch (error) {
      if (!isKitError(error, 'NOT_APPLIED_YET')) throw error;
    }
  }
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}

function notOwned(partition: TopicPartition): KitError {
  return new KitError('PARTITION_NOT_OWNED', `${nameOf(partition)} is not read by this consumer`, {
    retriable: true,
    details: { ...partition },
  });
}
