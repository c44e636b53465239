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
export const HEADER_BYTES = 61;

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
