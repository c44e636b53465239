/** What the log's one writer can be told to do. Each command is one transaction, and is answered once it is durable. */

/** Batches travel in one block of memory, back to back; `lengths` says where each ends. */
export interface AppendCommand {
  readonly kind: 'append';
  /** For the expiry of producers, ms since the epoch. */
  readonly now: number;
  readonly topicIds: readonly number[];
  readonly partitions: readonly number[];
  readonly lengths: readonly number[];
  readonly block: ArrayBuffer;
}

export interface TopicRow {
  readonly name: string;
  readonly uuid: string;
  readonly partitions: number;
  /** JSON. */
  readonly config: string;
}

export type TopicCommand =
  /** Answers the topics' ids: all are created, or none. */
  | { readonly kind: 'create-topics'; readonly topics: readonly TopicRow[] }
  | { readonly kind: 'alter-topic'; readonly topicId: number; readonly partitions: number; readonly config: string }
  /** Its rows stay until `sweep` has removed them. */
  | { readonly kind: 'drop-topic'; readonly topicId: number }
  /** Answers the first of `count` ids that no producer has had. */
  | { readonly kind: 'producer-ids'; readonly count: number };

/** What cleaning does to a partition. Each is refused with UNKNOWN_TOPIC once the topic has been dropped. */
export type PartitionCommand =
  /** What is left out stays; a start and the bounds of compaction never move back. */
  | ({ readonly kind: 'mark'; readonly topicId: number; readonly partition: number } & PartitionMarks)
  /**
   * Removes some of the batches below the partition's start, and below `below`, which is the start that readers know; never
   * the newest one. Answers how many.
   */
  | { readonly kind: 'trim'; readonly topicId: number; readonly partition: number; readonly below: number }
  | CompactCommand;

export interface PartitionMarks {
  readonly startOffset?: number;
  readonly holesBelow?: number;
  readonly cleanOffset?: number;
  readonly cleanBytes?: number;
  readonly tombstonesDue?: number;
}

/** What compaction leaves of some batches. */
export interface CompactCommand {
  readonly kind: 'compact';
  readonly topicId: number;
  readonly partition: number;
  /** Base offsets of batches without any record left. */
  readonly removed: readonly number[];
  readonly changed: readonly ChangedBatch[];
  /** The bytes of `changed`, back to back. */
  readonly block: ArrayBuffer;
}

export interface ChangedBatch {
  readonly baseOffset: number;
  readonly recordCount: number;
  readonly tombstonesUntil: number | null;
  readonly length: number;
}

export type WriterCommand =
  | AppendCommand
  | TopicCommand
  | PartitionCommand
  /** Removes some rows of a dropped topic. Answers how many. */
  | { readonly kind: 'sweep'; readonly topicId: number }
  | { readonly kind: 'close' };

/** An append that is not what its producer takes it for. The others of its transaction are stored. */
export interface AppendNote {
  readonly index: number;
  /** Null for a batch that was stored before, at the offset that is answered. */
  readonly refusal: Refusal | null;
}

export interface Refusal {
  readonly code: 'OUT_OF_ORDER_SEQUENCE' | 'INVALID_PRODUCER_EPOCH' | 'UNKNOWN_TOPIC';
  readonly message: string;
}

export interface WriterDone {
  readonly ok: true;
  /** For an append, base offsets: -1 for one that is refused. */
  readonly numbers: readonly number[];
  readonly notes: readonly AppendNote[];
}

/** One answer per command, in order. After `close` there is none. */
export type WriterAnswer = WriterDone | { readonly ok: false; readonly error: WriteError };

/** An error as it crosses threads: of a thrown one, only its message would arrive. */
export interface WriteError {
  readonly message: string;
  /** SQLite's extended result code; undefined for other errors. */
  readonly errcode?: number;
  /** Of a KitError. */
  readonly code?: string;
}
