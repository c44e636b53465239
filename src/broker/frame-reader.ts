/**
 * Requests out of the bytes of a connection: four bytes of length, then as many of the request. Knows neither sockets nor
 * what the bytes mean. Source: Kafka protocol guide, "Network".
 */
import { KitError } from '../kit/errors.ts';

const LENGTH_BYTES = 4;
/** Smaller than any request header. */
const MIN_FRAME_BYTES = 8;

export class FrameReader {
  readonly #maxBytes: number;
  #chunks: Buffer[] = [];
  #received = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes of a request that has begun and is not whole. */
  get pending(): number {
    return this.#received;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#received += chunk.length;
  }

  /** The length of the request that has begun; null while it is not known. @throws KitError MALFORMED_REQUEST, REQUEST_TOO_LARGE */
  expected(): number | null {
    if (this.#received < LENGTH_BYTES) return null;
    const length = this.#head(LENGTH_BYTES).readInt32BE(0);
    if (length < MIN_FRAME_BYTES) throw new KitError('MALFORMED_REQUEST', `A request cannot have ${length} bytes.`);
    if (length > this.#maxBytes) {
      throw new KitError('REQUEST_TOO_LARGE', `A request of ${length} bytes is over the limit of ${this.#maxBytes}.`);
    }
    return length;
  }

  /** The next whole request, without its length; null while there is none. @throws as `expected` */
  next(): Buffer | null {
    const length = this.expected();
    if (length === null || this.#received < LENGTH_BYTES + length) return null;
    const all = this.#head(LENGTH_BYTES + length);
    const end = LENGTH_BYTES + length;
    this.#chunks[0] = all.subarray(end);
    if (this.#chunks[0].length === 0) this.#chunks.shift();
    this.#received -= end;
    return all.subarray(LENGTH_BYTES, end);
  }

  /** The first chunk, once it has at least so many bytes. */
  #head(bytes: number): Buffer {
    const [first] = this.#chunks;
    if (first !== undefined && first.length >= bytes) return first;
    const whole: Buffer[] = [];
    let rest = bytes;
    while (rest > 0) {
      const chunk = this.#chunks.shift()!;
      whole.push(chunk);
      rest -= chunk.length;
    }
    // what follows stays apart: a large request is copied once, not once more with each of its successors
    const last = whole.at(-1)!;
    if (rest < 0) {
      whole[whole.length - 1] = last.subarray(0, last.length + rest);
      this.#chunks.unshift(last.subarray(last.length + rest));
    }
    const joined = Buffer.concat(whole, bytes);
    this.#chunks.unshift(joined);
    return joined;
  }
}
