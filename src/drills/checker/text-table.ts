import { isUtf8 } from 'node:buffer';
import { Column } from './columns.ts';

/**
 * Numbers different texts from 0 on. A million event ids take 60 MB as bytes behind one another; as keys of a Map they
 * would take three times that, and the collector's time.
 */
export class TextTable {
  #bytes = Buffer.allocUnsafe(65_536);
  #used = 0;
  readonly #starts = new Column();
  readonly #spaces = new Column(Int32Array);
  readonly #hashes = new Column(Int32Array);
  /** Open addressing, at most half full; a text's number plus one, 0 where free. */
  #slots = new Int32Array(1_024);
  #scratch = Buffer.allocUnsafe(1_024);

  get size(): number {
    return this.#starts.length;
  }

  /** @param space texts of different spaces are different */
  add(space: number, text: string | Buffer): number {
    const length = this.#load(text);
    const hash = this.#hash(space, length);
    const slot = this.#slotOf(space, hash, length);
    return this.#slots[slot]! === 0 ? this.#insert(space, hash, length, slot) : this.#slots[slot]! - 1;
  }

  /** -1 for a text that was never added. */
  find(space: number, text: string | Buffer): number {
    const length = this.#load(text);
    return this.#slots[this.#slotOf(space, this.#hash(space, length), length)]! - 1;
  }

  text(index: number): string {
    return this.#bytes.toString('utf8', this.#starts.values[index]!, this.#endOf(index));
  }

  spaceOf(index: number): number {
    return this.#spaces.values[index]!;
  }

  #endOf(index: number): number {
    return index + 1 < this.size ? this.#starts.values[index + 1]! : this.#used;
  }

  /** Into `#scratch`, as UTF-8: what is none becomes what a string would have made of it. */
  #load(text: string | Buffer): number {
    const isText = typeof text === 'string';
    const room = isText ? text.length * 3 : text.length;
    if (room > this.#scratch.length) this.#scratch = Buffer.allocUnsafe(room * 2);
    if (isText) return this.#scratch.write(text);
    return isUtf8(text) ? text.copy(this.#scratch) : this.#load(text.toString());
  }

  /** FNV-1a. */
  #hash(space: number, length: number): number {
    let hash = 0x811c9dc5 ^ space;
    for (let i = 0; i < length; i++) hash = Math.imul(hash ^ this.#scratch[i]!, 0x01000193);
    return hash ^ (hash >>> 15);
  }

  #slotOf(space: number, hash: number, length: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const index = this.#slots[slot]! - 1;
      if (index < 0) return slot;
      if (this.#hashes.values[index] === hash && this.#spaces.values[index] === space && this.#equals(index, length))
        return slot;
    }
  }

  #equals(index: number, length: number): boolean {
    const start = this.#starts.values[index]!;
    const end = this.#endOf(index);
    return end - start === length && this.#bytes.compare(this.#scratch, 0, length, start, end) === 0;
  }

  #insert(space: number, hash: number, length: number, slot: number): number {
    const index = this.size;
    if (this.#used + length > this.#bytes.length) {
      const longer = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#used + length));
      this.#bytes.copy(longer, 0, 0, this.#used);
      this.#bytes = longer;
    }
    this.#starts.push(this.#used);
    this.#spaces.push(space);
    this.#hashes.push(hash);
    this.#scratch.copy(this.#bytes, this.#used, 0, length);
    this.#used += length;
    this.#slots[slot] = index + 1;
    if (this.size * 2 > this.#slots.length) this.#grow();
    return index;
  }

  #grow(): void {
    const slots = new Int32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let index = 0; index < this.size; index++) {
      let slot = this.#hashes.values[index]! & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = index + 1;
    }
    this.#slots = slots;
  }
}
