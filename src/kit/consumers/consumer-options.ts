import type { Clock } from '../clock.ts';
import type { DeadLetter } from '../dlq/dead-letter.ts';
import type { EventLog, LogRecord, TopicPartition } from '../log/event-log.ts';
import type { ProjectionStore } from '../projections/projection-store.ts';
import type { ErrorHandler } from '../retry/error-handler.ts';
import type { ParkingLimits } from '../retry/parking.ts';
import { DEFAULT_PARKING_LIMITS } from '../retry/parking.ts';
import type { RetryPolicy } from '../retry/retry-policy.ts';
import type { EventCodec } from '../schemas/event-codec.ts';
import type { ConsumerTrace } from './consumer-trace.ts';
import type { Verdict } from './verdict.ts';

export interface HandlerContext {
  readonly record: LogRecord;
  /** 1 for the first delivery. */
  readonly attempt: number;
  /** Aborted when the consumer stops waiting for this call. */
  readonly signal: AbortSignal;
}

/**
 * Judges one event. A plain verdict is handled without a promise. It may be called again for the same event (after a
 * crash, a retry, a rebuild), so its only effect should be the deltas of its verdict.
 */
export type Handler<E> = (event: E, context: HandlerContext) => Verdict | Promise<Verdict>;

/** As pino's: fields first. */
export interface ConsumerLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export const SILENT: ConsumerLogger = { info() {}, warn() {}, error() {} };

/** Where a consumer puts what it gives up; a `DeadLetterQueue`. */
export interface DeadLetterSink {
  /** Makes sure that there is a dead letter topic for each of these. */
  prepare(topics: readonly string[]): Promise<void>;
  /** Resolves once all are durable. */
  capture(letters: readonly DeadLetter[]): Promise<void>;
}

/** What a consumer needs of a projection's store. */
export type ConsumerStore = Pick<ProjectionStore, 'name' | 'claim' | 'apply' | 'partitions'>;

export interface ConsumerLimits {
  /** Records per transaction of the store. */
  readonly maxChunkRecords: number;
  /** A transaction is closed after this long, so that slow handlers make visible progress. */
  readonly maxChunkMs: number;
  /** After this long the rest of a delivered batch is fetched again, so that a rebalance need not wait for it. */
  readonly maxBatchMs: number;
  /** How long `stop` waits for handlers before it leaves their events to the next owner. */
  readonly stopGraceMs: number;
  /** Calls of `waitFor` and `caughtUp` waiting at a time. */
  readonly maxWaiters: number;
  /** Pause after a fetch of few records (`JoinOptions.gatherMs`). Longer for projections that write much and are not waited for. */
  readonly gatherMs: number;
  /** Least time between two retry passes of a partition. */
  readonly retryTickMs: number;
  /** Longest pause between two attempts while log or store are not available. */
  readonly maxRecoveryDelayMs: number;
  readonly parking: ParkingLimits;
}

export const DEFAULT_CONSUMER_LIMITS: ConsumerLimits = {
  maxChunkRecords: 1_000,
  maxChunkMs: 200,
  maxBatchMs: 10_000,
  stopGraceMs: 5_000,
  maxWaiters: 10_000,
  gatherMs: 5,
  retryTickMs: 10,
  maxRecoveryDelayMs: 5_000,
  parking: DEFAULT_PARKING_LIMITS,
};

export interface ConsumerOptions<E> {
  readonly log: EventLog;
  /** The consumer group. Two consumers that feed different projections are different groups. */
  readonly group: string;
  readonly topics: readonly string[];
  readonly codec: Pick<EventCodec<E>, 'decode'>;
  readonly handler: Handler<E>;
  readonly store: ConsumerStore;
  /**
   * Called at each claim of a partition that finds records to process in the log already, before the first of them is processed. A
   * failure is one of the claim: it is claimed again after a pause.
   */
  readonly onBehind?: ((partition: TopicPartition) => Promise<void>) | undefined;
  /**
   * false: event ids are not remembered, which an event that comes twice does not need where all deltas are `max` (and what
   * is made of them by `keep`, `from`, `each`): the second time changes nothing. Default true.
   */
  readonly deduplicate?: boolean;
  readonly deadLetters: DeadLetterSink;
  readonly retryPolicy?: RetryPolicy;
  readonly errorHandler?: ErrorHandler;
  readonly clock?: Clock;
  /** In [0, 1); jitter of the default policies. */
  readonly random?: () => number;
  readonly logger?: ConsumerLogger;
  /** Told what becomes of the events. */
  readonly trace?: ConsumerTrace | undefined;
  readonly limits?: Partial<ConsumerLimits>;
  readonly clientId?: string;
  readonly sessionTimeoutMs?: number;
}
