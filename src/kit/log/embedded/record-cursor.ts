/**
 * Goes over the records of a batch, format v2, without making anything of them. Source: Kafka documentation, "Record".
 */
export class RecordCursor {
  /** The record as it lies in `bytes`, its length included. */
  start = 0;
  end = 0;
  timestampDelta = 0;
  offsetDelta = 0;
  /** -1 for null, as the value's. */
  keyLength = 0;
  keyStart = 0;
  valueLength = 0;
  readonly #bytes: Uint8Array;
  #at: number;

  /** @param bytes uncompressed; the first record is at `at` */
  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#at = at;
    this.end = at;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** @throws RangeError for a record that is not whole or contradicts itself */
  next(): void {
    this.start = this.#at;
    const length = this.#varint();
    this.end = this.#at + length;
    if (length < 0 || this.end > this.#bytes.length) throw new RangeError(`a record of ${length} bytes`);
    this.#at += 1;
    this.timestampDelta = this.#varint();
    this.offsetDelta = this.#varint();
    this.keyLength = this.#skip();
    this.keyStart = this.#at - Math.max(0, this.keyLength);
    this.valueLength = this.#skip();
    const headers = this.#varint();
    if (headers < 0) throw new RangeError(`${headers} headers`);
    for (let i = 0; i < headers; i++) {
      if (this.#skip() < 0) throw new RangeError('a header without a name');
      this.#skip();
    }
    if (this.#at !== this.end) throw new RangeError(`a record ends at ${this.#at}, not at ${this.end}`);
  }

  /** Over a length and as many bytes; answers the length, -1 for null. */
  #skip(): number {
    const length = this.#varint();
    if (length < -1) throw new RangeError(`${length} bytes`);
    if (length > 0) this.#at += length;
    if (this.#at > this.end) throw new RangeError(`${length} bytes are more than there are`);
    return length;
  }

  /** A zigzag varint, exact to 2^53 as times are. */
  #varint(): number {
    const bytes = this.#bytes;
    let low = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = bytes[this.#at++];
      if (byte === undefined) throw new RangeError('a number is cut short');
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
