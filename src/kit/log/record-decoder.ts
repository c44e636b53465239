/**
 * Records out of an uncompressed record batch, format v2. Most headers of a batch repeat from record to record (versions, types,
 * sources): one that is the same, byte for byte, as at its place in the record before is the same object again, which
 * makes half of the garbage go away (`docs/decisions/own-record-codec.md`).
 * Source: Kafka documentation, "Record Batch" and "Record Header".
 */
import type { Header, LogRecord, RawRecord, TopicPartition } from './event-log.ts';

const RECORD_COUNT_AT = 57;
const RECORDS_AT = 61;
const LOG_APPEND_TIME = 1 << 3;
const NO_HEADERS: readonly Header[] = [];

/** A header with its place, to be compared with the next record's bytes. */
interface Seen {
  readonly header: Header;
  /** From the name's length to the value's end. */
  readonly start: number;
  readonly end: number;
}

/**
 * Keys, values and headers share the memory of `bytes`.
 *
 * @param wanted nothing is made of the others
 * @throws RangeError where lengths lead beyond the bytes
 */
export function decodeRecords(
  { topic, partition }: TopicPartition,
  bytes: Buffer,
  wanted?: (record: RawRecord) => boolean,
): LogRecord[] {
  return new RecordDecoder(bytes).records(topic, partition, wanted);
}

class RecordDecoder implements RawRecord {
  /** Of the record whose turn it is, for `some`. */
  offset = 0;
  timestamp = 0;
  readonly #bytes: Buffer;
  #at = RECORDS_AT;
  #seen: Seen[] = [];

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Leaves off where it was. */
  some(test: (bytes: Buffer, start: number, end: number, isValue: boolean) => boolean): boolean {
    const from = this.#at;
    try {
      return this.#part(test, false) || this.#part(test, true) || this.#someHeader(test);
    } finally {
      this.#at = from;
    }
  }

  records(topic: string, partition: number, wanted?: (record: RawRecord) => boolean): LogRecord[] {
    const bytes = this.#bytes;
    const baseOffset = Number(bytes.readBigInt64BE(0));
    const firstTimestamp = Number(bytes.readBigInt64BE(27));
    const maxTimestamp = Number(bytes.readBigInt64BE(35));
    const isAppendTime = (bytes.readInt16BE(21) & LOG_APPEND_TIME) !== 0;
    const count = bytes.readInt32BE(RECORD_COUNT_AT);
    // a record has seven bytes at least: a count beyond that is damage, not a reason to take memory
    if (count < 0 || count > bytes.length / 7) throw new RangeError(`${count} records in ${bytes.length} bytes`);
    const records: LogRecord[] = [];
    for (let index = 0; index < count; index += 1) {
      const length = this.#varint();
      const end = this.#at + length;
      if (length < 0 || end > bytes.length) throw new RangeError(`a record of ${length} bytes at ${this.#at}`);
      this.#at += 1;
      const created = firstTimestamp + this.#varint();
      const timestamp = isAppendTime ? maxTimestamp : created;
      const offset = baseOffset + this.#varint();
      if (wanted !== undefined) {
        this.timestamp = timestamp;
        this.offset = offset;
        if (!wanted(this)) {
          this.#at = end;
          continue;
        }
      }
      const key = this.#lengthAndBytes();
      const value = this.#lengthAndBytes();
      const headers = this.#headers();
      if (this.#at !== end) throw new RangeError(`a record ends at ${this.#at}, not at ${end}`);
      records.push({
        topic,
        partition,
        offset,
        key,
        value,
        headers,
        timestamp,
      });
    }
    if (this.#at !== bytes.length) throw new RangeError(`${bytes.length - this.#at} bytes follow the last record`);
    return records;
  }

  #someHeader(test: Parameters<RawRecord['some']>[0]): boolean {
    for (let count = this.#varint(); count > 0; count -= 1) {
      const nameLength = this.#varint();
      this.#at += nameLength;
      if (this.#part(test, false)) return true;
    }
    return false;
  }

  #part(test: Parameters<RawRecord['some']>[0], isValue: boolean): boolean {
    const length = this.#varint();
    if (length < 0) return false;
    const start = this.#at;
    this.#at += length;
    if (this.#at > this.#bytes.length) throw new RangeError(`${length} bytes at ${start}`);
    return test(this.#bytes, start, this.#at, isValue);
  }

  #headers(): readonly Header[] {
    const count = this.#varint();
    if (count === 0) return NO_HEADERS;
    if (count < 0 || count > this.#bytes.length - this.#at) throw new RangeError(`${count} headers`);
    const headers: Header[] = [];
    const seen: Seen[] = [];
    for (let index = 0; index < count; index += 1) {
      const known = this.#repeated(this.#seen[index]) ?? this.#header();
      headers.push(known.header);
      seen.push(known);
    }
    this.#seen = seen;
    return headers;
  }

  #repeated(before: Seen | undefined): Seen | null {
    if (before === undefined) return null;
    const { start, end } = before;
    const to = this.#at + end - start;
    if (to > this.#bytes.length) return null;
    // values differ at their ends (ids count up), so the comparison begins there
    for (let at = to - 1, other = end - 1; at >= this.#at; at -= 1, other -= 1) {
      if (this.#bytes[at] !== this.#bytes[other]) return null;
    }
    this.#at = to;
    return before;
  }

  #header(): Seen {
    const start = this.#at;
    const name = this.#lengthAndBytes()?.toString() ?? '';
    const value = this.#lengthAndBytes();
    return { header: [name, value], start, end: this.#at };
  }

  #lengthAndBytes(): Buffer | null {
    const length = this.#varint();
    if (length < 0) return null;
    const start = this.#at;
    this.#at += length;
    if (this.#at > this.#bytes.length) throw new RangeError(`${length} bytes at ${start}`);
    return this.#bytes.subarray(start, this.#at);
  }

  /** A zigzag varint, exact to 2^53 as times and offsets are. */
  #varint(): number {
    const bytes = this.#bytes;
    let low = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = bytes[this.#at++]!;
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (low >>> 1) ^ -(low & 1);
    }
    let sum = low;
    for (let factor = 2 ** 28; factor < 2 ** 70; factor *= 128) {
      const byte = bytes[this.#at++];
      if (byte === undefined) throw new RangeError('a number is cut short');
      sum += (byte & 0x7f) * factor;
      if (byte < 0x80) return sum % 2 === 0 ? sum / 2 : -(sum + 1) / 2;
    }
    throw new RangeError('a number has too many bytes');
  }
}
