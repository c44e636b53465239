/** The records of a stored batch as bytes, and a batch with fewer of them. */
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { crc32c, lz4Compress, snappyCompress } from '@platformatic/wasm-utils';
import { unpackLz4 } from '../unpack-lz4.ts';
import { unpackSnappy } from '../unpack-snappy.ts';
import {
  BASE_TIMESTAMP_AT,
  CRC_AT,
  CRC_FROM,
  compressionOf,
  HEADER_BYTES,
  readBatchHeader,
  writeShrunkHeader,
} from './batch-header.ts';
import { RecordCursor } from './record-cursor.ts';

const [GZIP, SNAPPY, LZ4, ZSTD] = [1, 2, 3, 4];
/** A gigabyte of zeros can be packed into next to nothing. */
const MAX_UNPACKED_BYTES = 128 * 1024 * 1024;
const UNPACKED_LIMIT = { maxOutputLength: MAX_UNPACKED_BYTES };

/** Without the header, uncompressed. @throws whatever the codec says of damage */
export function recordBytes(bytes: Buffer): Buffer {
  const records = bytes.subarray(HEADER_BYTES);
  switch (compressionOf(bytes)) {
    case 0:
      return records;
    case GZIP:
      return gunzipSync(records, UNPACKED_LIMIT);
    case SNAPPY:
      return unpackSnappy(records, MAX_UNPACKED_BYTES);
    case LZ4:
      return unpackLz4(records, MAX_UNPACKED_BYTES);
    case ZSTD:
      return zstdDecompressSync(records, UNPACKED_LIMIT);
    default:
      throw new RangeError(`unknown compression ${compressionOf(bytes)}`);
  }
}

/** What a cursor stands on, for `keep`. */
export interface RecordInBatch {
  readonly offset: number;
  /** As many UTF-16 units as bytes, so that it can be a key of a map; null for a record without one. */
  readonly key: string | null;
  readonly isTombstone: boolean;
}

export interface Filtered {
  readonly recordCount: number;
  readonly hasTombstones: boolean;
  /** Null when every record is kept. */
  readonly bytes: Buffer | null;
}

export function* recordsIn(bytes: Buffer): Generator<RecordInBatch> {
  const { baseOffset, recordCount } = readBatchHeader(bytes);
  const records = recordBytes(bytes);
  const cursor = new RecordCursor(records, 0);
  for (let i = 0; i < recordCount; i++) {
    cursor.next();
    yield recordAt(cursor, records, baseOffset);
  }
}

/**
 * Base offset, last offset, producer, times and compression stay as they are: an offset whose record is gone is a hole,
 * and the batch is still the one that its producer sent.
 */
export function filterRecords(bytes: Buffer, keep: (record: RecordInBatch) => boolean): Filtered {
  const { baseOffset, recordCount } = readBatchHeader(bytes);
  const baseTimestamp = Number(bytes.readBigInt64BE(BASE_TIMESTAMP_AT));
  const records = recordBytes(bytes);
  const cursor = new RecordCursor(records, 0);
  const kept: Buffer[] = [];
  let hasTombstones = false;
  let maxTimestamp = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < recordCount; i++) {
    cursor.next();
    const record = recordAt(cursor, records, baseOffset);
    if (!keep(record)) continue;
    kept.push(records.subarray(cursor.start, cursor.end));
    hasTombstones ||= record.isTombstone;
    maxTimestamp = Math.max(maxTimestamp, baseTimestamp + cursor.timestampDelta);
  }
  const counts = { recordCount: kept.length, hasTombstones };
  if (kept.length === recordCount || kept.length === 0) return { ...counts, bytes: null };
  const body = Buffer.concat(kept);
  const packed = packedAs(compressionOf(bytes), body);
  const batch = Buffer.concat([bytes.subarray(0, HEADER_BYTES), packed]);
  writeShrunkHeader(batch, kept.length, maxTimestamp);
  batch.writeUInt32BE(crc32c(batch.subarray(CRC_FROM)), CRC_AT);
  return { ...counts, bytes: batch };
}

function recordAt(cursor: RecordCursor, records: Buffer, baseOffset: number): RecordInBatch {
  const { keyStart, keyLength } = cursor;
  return {
    offset: baseOffset + cursor.offsetDelta,
    key: keyLength < 0 ? null : records.toString('latin1', keyStart, keyStart + keyLength),
    isTombstone: cursor.valueLength < 0,
  };
}

function packedAs(compression: number, body: Buffer): Buffer {
  switch (compression) {
    case 0:
      return body;
    case GZIP:
      return gzipSync(body);
    case SNAPPY:
      return snappyCompress(body);
    case LZ4:
      return lz4Compress(body);
    case ZSTD:
      return zstdCompressSync(body);
    default:
      throw new RangeError(`unknown compression ${compression}`);
  }
}
