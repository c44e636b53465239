import type { LogRecord, TopicPartition } from '../event-log.ts';
import { decodeBatch } from './record-batch.ts';
import type { StoredBatch } from './tail-cache.ts';

const MAX_BYTES = 8 * 1024 * 1024;

/**
 * The batches that were decoded last, at most `maxBytes` as they are stored (decoded, some times that): the groups that
 * keep up with the log's end read the same batches of the tail cache one after the other, and share the records.
 */
export class DecodedBatches {
  readonly #maxBytes: number;
  readonly #records = new Map<Buffer, readonly LogRecord[]>();
  #bytes = 0;

  constructor(maxBytes = MAX_BYTES) {
    this.#maxBytes = maxBytes;
  }

  records(at: TopicPartition, { bytes }: StoredBatch): readonly LogRecord[] {
    const known = this.#records.get(bytes);
    if (known !== undefined) return known;
    const records = decodeBatch(at, bytes);
    this.#records.set(bytes, records);
    this.#bytes += bytes.length;
    // a Map keeps the order of insertion: the oldest goes first
    for (const oldest of this.#records.keys()) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#records.delete(oldest);
      this.#bytes -= oldest.length;
    }
    return records;
  }
}
