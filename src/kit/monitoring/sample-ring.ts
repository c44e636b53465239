/** Numbers over time, of a bounded number of series with one time axis. */

export interface SampleRingOptions {
  readonly capacity: number;
  /** Series beyond it are not kept. */
  readonly maxSeries: number;
}

interface Series {
  readonly values: Float64Array;
  /** Number of the last push that had a value for it. */
  seen: number;
}

export class SampleRing {
  readonly #capacity: number;
  readonly #maxSeries: number;
  readonly #times: Float64Array;
  readonly #series = new Map<string, Series>();
  #pushes = 0;

  constructor({ capacity, maxSeries }: SampleRingOptions) {
    this.#capacity = capacity;
    this.#maxSeries = maxSeries;
    this.#times = new Float64Array(capacity);
  }

  /** Times ascend. A series without a value in the whole ring is forgotten. */
  push(atMs: number, values: ReadonlyMap<string, number | null>): void {
    const slot = this.#pushes++ % this.#capacity;
    this.#times[slot] = atMs;
    for (const [key, series] of this.#series) {
      if (this.#pushes - series.seen > this.#capacity) this.#series.delete(key);
      else series.values[slot] = Number.NaN;
    }
    for (const [key, value] of values) {
      if (value === null) continue;
      const series = this.#series.get(key) ?? this.#add(key);
      if (series === null) continue;
      series.values[slot] = value;
      series.seen = this.#pushes;
    }
  }

  /** Ascending. */
  times(sinceMs: number): number[] {
    return this.#slots(sinceMs).map((slot) => this.#times[slot]!);
  }

  /** One for each of `times`; null where nothing is known. */
  values(key: string, sinceMs: number): (number | null)[] {
    const values = this.#series.get(key)?.values;
    return this.#slots(sinceMs).map((slot) => {
      const value = values?.[slot] ?? Number.NaN;
      return Number.isNaN(value) ? null : value;
    });
  }

  /** The greatest of each step from `sinceMs` on; null where nothing is known. What is later counts in the last one. */
  maxima(key: string, sinceMs: number, stepMs: number, steps: number): (number | null)[] {
    const greatest = new Array<number | null>(steps).fill(null);
    const values = this.#series.get(key)?.values;
    if (values === undefined) return greatest;
    for (let push = this.#firstSince(sinceMs); push < this.#pushes; push++) {
      const slot = push % this.#capacity;
      const value = values[slot]!;
      if (Number.isNaN(value)) continue;
      const step = Math.min(steps - 1, Math.floor((this.#times[slot]! - sinceMs) / stepMs));
      greatest[step] = Math.max(greatest[step] ?? value, value);
    }
    return greatest;
  }

  /** Of all series whose key begins so. */
  keys(prefix: string): string[] {
    return [...this.#series.keys()].filter((key) => key.startsWith(prefix));
  }

  #add(key: string): Series | null {
    if (this.#series.size >= this.#maxSeries) return null;
    const series = { values: new Float64Array(this.#capacity).fill(Number.NaN), seen: this.#pushes };
    this.#series.set(key, series);
    return series;
  }

  #slots(sinceMs: number): number[] {
    const first = this.#firstSince(sinceMs);
    return Array.from({ length: this.#pushes - first }, (_, index) => (first + index) % this.#capacity);
  }

  /** Number of the push. */
  #firstSince(sinceMs: number): number {
    let first = this.#pushes;
    const oldest = Math.max(0, this.#pushes - this.#capacity);
    while (first > oldest && this.#times[(first - 1) % this.#capacity]! >= sinceMs) first--;
    return first;
  }
}
