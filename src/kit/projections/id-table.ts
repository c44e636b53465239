/**
 * When ids were last counted, in 12 bytes for each at a load of two thirds: for folds that remember a million ids for a moment. Ids are
 * told apart by 53 bits of a hash: among a million, two are taken for one with a chance of 1 in 18,000.
 */
export class IdTable {
  #hashes: Float64Array;
  #seconds: Uint32Array;
  #size = 0;

  constructor(capacity = 64) {
    this.#hashes = new Float64Array(capacity);
    this.#seconds = new Uint32Array(capacity);
  }

  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#hashes.byteLength + this.#seconds.byteLength;
  }

  /** @returns whether the id was counted after `expiredAt`; if not, it is counted at `at` now (ms since the epoch, both) */
  seen(scope: number, id: string, at: number, expiredAt: number): boolean {
    const hash = hashOf(id, scope);
    const index = this.#find(hash);
    if (this.#hashes[index] === hash && this.#seconds[index]! * 1_000 > expiredAt) return true;
    if (this.#hashes[index] !== hash) {
      this.#hashes[index] = hash;
      this.#size++;
    }
    this.#seconds[index] = Math.ceil(at / 1_000);
    if (this.#size * 3 > this.#hashes.length * 2) this.#grow();
    return false;
  }

  clone(): IdTable {
    const copy = new IdTable(0);
    copy.#hashes = this.#hashes.slice();
    copy.#seconds = this.#seconds.slice();
    copy.#size = this.#size;
    return copy;
  }

  #find(hash: number): number {
    const mask = this.#hashes.length - 1;
    let index = (hash >>> 0) & mask;
    while (this.#hashes[index] !== 0 && this.#hashes[index] !== hash) index = (index + 1) & mask;
    return index;
  }

  #grow(): void {
    const [hashes, seconds] = [this.#hashes, this.#seconds];
    this.#hashes = new Float64Array(hashes.length * 2);
    this.#seconds = new Uint32Array(hashes.length * 2);
    for (const [from, hash] of hashes.entries()) {
      if (hash === 0) continue;
      const to = this.#find(hash);
      this.#hashes[to] = hash;
      this.#seconds[to] = seconds[from]!;
    }
  }
}

/** 53 bits, never 0. Two multiplicative hashes of 32 bits side by side, each mixed with the other at the end (cyrb53, public domain). */
function hashOf(text: string, seed: number): number {
  let high = 0xdeadbeef ^ seed;
  let low = 0x41c6ce57 ^ seed;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    high = Math.imul(high ^ unit, 2_654_435_761);
    low = Math.imul(low ^ unit, 1_597_334_677);
  }
  high = Math.imul(high ^ (high >>> 16), 2_246_822_507) ^ Math.imul(low ^ (low >>> 13), 3_266_489_909);
  low = Math.imul(low ^ (low >>> 16), 2_246_822_507) ^ Math.imul(high ^ (high >>> 13), 3_266_489_909);
  return 4_294_967_296 * (2_097_151 & low) + (high >>> 0) || 1;
}
