import { setImmediate as othersTurn } from 'node:timers/promises';
import type { LogRecord, OffsetQuery, PartitionBatch, ReadRequest, TopicPartition } from '../event-log.ts';
import type { FetchPosition, FetchSource } from '../group-transport.ts';
import type { LogStore } from './log-store.ts';
import { decodeBatch } from './record-batch.ts';

export const NODE_ID = 1;
const DEFAULT_READ_BYTES = 1024 * 1024;
/** Decoding a larger fetch would hold up everything else on the thread for too long. */
const MAX_FETCH_BYTES = 512 * 1024;

/** Records out of the store's batches, for single reads and for group members. */
export class LogReader implements FetchSource {
  readonly #store: LogStore;

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
    const { maxBytes = DEFAULT_READ_BYTES, maxRecords, maxWaitMs = 0, signal } = request;
    await othersTurn();
    signal?.throwIfAborted();
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
    const batch = this.#store.findTime(query, time);
    if (batch === null) return end;
    return decodeBatch(query, batch.bytes).find(({ timestamp }) => timestamp >= time)?.offset ?? end;
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

  #records(at: TopicPartition & { readonly offset: number }, maxBytes: number, maxRecords = Number.POSITIVE_INFINITY) {
    const stored = this.#store.read(at, at.offset, maxBytes);
    const records: LogRecord[] = [];
    let bytes = 0;
    for (const batch of stored) {
      bytes += batch.bytes.length;
      const decoded = decodeBatch(at, batch.bytes);
      for (const record of decoded) if (record.offset >= at.offset && records.length < maxRecords) records.push(record);
      if (records.length === maxRecords) break;
    }
    return { records, bytes, highWatermark: this.#store.offsets(at).end };
  }
}
