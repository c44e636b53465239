/**
 * The fixed header of Kafka's record batch, format v2. Apart from the records' codec because the writer's thread needs this
 * only, and starts in a fraction of the time without the rest. Source: Kafka documentation, "Record Batch".
 */
import { KitError } from '../../errors.ts';

const LENGTH_AT = 8;
const MAGIC_AT = 16;
export const CRC_AT = 17;
/** From here to the end the CRC covers; not the base offset, which the log writes in place. */
export const CRC_FROM = 21;
export const BASE_TIMESTAMP_AT = 27;
export const MAX_TIMESTAMP_AT = 35;
const RECORD_COUNT_AT = 57;
export const HEADER_BYTES = 61;
/** Bits of the attributes. */
export const IS_COMPRESSED = 0b111;
export const IS_CONTROL = 1 << 5;

export interface BatchHeader {
  readonly baseOffset: number;
  /** Bits: 0-2 compression, 3 times of the broker, 4 transactional, 5 control. */
  readonly attributes: number;
  readonly lastOffsetDelta: number;
  /** Of the batch's records, ms since the epoch. */
  readonly maxTimestamp: number;
  /** Fewer than the offsets where compaction has been. */
  readonly recordCount: number;
  /** -1 for a producer that is not idempotent. */
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly baseSequence: number;
}

/** @throws KitError INVALID_BATCH unless the bytes are exactly one whole batch of format v2 */
export function readBatchHeader(bytes: Buffer): BatchHeader {
  const whole = bytes.length >= HEADER_BYTES && bytes.readInt32BE(LENGTH_AT) === bytes.length - LENGTH_AT - 4;
  if (!whole || bytes[MAGIC_AT] !== 2) throw new KitError('INVALID_BATCH', 'Not one whole record batch of format v2.');
  return {
    baseOffset: Number(bytes.readBigInt64BE(0)),
    attributes: bytes.readInt16BE(CRC_FROM),
    lastOffsetDelta: bytes.readInt32BE(23),
    maxTimestamp: Number(bytes.readBigInt64BE(MAX_TIMESTAMP_AT)),
    producerId: bytes.readBigInt64BE(43),
    producerEpoch: bytes.readInt16BE(51),
    baseSequence: bytes.readInt32BE(53),
    recordCount: bytes.readInt32BE(RECORD_COUNT_AT),
  };
}

/** Of a batch that is to be appended. @throws KitError INVALID_BATCH for what Kafka's brokers take from no producer either */
export function readNewBatchHeader(bytes: Buffer): BatchHeader {
  const header = readBatchHeader(bytes);
  const { recordCount, lastOffsetDelta, producerId, producerEpoch, baseSequence } = header;
  if (recordCount < 1 || lastOffsetDelta !== recordCount - 1) {
    throw new KitError('INVALID_BATCH', `A batch of ${recordCount} records must not end at ${lastOffsetDelta}.`);
  }
  if (producerId >= 0n && (producerEpoch < 0 || baseSequence < 0)) {
    const message = `Producer ${producerId} sent epoch ${producerEpoch} and sequence ${baseSequence}.`;
    throw new KitError('INVALID_BATCH', message);
  }
  return header;
}

/** The batch's first record, as far as the header tells; null where compaction has been, or the times are the broker's. */
export function firstOfBatch(bytes: Buffer): { readonly offset: number; readonly timestamp: number } | null {
  const { baseOffset, attributes, lastOffsetDelta, recordCount } = readBatchHeader(bytes);
  if (recordCount !== lastOffsetDelta + 1 || (attributes & 8) !== 0) return null;
  return { offset: baseOffset, timestamp: Number(bytes.readBigInt64BE(BASE_TIMESTAMP_AT)) };
}

/** 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd. */
export function compressionOf(bytes: Buffer): number {
  return bytes.readInt16BE(CRC_FROM) & 7;
}

export function writeBaseOffset(bytes: Buffer, baseOffset: number): void {
  bytes.writeBigInt64BE(BigInt(baseOffset), 0);
}

/** The header of a batch whose records have become fewer; offsets, producer and base time stay as they were. */
export function writeShrunkHeader(bytes: Buffer, recordCount: number, maxTimestamp: number): void {
  bytes.writeInt32BE(bytes.length - LENGTH_AT - 4, LENGTH_AT);
  bytes.writeInt32BE(recordCount, RECORD_COUNT_AT);
  bytes.writeBigInt64BE(BigInt(maxTimestamp), MAX_TIMESTAMP_AT);
}
