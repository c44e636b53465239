/** What the checker looks for; each has a canary in `test/drills/checker` that plants it. */

import type { LogRecord, TopicPartition } from '../../kit/log/event-log.ts';
import type { Document, PartitionState } from '../../kit/projections/projection-store.ts';

export type FindingKind =
  /** Acknowledged, and not in the log where the acknowledgement said. */
  | 'lost-acknowledged'
  /** More often in the log than it was sent. */
  | 'duplicate-in-log'
  /** Two records of one sender and key are in the log in another order than they were sent. */
  | 'reordered-in-log'
  /** In the log, or applied, though its publish failed for certain. */
  | 'aborted-read'
  /** In the log, and nobody sent it. */
  | 'phantom'
  /** Offsets of a partition that are not dense. */
  | 'hole-in-log'
  /** Effects of two records of one key were stored in another order than that of the log. */
  | 'reordered-apply'
  /** An offset before a projection's position that had no effect, is not parked and not dead-lettered. */
  | 'skipped-offset'
  /** An offset that had its effect more than once. */
  | 'repeated-offset'
  /** Two members own a partition at one time, or an older owner's transaction was accepted after a newer owner's. */
  | 'two-owners'
  /** A document that differs from an independent fold of the log. */
  | 'counter-mismatch'
  /** applied + duplicates + parked + dead-lettered is not what is in the log. */
  | 'unbalanced'
  /** A dead letter whose original is not in the log, or whose bytes differ from it. */
  | 'dead-letter-mismatch';

export interface Finding {
  readonly kind: FindingKind;
  readonly count: number;
  /** The first few, each a sentence that names topic, partition, offset, key or event id. */
  readonly examples: readonly string[];
}

/** One projection as it was found after the drill. */
export interface ObservedProjection {
  readonly group: string;
  readonly topics: readonly string[];
  readonly states: readonly PartitionState[];
  readonly documents: ReadonlyMap<string, Document>;
  /** Event -> deltas is not asked of the product: the second implementation answers what the documents should be. */
  readonly folded: 'engagement' | 'activity';
}

/** The system as it is after a drill: read from the log and the stores, not from anyone's metrics. */
export interface Observation {
  /** Every record of a partition, in offset order, a batch at a time; read more than once. */
  records(place: TopicPartition): AsyncIterable<readonly LogRecord[]>;
  readonly partitions: readonly (TopicPartition & { readonly earliest: number; readonly latest: number })[];
  readonly projections: readonly ObservedProjection[];
}

export interface CheckReport {
  readonly findings: readonly Finding[];
  /** What was looked at, so that an empty list of findings means something. */
  readonly checked: {
    readonly publishes: number;
    readonly acknowledged: number;
    readonly unknown: number;
    readonly failed: number;
    readonly inLog: number;
    readonly applied: number;
    readonly duplicates: number;
    readonly parked: number;
    readonly deadLettered: number;
    readonly documents: number;
    readonly transactions: number;
    readonly ownershipChanges: number;
  };
}
