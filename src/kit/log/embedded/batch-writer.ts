/** Numbers batches and stores them, a group in a transaction. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { type BatchHeader, readBatchHeader, writeBaseOffset } from './batch-header.ts';
import { BatchTable } from './batch-table.ts';
import { ProducerStates } from './producer-states.ts';
import type { AppendNote, Refusal } from './writer-commands.ts';

export interface RawAppend {
  readonly topicId: number;
  readonly partition: number;
  /** One whole batch, see `readNewBatchHeader`; its base offset is written in place. */
  readonly bytes: Buffer;
}

interface End {
  next: number;
  maxTimestamp: number;
  bytesSoFar: number;
}

export class BatchWriter {
  readonly #table: BatchTable;
  readonly #producers: ProducerStates;
  readonly #insert: StatementSync;
  readonly #ends = new Map<string, End>();
  readonly #isTopic: (topicId: number) => boolean;

  constructor(database: DatabaseSync, isTopic: (topicId: number) => boolean) {
    this.#table = new BatchTable(database);
    this.#producers = new ProducerStates(database);
    this.#isTopic = isTopic;
    this.#insert = database.prepare(
      `INSERT INTO batches
         (topic_id, partition, base_offset, last_offset, max_timestamp, record_count, bytes_so_far, bytes)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    );
  }

  /** Within a transaction, which has to end with `forget` when it fails. */
  append(now: number, appends: readonly RawAppend[]): { numbers: number[]; notes: AppendNote[] } {
    const notes: AppendNote[] = [];
    const numbers = appends.map((append, index) => {
      const { offset, note } = this.#append(append, now);
      if (note !== undefined) notes.push({ index, ...note });
      return offset;
    });
    this.#producers.save(now);
    return { numbers, notes };
  }

  forget(): void {
    this.#ends.clear();
    this.#producers.forget();
  }

  #append(append: RawAppend, now: number): { offset: number; note?: { refusal: Refusal | null } } {
    const { topicId, partition, bytes } = append;
    if (!this.#isTopic(topicId)) {
      const refusal = { code: 'UNKNOWN_TOPIC', message: 'The topic has been deleted.' } as const;
      return { offset: -1, note: { refusal } };
    }
    const header = readBatchHeader(bytes);
    if (header.producerId < 0n) return { offset: this.#store(append, header) };
    const verdict = this.#producers.judge(topicId, partition, header, now);
    if ('storedAt' in verdict) return { offset: verdict.storedAt, note: { refusal: null } };
    if ('refusal' in verdict) return { offset: -1, note: verdict };
    const offset = this.#store(append, header);
    this.#producers.add(verdict.state, header, offset, now);
    return { offset };
  }

  #store({ topicId, partition, bytes }: RawAppend, header: BatchHeader): number {
    const end = this.#end(topicId, partition);
    const base = end.next;
    writeBaseOffset(bytes, base);
    end.next = base + header.lastOffsetDelta + 1;
    end.maxTimestamp = Math.max(end.maxTimestamp, header.maxTimestamp);
    end.bytesSoFar += bytes.length;
    const { next, maxTimestamp, bytesSoFar } = end;
    this.#insert.run(topicId, partition, base, next - 1, maxTimestamp, header.recordCount, bytesSoFar, bytes);
    return base;
  }

  #end(topicId: number, partition: number): End {
    const key = `${topicId}:${partition}`;
    let end = this.#ends.get(key);
    if (end === undefined) {
      const last = this.#table.last(topicId, partition);
      end = {
        next: last === null ? 0 : last.lastOffset + 1,
        maxTimestamp: last?.maxTimestamp ?? 0,
        bytesSoFar: last?.bytesSoFar ?? 0,
      };
      this.#ends.set(key, end);
    }
    return end;
  }
}
