/** The one writer of the log's file: numbers batches and commits them, a group in a transaction. Knows nothing of threads. */
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { readBatchHeader, writeBaseOffset } from './batch-header.ts';

export interface RawAppend {
  readonly topicId: number;
  readonly partition: number;
  /** One whole batch, see `readBatchHeader`; its base offset is written in place. */
  readonly bytes: Buffer;
}

export interface TopicRow {
  readonly name: string;
  readonly partitions: number;
  /** JSON. */
  readonly config: string;
}

/**
 * `max_timestamp` is the greatest of the partition up to and including the batch, so that it ascends with the offsets and
 * time can be searched by halving. Rows are kept apart from their index: they are then written one after the other.
 */
export const SCHEMA = `
  PRAGMA journal_mode = WAL;
  CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS topics (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, partitions INTEGER NOT NULL, config TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS batches (
    topic_id INTEGER NOT NULL, partition INTEGER NOT NULL, base_offset INTEGER NOT NULL, last_offset INTEGER NOT NULL,
    max_timestamp INTEGER NOT NULL, record_count INTEGER NOT NULL, bytes BLOB NOT NULL);
  CREATE UNIQUE INDEX IF NOT EXISTS batches_by_offset ON batches (topic_id, partition, base_offset);`;

/** The end of a partition; the parameters are topic id and partition. */
export const LAST_BATCH = `
  SELECT last_offset, max_timestamp FROM batches WHERE topic_id = ? AND partition = ? ORDER BY base_offset DESC LIMIT 1`;

interface End {
  next: number;
  maxTimestamp: number;
}

export class BatchWriter {
  readonly #database: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #last: StatementSync;
  readonly #insertTopic: StatementSync;
  readonly #ends = new Map<string, End>();

  constructor(file: string) {
    this.#database = new DatabaseSync(file, { timeout: 5_000 });
    this.#database.exec('PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864');
    this.#insert = this.#database.prepare('INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?, ?)');
    this.#last = this.#database.prepare(LAST_BATCH);
    this.#insertTopic = this.#database.prepare('INSERT INTO topics (name, partitions, config) VALUES (?, ?, ?)');
  }

  /** All or none of them; the answer is their base offsets. */
  append(appends: readonly RawAppend[]): number[] {
    try {
      return this.#transaction(() =>
        appends.map(({ topicId, partition, bytes }) => {
          const { lastOffsetDelta, maxTimestamp, recordCount } = readBatchHeader(bytes);
          const end = this.#end(topicId, partition);
          const base = end.next;
          writeBaseOffset(bytes, base);
          end.next = base + lastOffsetDelta + 1;
          end.maxTimestamp = Math.max(end.maxTimestamp, maxTimestamp);
          this.#insert.run(topicId, partition, base, end.next - 1, end.maxTimestamp, recordCount, bytes);
          return base;
        }),
      );
    } catch (error) {
      this.#ends.clear();
      throw error;
    }
  }

  /** All or none of them; the answer is their ids. */
  createTopics(topics: readonly TopicRow[]): number[] {
    return this.#transaction(() =>
      topics.map(({ name, partitions, config }) =>
        Number(this.#insertTopic.run(name, partitions, config).lastInsertRowid),
      ),
    );
  }

  close(): void {
    this.#database.close();
  }

  #transaction<T>(work: () => T): T {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#database.exec('COMMIT');
      return result;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  #end(topicId: number, partition: number): End {
    const key = `${topicId}:${partition}`;
    let end = this.#ends.get(key);
    if (end === undefined) {
      const row = this.#last.get(topicId, partition);
      end = {
        next: row === undefined ? 0 : Number(row.last_offset) + 1,
        maxTimestamp: Number(row?.max_timestamp ?? 0),
      };
      this.#ends.set(key, end);
    }
    return end;
  }
}
