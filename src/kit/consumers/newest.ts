/** The newest items, so many at most. Items are numbered from 0 in the order they came, so that it can be told which are gone. */
export class Newest<T> {
  readonly #max: number;
  #items: T[] = [];
  /** Where the oldest is, once the array is full. */
  #head = 0;
  #added = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** How many were ever added; the number of the next one. */
  get added(): number {
    return this.#added;
  }

  add(item: T): void {
    this.#added++;
    if (this.#items.length < this.#max) {
      this.#items.push(item);
      return;
    }
    this.#items[this.#head] = item;
    this.#head = (this.#head + 1) % this.#max;
  }

  /** Whether all from this number on are still here. */
  keepsFrom(number: number): boolean {
    return number >= this.#added - this.#items.length;
  }

  /** Oldest first. */
  filter(wanted: (item: T) => boolean): T[] {
    const found: T[] = [];
    const { length } = this.#items;
    for (let index = 0; index < length; index++) {
      const item = this.#items[(this.#head + index) % length]!;
      if (wanted(item)) found.push(item);
    }
    return found;
  }
}
