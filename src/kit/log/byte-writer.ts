/** Kafka's primitive types, written into pieces: what is large already is passed on as it is, not copied. */
const FIRST_PIECE_BYTES = 256;
const PIECE_BYTES = 16 * 1024;
/** From here on a piece of its own is cheaper than a copy. */
const OWN_PIECE_BYTES = 1_024;

export class ByteWriter {
  readonly #pieces: Buffer[] = [];
  #open = Buffer.allocUnsafe(FIRST_PIECE_BYTES);
  #at = 0;
  #closedBytes = 0;

  get length(): number {
    return this.#closedBytes + this.#at;
  }

  int8(value: number): void {
    this.#room(1);
    this.#at = this.#open.writeInt8(value, this.#at);
  }

  int16(value: number): void {
    this.#room(2);
    this.#at = this.#open.writeInt16BE(value, this.#at);
  }

  uint16(value: number): void {
    this.#room(2);
    this.#at = this.#open.writeUInt16BE(value, this.#at);
  }

  int32(value: number): void {
    this.#room(4);
    this.#at = this.#open.writeInt32BE(value, this.#at);
  }

  /** @param value an integer: beyond 2^53 as near as `ByteReader` reads it, so that what clients sent can be sent back */
  int64(value: number): void {
    this.#room(8);
    const high = Math.floor(value / 0x1_0000_0000);
    const isOver = high > 0x7fff_ffff;
    this.#open.writeInt32BE(isOver ? 0x7fff_ffff : high, this.#at);
    this.#at = this.#open.writeUInt32BE(isOver ? 0xffff_ffff : value >>> 0, this.#at + 4);
  }

  float64(value: number): void {
    this.#room(8);
    this.#at = this.#open.writeDoubleBE(value, this.#at);
  }

  unsignedVarint(value: number): void {
    this.#room(5);
    let rest = value;
    while (rest > 0x7f) {
      this.#open[this.#at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#open[this.#at++] = rest;
  }

  bytes(value: Buffer): void {
    if (value.length >= OWN_PIECE_BYTES) {
      this.#close();
      this.#pieces.push(value);
      this.#closedBytes += value.length;
      return;
    }
    this.#room(value.length);
    this.#at += value.copy(this.#open, this.#at);
  }

  uuid(value: string): void {
    const bytes = Buffer.from(value, 'base64url');
    if (bytes.length !== 16) throw new RangeError(`${value} is not a topic id`);
    this.bytes(bytes);
  }

  pieces(): Buffer[] {
    this.#close();
    return this.#pieces;
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#open.length) return;
    this.#close();
    this.#open = Buffer.allocUnsafe(Math.max(PIECE_BYTES, bytes));
  }

  /** What is left of the open piece stays open. */
  #close(): void {
    if (this.#at > 0) this.#pieces.push(this.#open.subarray(0, this.#at));
    this.#closedBytes += this.#at;
    this.#open = this.#open.subarray(this.#at);
    this.#at = 0;
  }
}
