/** A seed's chance: every draw of a simulation comes from one of these, so the order of draws is part of the replay. */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #count = 1;

  /** sfc32 (Chris Doty-Humphrey, PractRand). @param seed an integer of up to 53 bits */
  constructor(seed: number) {
    this.#a = seed | 0;
    this.#b = Math.floor(seed / 2 ** 32) | 0;
    this.#c = 0x9e3779b9 | 0;
    for (let round = 0; round < 15; round++) this.next();
  }

  /** In [0, 1), 32 bits of it. */
  readonly next = (): number => {
    const sum = (((this.#a + this.#b) | 0) + this.#count) | 0;
    this.#count = (this.#count + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };

  chance(probability: number): boolean {
    return probability > 0 && this.next() < probability;
  }

  /** An integer, both ends included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  /** Mostly near `low`, now and then up to `high`: sizes and delays are spread like this. */
  skewed(low: number, high: number): number {
    const share = this.next() * this.next() * this.next();
    return low + Math.floor(share * (high - low + 1));
  }

  pick<T>(values: readonly T[]): T {
    return values[Math.floor(this.next() * values.length)]!;
  }
}
