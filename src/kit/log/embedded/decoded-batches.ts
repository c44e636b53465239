import type { LogRecord, TopicPartition } from '../event-log.ts';
import { compressionOf } from './batch-header.ts';
import { decodeBatch } from './record-batch.ts';
import type { StoredBatch } from './tail-cache.ts';

const MAX_BYTES = 8 * 1024 * 1024;

/**
 * The batches that were decoded last, at most `maxBytes` once they are unpacked (as objects, some times that): the groups that
 * keep up with the log's end read the same batches of the tail cache one after the other, and share the records.
 */
export class DecodedBatches {
  readonly #maxBytes: number;
  readonly #known = new Map<Buffer, { readonly records: readonly LogRecord[]; readonly size: number }>();
  #bytes = 0;

  constructor(maxBytes = MAX_BYTES) {
    this.#maxBytes = maxBytes;
  }

  records(at: TopicPartition, { bytes }: StoredBatch): readonly LogRecord[] {
    const known = this.#known.get(bytes);
    if (known !== undefined) return known.records;
    const records = decodeBatch(at, bytes);
    const size = compressionOf(bytes) === 0 ? bytes.length : unpackedBytes(records);
    if (size > this.#maxBytes) return records;
    this.#known.set(bytes, { records, size });
    this.#bytes += size;
    // a Map keeps the order of insertion: the oldest goes first
    for (const [oldest, { size }] of this.#known) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#known.delete(oldest);
      this.#bytes -= size;
    }
    return records;
  }
}

function unpackedBytes(records: readonly LogRecord[]): number {
  let bytes = 7 * records.length;
  for (const { key, value, headers } of records) {
    bytes += (key?.length ?? 0) + (value?.length ?? 0);
    for (const [name, content] of headers) bytes += name.length + (content?.length ?? 0);
  }
  return bytes;
}
