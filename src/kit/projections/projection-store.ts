/**
 * Where a projection keeps its documents, and *with* them how far it has read: effect, de-duplication, parking and
 * position change in one transaction or not at all. Adapters: `embedded/` (SQLite) and `redis/`; `contract.ts` is their suite.
 */
import type { TopicPartition } from '../log/event-log.ts';

/** A flat document. Counters are numbers; everything else is text. */
export type Document = Readonly<Record<string, number | string>>;

/**
 * A change that gives the same result in any order, so that replays, batches and several owners agree to the byte
 * (`top` apart, which is exact in the order of one partition).
 *
 * Those without `when`, `from` and `each` are plain. A transaction makes the plain ones first and then the others, each once the
 * ones before it are made; so of two events of which one tells what the other needs, whichever comes second sees the
 * first. That holds as long as the documents that are asked (`when`, `from`, `each`) are only changed by plain deltas.
 *
 * `keep`, `period` and `top` make a document of that kind, and it stays what its first delta made it: one that differs in
 * them is refused with INVALID_DELTA. A delta that brings no field (`add`, `max`, `from`) and no `top` changes nothing.
 */
export interface Delta {
  /** The document; a prefix of documents where there is `each`. */
  readonly key: string;
  /** Integers added to counters; a missing counter is 0. */
  readonly add?: Readonly<Record<string, number>>;
  /**
   * Text fields that only grow: the greater in byte order stays (RFC 3339 UTC times of one width compare as times). A text
   * that reads as an integer is refused.
   */
  readonly max?: Readonly<Record<string, string>>;
  /**
   * A bounded document: of its fields, all of them texts, only so many stay, those with the greatest values (of equal
   * values the greater name), in byte order. 1 to 10,000, and the same with every delta of that document. Goes with `max`
   * and `from`.
   */
  readonly keep?: number;
  /**
   * The document is of one period at a time, its text field `period`: a greater one in byte order begins the document
   * anew, a lesser one changes nothing. Slots that are used in turns thus hold the last hours or days, and no more. Goes
   * with `add`, `max` and `top`.
   */
  readonly period?: string;
  /** Counts one item among the document's heaviest; see `space-saving.ts`. Alone, or with `period`. */
  readonly top?: TopDelta;
  /** Only while this holds. */
  readonly when?: Condition;
  /** The text fields of that document are merged in as if they were in `max`; its numbers are left out. */
  readonly from?: string;
  /** The change is made to every document `<key><field>`, for each field of that document; 100,000 in one transaction. */
  readonly each?: string;
}

export interface TopDelta {
  readonly item: string;
  /** At least 1. */
  readonly by: number;
  /** Items that are counted at a time, 1 to 10,000; the same with every delta of that document. */
  readonly capacity: number;
}

/** On the number of fields of a document, which is 0 where there is none. */
export type Condition =
  | { readonly fieldsOf: string; readonly atMost: number }
  | { readonly fieldsOf: string; readonly moreThan: number };

export interface Effect {
  readonly offset: number;
  /** De-duplicated within the window; null is never a duplicate. */
  readonly eventId: string | null;
  readonly deltas: readonly Delta[];
}

/** An event that waits: the head of its key for its next attempt, the others for the head. */
export interface ParkedRecord {
  readonly offset: number;
  /** The record key as text, the unit that waits together. */
  readonly key: string;
  /** Attempts made so far; 0 for one that waits behind its key's head. */
  readonly attempts: number;
  /** Milliseconds since the epoch. */
  readonly dueAt: number;
  readonly firstFailedAt: number;
  readonly reason: string;
}

/** What became of the records before `next`, counted in the same transaction as `next` itself. */
export interface Tallies {
  readonly applied: number;
  readonly duplicates: number;
  readonly dead: number;
}

export interface PartitionState extends TopicPartition {
  readonly epoch: number;
  /** The next offset to process; null before the first batch. */
  readonly next: number | null;
  readonly tallies: Tallies;
  readonly parked: number;
}

export interface PartitionClaim {
  readonly epoch: number;
  readonly next: number | null;
  readonly parked: readonly ParkedRecord[];
}

export interface ApplyBatch extends TopicPartition {
  /** From `claim`. */
  readonly epoch: number;
  /** What `next` must be now. */
  readonly expect: number | null;
  readonly next: number;
  readonly effects: readonly Effect[];
  /** Inserted, or replaced by offset. */
  readonly park: readonly ParkedRecord[];
  /** Offsets that leave parking with this batch (as an effect or as dead). */
  readonly unpark: readonly number[];
  /** Records given to the dead letter queue (already acknowledged by the log). */
  readonly dead: number;
  /** The de-duplication clock, ms since the epoch. */
  readonly now: number;
}

export type ApplyOutcome =
  | {
      readonly status: 'ok' /** Offsets of effects whose event id was seen before. */;
      readonly duplicates: readonly number[];
    }
  /** `epoch` is the current one. Below the batch's own, the store has lost its state: claim again. */
  | { readonly status: 'fenced'; readonly epoch: number }
  | { readonly status: 'mismatch'; readonly next: number | null };

export interface KeyQuery {
  /** '' for all. */
  readonly prefix: string;
  /** 1 to 1,000; a store may give up to as many more as it looks at in one go, 1,000. */
  readonly limit: number;
  /** Where an earlier answer has ended. */
  readonly cursor?: string;
}

export interface KeyPage {
  /** In no order that is promised. Fewer than asked for, even none, where a bounded look found no more. */
  readonly keys: readonly string[];
  /** Null where all was looked at. */
  readonly cursor: string | null;
}

/** @throws KitError STORE_UNAVAILABLE (retriable, systemic) from every method */
export interface ProjectionStore {
  /** The projection's name; states of different names are apart. */
  readonly name: string;
  /** Become the owner of a partition: raises its epoch, so that every earlier owner is fenced. */
  claim(partition: TopicPartition): Promise<PartitionClaim>;
  /**
   * @throws KitError INVALID_DELTA: no store can keep it (`details.offset`; or `details.key`, with `field` where it is about
   *   one); nothing has changed
   */
  apply(batch: ApplyBatch): Promise<ApplyOutcome>;
  get(key: string): Promise<Document | null>;
  /** In the keys' order, in one round trip; at most 10,000. @throws KitError INVALID_ARGUMENT for more */
  getMany(keys: readonly string[]): Promise<(Document | null)[]>;
  /**
   * Some of the documents' keys, for a look: the cost is bounded, whatever the store holds. All pages together have every key
   * that was there all the while; one may come twice.
   *
   * @throws KitError INVALID_ARGUMENT for a cursor that no answer gave
   */
  keys(query: KeyQuery): Promise<KeyPage>;
  partitions(): Promise<PartitionState[]>;
  /** What waits in a partition, ascending by offset, without becoming its owner. */
  parked(partition: TopicPartition): Promise<readonly ParkedRecord[]>;
  /** Every document, ascending by key in byte order, fields sorted: equal states give equal bytes. */
  documents(): AsyncIterable<readonly [key: string, document: Document]>;
  /** Forget everything of this projection, epochs excepted. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

export interface DeduplicationWindow {
  /** Default 24 h. */
  readonly windowMs: number;
  /** Ids kept per partition at most; the oldest go first. Default 1,000,000. */
  readonly maxIdsPerPartition: number;
}

export const DEFAULT_WINDOW: DeduplicationWindow = { windowMs: 24 * 60 * 60 * 1000, maxIdsPerPartition: 1_000_000 };
