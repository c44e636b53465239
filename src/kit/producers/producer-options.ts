import type { Clock } from '../clock.ts';
import { KitError } from '../errors.ts';
import type { EventLog, Header, TopicPartition } from '../log/event-log.ts';
import type { LaneLimits } from './lane.ts';

/** Buffers are not copied: leave them alone until the outcome is there. */
export interface OutgoingRecord {
  readonly topic: string;
  /** Decides the partition by murmur2, as Java's clients do; null: any partition, batch by batch. */
  readonly key: string | Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: readonly Header[];
  /** Default: decided by the key. */
  readonly partition?: number;
  /** Milliseconds since the epoch. Default: now. */
  readonly timestamp?: number;
}

export interface SendOptions {
  /** Default `wait`. */
  readonly whenFull?: 'wait' | 'reject';
  /**
   * How long the caller waits for the acknowledgement; default: `deliveryTimeoutMs`. A record that the log has by
   * then goes on being retried (ACK_PENDING); one that still waits for its turn is withdrawn (LOG_UNAVAILABLE).
   */
  readonly ackTimeoutMs?: number;
}

export interface ProducerLimits extends LaneLimits {
  /** Records accepted and not settled. Default 100,000. */
  readonly maxQueuedRecords: number;
  /** Their bytes. Default 64 MiB. */
  readonly maxQueuedBytes: number;
  /** Callers waiting for room; the bytes of what they bring are bounded by `maxQueuedBytes` too. Default 10,000. */
  readonly maxWaitingCallers: number;
  /** How long a topic's number of partitions is believed. Default 300,000, as Kafka's `metadata.max.age.ms`. */
  readonly metadataMaxAgeMs: number;
}

export const DEFAULT_PRODUCER_LIMITS: ProducerLimits = {
  maxQueuedRecords: 100_000,
  maxQueuedBytes: 64 * 1024 * 1024,
  maxWaitingCallers: 10_000,
  maxBatchBytes: 512 * 1024,
  maxBatchRecords: 2_000,
  deliveryTimeoutMs: 120_000,
  retryBackoffMs: 100,
  retryBackoffMaxMs: 1_000,
  metadataMaxAgeMs: 300_000,
};

export interface ProducerOptions extends Partial<ProducerLimits> {
  readonly log: Pick<EventLog, 'append' | 'describe'>;
  readonly clock?: Clock;
  /** 0 (inclusive) to 1 (exclusive); spreads retries. */
  readonly random?: () => number;
}

export interface ProducerHealth {
  /** Since when (ms since the epoch) the longest-stalled lane has had no acknowledgement; null where all goes well. */
  readonly stalledSinceMs: number | null;
  readonly stalledLanes: readonly TopicPartition[];
  /** Code of the error that the longest-stalled lane met last. */
  readonly lastErrorCode: string | null;
}

const MAX_TIMER_MS = 2 ** 31 - 1;

/** @throws KitError INVALID_ARGUMENT */
export function producerLimits(limits: Partial<ProducerLimits>): ProducerLimits {
  const all = { ...DEFAULT_PRODUCER_LIMITS, ...limits };
  for (const [name, limit] of Object.entries(all)) {
    if (!Number.isInteger(limit) || limit < 1 || (name.endsWith('Ms') && limit > MAX_TIMER_MS)) {
      throw new KitError('INVALID_ARGUMENT', `${name} must be a positive 32-bit integer, not ${limit}`);
    }
  }
  return all;
}
