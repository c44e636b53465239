/**
 * Kafka's record batch, format v2: what the embedded log stores. Here are the fixed header, the checksum and the mapping
 * to the port's records; records are read by the codec of @platformatic/kafka.
 * Source: Kafka documentation, "Record Batch". The base offset (bytes 0-7) is outside the CRC, so a log writes it in place.
 */
import { crc32c, Reader, readRecordsBatch } from '@platformatic/kafka';
import { KitError } from '../../errors.ts';
import type { LogRecord, NewRecord, TopicPartition } from '../event-log.ts';
import { encodeRecordBatch } from '../record-encoder.ts';

export interface BatchHeader {
  readonly baseOffset: number;
  readonly lastOffsetDelta: number;
  /** Of the batch's records, ms since the epoch. */
  readonly maxTimestamp: number;
  readonly recordCount: number;
  /** -1 for a producer that is not idempotent. */
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly baseSequence: number;
}

const LENGTH_AT = 8;
const MAGIC_AT = 16;
const CRC_AT = 17;
const ATTRIBUTES_AT = 21;
const HEADER_BYTES = 61;
const LOG_APPEND_TIME = 1 << 3;
const CONTROL = 1 << 5;

/** @throws KitError INVALID_BATCH unless the bytes are exactly one whole batch of format v2 */
export function readBatchHeader(bytes: Buffer): BatchHeader {
  const whole = bytes.length >= HEADER_BYTES && bytes.readInt32BE(LENGTH_AT) === bytes.length - LENGTH_AT - 4;
  if (!whole || bytes[MAGIC_AT] !== 2) throw new KitError('INVALID_BATCH', 'Not one whole record batch of format v2.');
  const header = {
    baseOffset: Number(bytes.readBigInt64BE(0)),
    lastOffsetDelta: bytes.readInt32BE(23),
    maxTimestamp: Number(bytes.readBigInt64BE(35)),
    producerId: bytes.readBigInt64BE(43),
    producerEpoch: bytes.readInt16BE(51),
    baseSequence: bytes.readInt32BE(53),
    recordCount: bytes.readInt32BE(57),
  };
  // As Kafka's brokers demand of producers; holes come from compaction only.
  if (header.recordCount < 1 || header.lastOffsetDelta !== header.recordCount - 1) {
    throw new KitError(
      'INVALID_BATCH',
      `A batch of ${header.recordCount} records must not end at ${header.lastOffsetDelta}.`,
    );
  }
  return header;
}

export function writeBaseOffset(bytes: Buffer, baseOffset: number): void {
  bytes.writeBigInt64BE(BigInt(baseOffset), 0);
}

export function hasValidCrc(bytes: Buffer): boolean {
  return bytes.length >= HEADER_BYTES && crc32c(bytes.subarray(ATTRIBUTES_AT)) === bytes.readUInt32BE(CRC_AT);
}

/** @throws KitError INVALID_BATCH without records, or with a time that is not a whole number of milliseconds */
export function encodeBatch(records: readonly NewRecord[]): Buffer {
  if (records.length === 0) throw new KitError('INVALID_BATCH', 'A batch needs at least one record.');
  const strange = records.find(({ timestamp }) => !Number.isSafeInteger(timestamp));
  if (strange !== undefined) throw new KitError('INVALID_BATCH', `${strange.timestamp} is not a time in ms.`);
  return encodeRecordBatch(records);
}

/** Records share the memory of `bytes`. @throws KitError CORRUPT_BATCH */
export function decodeBatch({ topic, partition }: TopicPartition, bytes: Buffer): LogRecord[] {
  try {
    const batch = readRecordsBatch(Reader.from(bytes));
    if ((batch.attributes & CONTROL) !== 0) return [];
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
  } catch (cause) {
    throw corruptBatch({ topic, partition }, Number(bytes.readBigInt64BE(0)), cause);
  }
}

export function corruptBatch({ topic, partition }: TopicPartition, offset: number, cause?: unknown): KitError {
  return new KitError('CORRUPT_BATCH', `The batch at offset ${offset} of ${topic}-${partition} is damaged.`, {
    cause,
    details: { topic, partition, offset },
  });
}
