/** What is looked at before a batch from outside is stored: what Kafka's brokers refuse, this log refuses too. */
import { crc32c } from '@platformatic/wasm-utils';
import { KitError } from '../../errors.ts';
import {
  BASE_TIMESTAMP_AT,
  type BatchHeader,
  CRC_AT,
  CRC_FROM,
  MAX_TIMESTAMP_AT,
  readBatchHeader,
  readNewBatchHeader,
} from './batch-header.ts';
import { recordBytes } from './batch-records.ts';
import { RecordCursor } from './record-cursor.ts';

export { compressionOf } from './batch-header.ts';

const LOG_APPEND_TIME = 1 << 3;
const TRANSACTIONAL = 1 << 4;
const CONTROL = 1 << 5;
const ZSTD = 4;

/**
 * Every record is looked at, in a compressed batch too: what is acknowledged can be read. A wrong largest time in the
 * header is put right in place, as brokers do: retention and lookup go by it.
 *
 * @throws KitError CORRUPT_BATCH where the checksum does not fit; INVALID_BATCH for anything but one whole batch of
 *   format v2 that is neither transactional nor a control batch; INVALID_RECORD for a compacted topic's record without key,
 *   or a time that is not exact as a number
 */
export function checkWireBatch(bytes: Buffer, compacted: boolean): void {
  readBatchHeader(bytes);
  if (bytes.readUInt32BE(CRC_AT) !== crc32c(bytes.subarray(CRC_FROM))) {
    throw new KitError('CORRUPT_BATCH', 'The checksum of the batch does not fit: it was damaged on its way.');
  }
  const header = readNewBatchHeader(bytes);
  checkAttributes(header);
  checkRecords(bytes, header, compacted);
}

function checkAttributes({ attributes }: BatchHeader): void {
  const refuse = (what: string): never => {
    throw new KitError('INVALID_BATCH', `${what} cannot be appended.`);
  };
  if ((attributes & CONTROL) !== 0) refuse('A control batch');
  if ((attributes & TRANSACTIONAL) !== 0) refuse('The embedded log has no transactions: a transactional batch');
  if ((attributes & LOG_APPEND_TIME) !== 0) refuse("A batch whose times claim to be the log's own");
  if ((attributes & 7) > ZSTD) refuse(`A batch of unknown compression ${attributes & 7}`);
}

function checkRecords(bytes: Buffer, { recordCount, maxTimestamp }: BatchHeader, compacted: boolean): void {
  const baseTimestamp = Number(bytes.readBigInt64BE(BASE_TIMESTAMP_AT));
  let minDelta = Number.POSITIVE_INFINITY;
  let maxDelta = Number.NEGATIVE_INFINITY;
  const withoutKey: number[] = [];
  try {
    const cursor = new RecordCursor(recordBytes(bytes), 0);
    for (let index = 0; index < recordCount; index++) {
      cursor.next();
      if (cursor.offsetDelta !== index) throw new RangeError(`record ${index} says that it is ${cursor.offsetDelta}`);
      if (cursor.timestampDelta < minDelta) minDelta = cursor.timestampDelta;
      if (cursor.timestampDelta > maxDelta) maxDelta = cursor.timestampDelta;
      if (compacted && cursor.keyLength < 0) withoutKey.push(index);
    }
    if (!cursor.isAtEnd) throw new RangeError(`there is more than ${recordCount} records`);
  } catch (cause) {
    const message = `The records of the batch are not what its header says: ${(cause as Error).message}.`;
    throw new KitError('INVALID_BATCH', message, { cause });
  }
  if (withoutKey.length > 0) throw keyMissing(withoutKey);
  const times = [baseTimestamp, baseTimestamp + minDelta, baseTimestamp + maxDelta];
  const strange = times.find((time) => !Number.isSafeInteger(time));
  if (strange !== undefined) throw new KitError('INVALID_RECORD', `${strange} is no time in ms.`);
  if (baseTimestamp + maxDelta !== maxTimestamp) {
    bytes.writeBigInt64BE(BigInt(baseTimestamp + maxDelta), MAX_TIMESTAMP_AT);
    bytes.writeUInt32BE(crc32c(bytes.subarray(CRC_FROM)), CRC_AT);
  }
}

/** @param indexes of the records in their batch; at least one */
export function keyMissing(indexes: readonly number[]): KitError {
  const message = `Record ${indexes[0]} has no key. A compacted topic keeps the last record of every key, so it needs one.`;
  return new KitError('INVALID_RECORD', message, { details: { indexes } });
}
