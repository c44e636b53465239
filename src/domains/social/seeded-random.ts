export interface SeededRandom {
  /** In [0, 1), 32 bits of it. */
  next(): number;
  /** In [0, below). */
  integer(below: number): number;
  pick<T>(values: readonly T[]): T;
}

/** Repeats exactly for a seed. mulberry32 (Tommy Ettinger, public domain): small and good enough for traffic, not for secrets. */
export function seededRandom(seed: number): SeededRandom {
  let state = seed | 0;
  function next(): number {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  const integer = (below: number): number => Math.floor(next() * below);
  return { next, integer, pick: (values) => values[integer(values.length)]! };
}
