/**
 * Between the port's records and Kafka's record batch, format v2, which is what the embedded log stores.
 * Source: Kafka documentation, "Record Batch".
 */
import { crc32c, IS_COMPRESSED, IS_CONTROL, Reader, readRecordsBatch } from '@platformatic/kafka';
import { KitError } from '../../errors.ts';
import type { LogRecord, NewRecord, TopicPartition } from '../event-log.ts';
import { decodeRecords } from '../record-decoder.ts';
import { encodeRecordBatch } from '../record-encoder.ts';
import { CRC_AT, CRC_FROM, HEADER_BYTES } from './batch-header.ts';

const LOG_APPEND_TIME = 1 << 3;

/** Whether the bytes are those that were stored at `baseOffset`. */
export function isIntact(bytes: Buffer, baseOffset: number): boolean {
  return (
    bytes.length >= HEADER_BYTES &&
    bytes.readBigInt64BE(0) === BigInt(baseOffset) &&
    bytes.readUInt32BE(CRC_AT) === crc32c(bytes.subarray(CRC_FROM))
  );
}

/** @throws KitError INVALID_BATCH without records, or with a time that is not a whole number of milliseconds */
export function encodeBatch(records: readonly NewRecord[]): Buffer {
  if (records.length === 0) throw new KitError('INVALID_BATCH', 'A batch needs at least one record.');
  const strange = records.find(({ timestamp }) => !Number.isSafeInteger(timestamp));
  if (strange !== undefined) throw new KitError('INVALID_BATCH', `${strange.timestamp} is not a time in ms.`);
  return encodeRecordBatch(records);
}

/** Records share the memory of `bytes`, unless those are compressed. @throws KitError CORRUPT_BATCH */
export function decodeBatch(at: TopicPartition, bytes: Buffer): LogRecord[] {
  try {
    const attributes = bytes.readInt16BE(CRC_FROM);
    if ((attributes & IS_CONTROL) !== 0) return [];
    return (attributes & IS_COMPRESSED) === 0 ? decodeRecords(at, bytes) : decompressed(at, bytes);
  } catch (cause) {
    throw corruptBatch(at, Number(bytes.readBigInt64BE(0)), cause);
  }
}

function decompressed({ topic, partition }: TopicPartition, bytes: Buffer): LogRecord[] {
  const batch = readRecordsBatch(Reader.from(bytes));
  const base = Number(batch.firstOffset);
  const first = Number(batch.firstTimestamp);
  const appendTime = (batch.attributes & LOG_APPEND_TIME) !== 0 ? Number(batch.maxTimestamp) : null;
  return batch.records.map(({ key, value, headers, offsetDelta, timestampDelta }) => ({
    topic,
    partition,
    offset: base + offsetDelta,
    key,
    value,
    headers: headers.map(([name, content]) => [name?.toString() ?? '', content] as const),
    timestamp: appendTime ?? first + Number(timestampDelta),
  }));
}

export function corruptBatch({ topic, partition }: TopicPartition, offset: number, cause?: unknown): KitError {
  return new KitError('CORRUPT_BATCH', `The batch at offset ${offset} of ${topic}-${partition} is damaged.`, {
    cause,
    details: { topic, partition, offset },
  });
}
