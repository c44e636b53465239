/** Of one message, all arrays together: an element may be a byte on the wire and a hundred in memory. */
const MAX_ELEMENTS = 500_000;

/** Kafka's primitive types, read from one frame. Every read beyond its end throws a RangeError. */
export class ByteReader {
  readonly #bytes: Buffer;
  #at: number;
  #elements = 0;

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  get position(): number {
    return this.#at;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  int8(): number {
    const value = this.#bytes.readInt8(this.#at);
    this.#at += 1;
    return value;
  }

  int16(): number {
    const value = this.#bytes.readInt16BE(this.#at);
    this.#at += 2;
    return value;
  }

  uint16(): number {
    const value = this.#bytes.readUInt16BE(this.#at);
    this.#at += 2;
    return value;
  }

  int32(): number {
    const value = this.#bytes.readInt32BE(this.#at);
    this.#at += 4;
    return value;
  }

  /** Beyond 2^53 the nearest number. */
  int64(): number {
    const value = this.#bytes.readInt32BE(this.#at) * 0x1_0000_0000 + this.#bytes.readUInt32BE(this.#at + 4);
    this.#at += 8;
    return value;
  }

  float64(): number {
    const value = this.#bytes.readDoubleBE(this.#at);
    this.#at += 8;
    return value;
  }

  /** Seven bits a byte, the lowest first, at most 32 bits. */
  unsignedVarint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#bytes.readUInt8(this.#at);
      this.#at += 1;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) {
        if (value > 0xffff_ffff) break;
        return value;
      }
    }
    throw new RangeError('a varint of more than 32 bits');
  }

  /** Shares the frame's memory. */
  slice(length: number): Buffer {
    if (length < 0 || length > this.remaining) throw new RangeError(`${length} bytes where ${this.remaining} are left`);
    const slice = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return slice;
  }

  /** Before an array of so many elements is read, so that a length that lies costs no memory. */
  expectElements(count: number): void {
    this.#elements += count;
    if (count > this.remaining || this.#elements > MAX_ELEMENTS) throw new RangeError(`an array of ${count} elements`);
  }

  text(length: number): string {
    return this.slice(length).toString('utf8');
  }

  uuid(): string {
    return this.slice(16).toString('base64url');
  }
}
