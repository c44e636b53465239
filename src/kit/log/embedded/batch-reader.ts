/** Batches by offset and time: the youngest from memory, the others from the file, where damage is found and told. */
import { isKitError, KitError } from '../../errors.ts';
import type { TopicPartition } from '../event-log.ts';
import { readBatchHeader } from './batch-header.ts';
import type { BatchTable } from './batch-table.ts';
import type { PartitionState } from './partitions.ts';
import { corruptBatch, isIntact } from './record-batch.ts';
import type { StoredBatch, TailCache } from './tail-cache.ts';

export class BatchReader {
  readonly #table: BatchTable;
  readonly #cache: TailCache;

  constructor(table: BatchTable, cache: TailCache) {
    this.#table = table;
    this.#cache = cache;
  }

  /** See `LogStore.read`. */
  read(at: TopicPartition, state: PartitionState, offset: number, maxBytes: number): StoredBatch[] {
    if (!Number.isSafeInteger(offset) || offset < state.start || offset > state.end) {
      throw outOfRange(at, offset, state);
    }
    if (offset === state.end) return [];
    const cached = this.#cache.read(state.key, offset, maxBytes);
    return cached ?? guarded(at, offset, () => this.#readFile(at, state, offset, maxBytes));
  }

  /** See `LogStore.findTime`. */
  findTime(at: TopicPartition, state: PartitionState, time: number, from: number): StoredBatch | null {
    const { topicId, partition, start, end } = state;
    const low = Math.max(from, start);
    let offset = guarded(at, low, () => this.#table.firstReaching(topicId, partition, time, low, end));
    while (offset < end) {
      const batch = this.read(at, state, offset, 1)[0]!;
      if (readBatchHeader(batch.bytes).maxTimestamp >= time) return batch;
      offset = batch.lastOffset + 1;
    }
    return null;
  }

  #readFile(at: TopicPartition, state: PartitionState, offset: number, maxBytes: number): StoredBatch[] {
    const { topicId, partition, end, holesBelow } = state;
    const batches: StoredBatch[] = [];
    let size = 0;
    let next = offset;
    for (const { baseOffset, lastOffset, bytes } of this.#table.contents(topicId, partition, offset, end)) {
      size += bytes.length;
      if (batches.length > 0 && size > maxBytes) break;
      const isRowLost = baseOffset > Math.max(next, holesBelow);
      if (isRowLost || !isIntact(bytes, baseOffset)) {
        // What comes before it can be read; the damage is told when the reader gets there.
        if (batches.length > 0) break;
        throw corruptBatch(at, isRowLost ? next : baseOffset);
      }
      batches.push({ baseOffset, lastOffset, bytes });
      next = lastOffset + 1;
    }
    if (batches.length === 0) throw corruptBatch(at, offset);
    return batches;
  }
}

export function outOfRange({ topic, partition }: TopicPartition, offset: number, state: PartitionState): KitError {
  const { start: earliest, end: latest } = state;
  const message = `Offset ${offset} is outside ${topic}-${partition}, which is ${earliest} to ${latest}.`;
  return new KitError('OFFSET_OUT_OF_RANGE', message, { details: { topic, partition, offset, earliest, latest } });
}

/** What SQLite says of a file that is damaged or cannot be read. */
export function guarded<T>(at: TopicPartition, offset: number, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (isKitError(cause)) throw cause;
    const { topic, partition } = at;
    const SQLITE_CORRUPT = 11;
    if (cause instanceof Error && 'errcode' in cause && cause.errcode === SQLITE_CORRUPT)
      throw corruptBatch(at, offset, cause);
    const message = `The log could not be read: ${cause instanceof Error ? cause.message : cause}`;
    throw new KitError('LOG_UNAVAILABLE', message, { cause, retriable: true, details: { topic, partition, offset } });
  }
}
