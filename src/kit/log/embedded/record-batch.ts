/**
 * Between the port's records and Kafka's record batch, format v2, which is what the embedded log stores.
 * Source: Kafka documentation, "Record Batch".
 */
import { crc32c } from '@platformatic/wasm-utils';
import { KitError } from '../../errors.ts';
import type { LogRecord, NewRecord, RawRecord, TopicPartition } from '../event-log.ts';
import { decodeRecords } from '../record-decoder.ts';
import { encodeRecordBatch } from '../record-encoder.ts';
import { CRC_AT, CRC_FROM, HEADER_BYTES, IS_COMPRESSED, IS_CONTROL } from './batch-header.ts';
import { recordBytes } from './batch-records.ts';

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

/** Records share the memory of `bytes`, unless those are compressed. See `ReadRequest` for `wanted`. @throws KitError CORRUPT_BATCH */
export function decodeBatch(at: TopicPartition, bytes: Buffer, wanted?: (record: RawRecord) => boolean): LogRecord[] {
  try {
    const attributes = bytes.readInt16BE(CRC_FROM);
    if ((attributes & IS_CONTROL) !== 0) return [];
    if ((attributes & IS_COMPRESSED) === 0) return decodeRecords(at, bytes, wanted);
    return decodeRecords(at, Buffer.concat([bytes.subarray(0, HEADER_BYTES), recordBytes(bytes)]), wanted);
  } catch (cause) {
    throw corruptBatch(at, Number(bytes.readBigInt64BE(0)), cause);
  }
}

export function corruptBatch({ topic, partition }: TopicPartition, offset: number, cause?: unknown): KitError {
  return new KitError('CORRUPT_BATCH', `The batch at offset ${offset} of ${topic}-${partition} is damaged.`, {
    cause,
    details: { topic, partition, offset },
  });
}
