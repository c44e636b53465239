import { setImmediate as othersTurn } from 'node:timers/promises';
import type { LogRecord, OffsetQuery, PartitionBatch, RawRecord, ReadRequest, TopicPartition } from '../event-log.ts';
import type { FetchPosition, FetchSource } from '../group-transport.ts';
import { firstOfBatch } from './batch-header.ts';
import { DecodedBatches } from './decoded-batches.ts';
import type { LogStore } from './log-store.ts';
import { decodeBatch } from './record-batch.ts';

export const NODE_ID = 1;
const DEFAULT_READ_BYTES = 1024 * 1024;
/** Decoding a larger fetch would hold up everything else on the thread for too long. */
const MAX_FETCH_BYTES = 512 * 1024;

/** Records out of the store's batches, for single reads and for group members. */
export class LogReader implements FetchSource {
  readonly #store: LogStore;
  readonly #decoded = new DecodedBatches();

  constructor(store: LogStore) {
    this.#store = store;
  }

  async partitionCount(topic: string): Promise<number> {
    return this.#store.topic(topic).partitions;
  }

  async leaderOf(): Promise<number> {
    return NODE_ID;
  }

  async read(request: ReadRequest): Promise<PartitionBatch> {
    const { maxBytes = DEFAULT_READ_BYTES, maxRecords, maxWaitMs = 0, wanted, signal } = request;
    await othersTurn();
    signal?.throwIfAborted();
    if (wanted !== undefined) return this.#wanted(request, maxBytes, wanted);
    const { records, highWatermark } = this.#records(request, maxBytes, maxRecords);
    if (records.length === 0 && maxWaitMs > 0) {
      await this.#store.grown([request], maxWaitMs, signal);
      return this.read({ ...request, maxWaitMs: 0 });
    }
    const { topic, partition } = request;
    return { topic, partition, records, highWatermark };
  }

  async fetch(
    _leader: number,
    positions: readonly FetchPosition[],
    { maxBytes, maxWaitMs, signal }: Parameters<FetchSource['fetch']>[2],
  ): Promise<PartitionBatch[]> {
    // Without this a member that reads a backlog would never let a timer or a socket have its turn.
    await othersTurn();
    const batches = this.#gather(positions, maxBytes);
    if (batches.length > 0) return batches;
    await this.#store.grown(positions, maxWaitMs, signal);
    return signal.aborted ? [] : this.#gather(positions, maxBytes);
  }

  offsetFor(query: OffsetQuery): number {
    const { start, end } = this.#store.offsets(query);
    const time = query.at;
    if (time === 'earliest') return start;
    if (time === 'latest') return end;
    return firstRecordAt(this.#store, query, time)?.offset ?? end;
  }

  #gather(positions: readonly FetchPosition[], maxBytes: number): PartitionBatch[] {
    const batches: PartitionBatch[] = [];
    let freeBytes = Math.min(maxBytes, MAX_FETCH_BYTES);
    for (const position of positions) {
      if (freeBytes <= 0) break;
      const { records, bytes, highWatermark } = this.#records(position, freeBytes);
      const { topic, partition } = position;
      if (records.length > 0) batches.push({ topic, partition, records, highWatermark });
      freeBytes -= bytes;
    }
    return batches;
  }

  /** What it unpacks is nobody else's, as hardly anything is made of it. */
  #wanted(request: ReadRequest, maxBytes: number, wanted: (record: RawRecord) => boolean): PartitionBatch {
    const { topic, partition, offset } = request;
    const { end } = this.#store.offsets(request);
    const stored = this.#store.read(request, offset, maxBytes);
    const isWanted = (record: RawRecord): boolean => record.offset >= offset && wanted(record);
    const records = stored.flatMap(({ bytes }) => decodeBatch(request, bytes, isWanted));
    const last = stored.at(-1);
    return { topic, partition, records, highWatermark: end, next: last === undefined ? offset : last.lastOffset + 1 };
  }

  #records(at: TopicPartition & { readonly offset: number }, maxBytes: number, maxRecords = Number.POSITIVE_INFINITY) {
    const { end } = this.#store.offsets(at);
    const records: LogRecord[] = [];
    let bytes = 0;
    // Of batches that compaction has been at, what is left may lie before the offset.
    for (let next = at.offset; records.length === 0; ) {
      const stored = this.#store.read(at, next, maxBytes);
      for (const batch of stored) {
        bytes += batch.bytes.length;
        for (const record of this.#decoded.records(at, batch))
          if (record.offset >= at.offset && records.length < maxRecords) records.push(record);
        if (records.length === maxRecords) break;
      }
      if (stored.length === 0) break;
      next = stored.at(-1)!.lastOffset + 1;
    }
    return { records, bytes, highWatermark: end };
  }
}

/** The first record of this time or later; null if there is none. @throws as `LogStore.read` */
export function firstRecordAt(
  store: LogStore,
  at: TopicPartition,
  time: number,
): Pick<LogRecord, 'offset' | 'timestamp'> | null {
  let from = store.offsets(at).start;
  for (let batch = store.findTime(at, time, from); batch !== null; batch = store.findTime(at, time, from)) {
    const first = firstOfBatch(batch.bytes);
    // mostly the time lies between two batches, and none has to be unpacked
    if (first !== null && first.offset >= from && first.timestamp >= time) return first;
    const found = decodeBatch(at, batch.bytes).find(({ offset, timestamp }) => offset >= from && timestamp >= time);
    if (found !== undefined) return found;
    from = batch.lastOffset + 1;
  }
  return null;
}
