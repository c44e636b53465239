/** The stored batches of a partition as SQL sees them: their ends, and the way to an offset, a time, a size. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';

export interface BatchRow {
  readonly baseOffset: number;
  readonly lastOffset: number;
  /** The greatest of the partition up to here. */
  readonly maxTimestamp: number;
  /** All that was appended up to here. */
  readonly bytesSoFar: number;
}

export interface BatchContent {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly tombstonesUntil: number | null;
  readonly bytes: Buffer;
}

/** See `log-schema.ts`. */
export interface PartitionRow {
  readonly startOffset: number;
  readonly bytesCorrection: number;
  readonly holesBelow: number;
  readonly cleanOffset: number;
  readonly cleanBytes: number;
  readonly tombstonesDue: number;
}

const WHERE = 'FROM batches WHERE topic_id = ? AND partition = ?';
const PLACE = 'base_offset, last_offset, max_timestamp, bytes_so_far';
const UNTOUCHED: PartitionRow = {
  startOffset: 0,
  bytesCorrection: 0,
  holesBelow: 0,
  cleanOffset: 0,
  cleanBytes: 0,
  tombstonesDue: -1,
};

export class BatchTable {
  readonly #database: DatabaseSync;
  readonly #last: StatementSync;
  readonly #first: StatementSync;
  readonly #upTo: StatementSync;
  readonly #contents: StatementSync;
  readonly #sizes: StatementSync;
  readonly #partition: StatementSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#last = database.prepare(`SELECT ${PLACE} ${WHERE} ORDER BY base_offset DESC LIMIT 1`);
    this.#first = database.prepare(`SELECT ${PLACE} ${WHERE} ORDER BY base_offset LIMIT 1`);
    this.#upTo = database.prepare(`SELECT ${PLACE} ${WHERE} AND base_offset <= ? ORDER BY base_offset DESC LIMIT 1`);
    this.#contents = database.prepare(
      `SELECT base_offset, last_offset, tombstones_until, bytes ${WHERE} AND base_offset >= ? AND base_offset < ?
       ORDER BY base_offset`,
    );
    this.#sizes = database.prepare(
      `SELECT last_offset, length(bytes) AS size ${WHERE} AND base_offset >= ? ORDER BY base_offset`,
    );
    this.#partition = database.prepare('SELECT * FROM partitions WHERE topic_id = ? AND partition = ?');
  }

  /** The newest batch, which is always there once there was one. */
  last(topicId: number, partition: number): BatchRow | null {
    return batchRow(this.#last.get(topicId, partition));
  }

  /** The batch that holds `offset`, or the one before where there is a hole. */
  upTo(topicId: number, partition: number, offset: number): BatchRow | null {
    return batchRow(this.#upTo.get(topicId, partition, offset));
  }

  /** Whether `trim` has something to remove. */
  isAnyBelowStart(topicId: number, partition: number): boolean {
    const first = batchRow(this.#first.get(topicId, partition));
    if (first === null || first.lastOffset >= this.partition(topicId, partition).startOffset) return false;
    return first.baseOffset < this.last(topicId, partition)!.baseOffset;
  }

  /** Ascending from the batch that holds `from`, or the one after the hole, while their base offset is under `below`. */
  *contents(topicId: number, partition: number, from: number, below: number): Generator<BatchContent> {
    const first = this.upTo(topicId, partition, from);
    const base = first !== null && first.lastOffset >= from ? first.baseOffset : from;
    for (const row of this.#contents.iterate(topicId, partition, base, below)) {
      const { buffer, byteOffset, byteLength } = row.bytes as Uint8Array;
      yield {
        baseOffset: Number(row.base_offset),
        lastOffset: Number(row.last_offset),
        tombstonesUntil: row.tombstones_until === null ? null : Number(row.tombstones_until),
        bytes: Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength),
      };
    }
  }

  /** Ascending from the batch that holds `from`. */
  *sizes(topicId: number, partition: number, from: number): Generator<{ lastOffset: number; size: number }> {
    const base = this.upTo(topicId, partition, from)?.baseOffset ?? from;
    for (const row of this.#sizes.iterate(topicId, partition, base)) {
      if (Number(row.last_offset) >= from) yield { lastOffset: Number(row.last_offset), size: Number(row.size) };
    }
  }

  partition(topicId: number, partition: number): PartitionRow {
    const row = this.#partition.get(topicId, partition);
    if (row === undefined) return UNTOUCHED;
    return {
      startOffset: Number(row.start_offset),
      bytesCorrection: Number(row.bytes_correction),
      holesBelow: Number(row.holes_below),
      cleanOffset: Number(row.clean_offset),
      cleanBytes: Number(row.clean_bytes),
      tombstonesDue: Number(row.tombstones_due),
    };
  }

  /** Partitions whose start has been moved. */
  cutPartitions(): { readonly topicId: number; readonly partition: number }[] {
    const rows = this.#database.prepare('SELECT topic_id, partition FROM partitions WHERE start_offset > 0').all();
    return rows.map(({ topic_id, partition }) => ({ topicId: Number(topic_id), partition: Number(partition) }));
  }

  /** Ids of deleted topics of which rows may be left. */
  droppedTopics(): number[] {
    return this.#database
      .prepare('SELECT id FROM dropped_topics')
      .all()
      .map(({ id }) => Number(id));
  }

  /** Of everything that is in the file, also what is about to be removed. */
  bytes(topicId: number, partition: number): number {
    const last = this.last(topicId, partition);
    return last === null ? 0 : last.bytesSoFar + this.partition(topicId, partition).bytesCorrection;
  }

  /** The base offset of the first batch between `low` and `high` up to which a record as late as `time` was appended; else `high`. */
  firstReaching(topicId: number, partition: number, time: number, low: number, high: number): number {
    let from = low;
    for (let to = high; from < to; ) {
      const middle = Math.floor((from + to) / 2);
      const row = this.upTo(topicId, partition, middle);
      if (row !== null && row.maxTimestamp >= time) {
        if (row.baseOffset <= from) return from;
        to = row.baseOffset;
      } else {
        from = Math.max(middle, row?.lastOffset ?? 0) + 1;
      }
    }
    return Math.min(from, high);
  }
}

function batchRow(row: ReturnType<StatementSync['get']>): BatchRow | null {
  if (row === undefined) return null;
  return {
    baseOffset: Number(row.base_offset),
    lastOffset: Number(row.last_offset),
    maxTimestamp: Number(row.max_timestamp),
    bytesSoFar: Number(row.bytes_so_far),
  };
}
