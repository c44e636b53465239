/** Growth a second of counters, over about the last second; a counter that shrank begins anew. */
const WINDOW_MS = 900;

interface Reading {
  readonly atMs: number;
  readonly value: number;
}

export class RecentRates {
  readonly #readings = new Map<string, Reading[]>();

  /** Null at the first reading. */
  perSecond(name: string, value: number, atMs: number): number | null {
    const known = this.#readings.get(name) ?? [];
    const before = known.filter((reading) => reading.value <= value && reading.atMs <= atMs);
    // the newest that is old enough stays, so that there is always one to compare with
    const start = Math.max(
      0,
      before.findLastIndex((reading) => atMs - reading.atMs >= WINDOW_MS),
    );
    const kept = before.slice(start);
    this.#readings.set(name, kept.at(-1)?.atMs === atMs ? kept : [...kept, { atMs, value }]);
    const first = kept[0];
    return first === undefined || first.atMs === atMs ? null : ((value - first.value) * 1000) / (atMs - first.atMs);
  }

  /** Counters that were not read since. */
  forgetBefore(atMs: number): void {
    for (const [name, readings] of this.#readings) if (readings.at(-1)!.atMs < atMs) this.#readings.delete(name);
  }
}
