/** What cleaning changes in the file: a partition's marks, and some rows at a time. Each call is within a transaction. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { ChangedBatch, CompactCommand, PartitionMarks } from './writer-commands.ts';

/** What one transaction removes, soft: the writer must soon have its turn again. */
const MAX_ROWS = 256;
const MAX_BYTES = 1024 * 1024;

const AT = 'topic_id = ? AND partition = ?';
/** These only ever move on: a start may be moved by retention and by hand at the same time. */
const ASCENDING = ['start_offset', 'holes_below', 'clean_offset'].map(
  (name) => `${name} = max(${name}, coalesce(?, 0))`,
);
const PLAIN = ['clean_bytes', 'tombstones_due'].map((name) => `${name} = coalesce(?, ${name})`);

export class PartitionCleaner {
  readonly #touch: StatementSync;
  readonly #mark: StatementSync;
  readonly #correct: StatementSync;
  readonly #belowStart: StatementSync;
  readonly #ofTopic: StatementSync;
  readonly #delete: StatementSync;
  readonly #remove: StatementSync;
  readonly #size: StatementSync;
  readonly #replace: StatementSync;
  readonly #keep: StatementSync;
  readonly #sweeps: readonly StatementSync[];
  readonly #swept: StatementSync;

  constructor(database: DatabaseSync) {
    const prepare = (sql: string): StatementSync => database.prepare(sql);
    this.#touch = prepare('INSERT INTO partitions (topic_id, partition) VALUES (?, ?) ON CONFLICT DO NOTHING');
    this.#mark = prepare(`UPDATE partitions SET ${[...ASCENDING, ...PLAIN].join(', ')} WHERE ${AT}`);
    this.#correct = prepare(`UPDATE partitions SET bytes_correction = bytes_correction + ? WHERE ${AT}`);
    this.#belowStart = prepare(
      `SELECT rowid, length(bytes) AS size FROM batches WHERE ${AT}
         AND base_offset < (SELECT max(base_offset) FROM batches WHERE ${AT})
         AND last_offset < min(?, (SELECT start_offset FROM partitions WHERE ${AT}))
       ORDER BY base_offset LIMIT ${MAX_ROWS}`,
    );
    this.#ofTopic = prepare(`SELECT rowid, length(bytes) AS size FROM batches WHERE topic_id = ? LIMIT ${MAX_ROWS}`);
    this.#delete = prepare('DELETE FROM batches WHERE rowid = ?');
    const one = `${AT} AND base_offset = ?`;
    this.#remove = prepare(`DELETE FROM batches WHERE ${one} RETURNING length(bytes) AS size`);
    this.#size = prepare(`SELECT length(bytes) AS size FROM batches WHERE ${one}`);
    this.#replace = prepare(`UPDATE batches SET record_count = ?, tombstones_until = ?, bytes = ? WHERE ${one}`);
    this.#keep = prepare(`UPDATE batches SET tombstones_until = ? WHERE ${one}`);
    this.#sweeps = [
      prepare(
        `DELETE FROM producers WHERE (topic_id, partition, producer_id) IN (
           SELECT topic_id, partition, producer_id FROM producers WHERE topic_id = ? LIMIT ${MAX_ROWS})`,
      ),
      prepare('DELETE FROM partitions WHERE topic_id = ?'),
    ];
    this.#swept = prepare('DELETE FROM dropped_topics WHERE id = ?');
  }

  mark(topicId: number, partition: number, marks: PartitionMarks): void {
    const { startOffset, holesBelow, cleanOffset, cleanBytes, tombstonesDue } = marks;
    const values = [startOffset, holesBelow, cleanOffset, cleanBytes, tombstonesDue].map((value) => value ?? null);
    this.#touch.run(topicId, partition);
    this.#mark.run(...values, topicId, partition);
  }

  trim(topicId: number, partition: number, below: number): number {
    const at = [topicId, partition];
    const { count, bytes } = this.#removeSome(this.#belowStart.all(...at, ...at, below, ...at));
    if (bytes > 0) this.#correct.run(-bytes, topicId, partition);
    return count;
  }

  compact({ topicId, partition, removed, changed, block }: CompactCommand): void {
    let correction = 0;
    for (const baseOffset of removed) {
      correction -= Number(this.#remove.get(topicId, partition, baseOffset)?.size ?? 0);
    }
    let at = 0;
    for (const batch of changed) {
      const bytes = new Uint8Array(block, at, batch.length);
      at += batch.length;
      correction += this.#change(topicId, partition, batch, bytes);
    }
    if (correction !== 0) this.#correct.run(correction, topicId, partition);
  }

  /** Answers 0 once nothing is left of the topic. */
  sweep(topicId: number): number {
    const { count } = this.#removeSome(this.#ofTopic.all(topicId));
    if (count > 0) return count;
    for (const some of this.#sweeps) {
      const removed = Number(some.run(topicId).changes);
      if (removed > 0) return removed;
    }
    this.#swept.run(topicId);
    return 0;
  }

  #removeSome(rows: ReturnType<StatementSync['all']>): { count: number; bytes: number } {
    let count = 0;
    let bytes = 0;
    for (const { rowid, size } of rows) {
      this.#delete.run(rowid!);
      count++;
      bytes += Number(size);
      if (bytes >= MAX_BYTES) break;
    }
    return { count, bytes };
  }

  #change(topicId: number, partition: number, batch: ChangedBatch, bytes: Uint8Array): number {
    const { baseOffset, recordCount, tombstonesUntil } = batch;
    // Without bytes only the time of its tombstones has been set.
    if (bytes.length === 0) {
      this.#keep.run(tombstonesUntil, topicId, partition, baseOffset);
      return 0;
    }
    const before = Number(this.#size.get(topicId, partition, baseOffset)!.size);
    this.#replace.run(recordCount, tombstonesUntil, bytes, topicId, partition, baseOffset);
    return bytes.length - before;
  }
}
