/** Growth between two looks, per second. Pure. */

/**
 * What the values of the same keys have grown by. A value that shrank (retention, a restarted counter) adds nothing, a key that only
 * one look has is left out; null where there is nothing to compare.
 */
export function growthPerSecond(
  before: ReadonlyMap<string, number>,
  now: ReadonlyMap<string, number>,
  elapsedMs: number,
): number | null {
  if (elapsedMs <= 0) return null;
  let growth = 0;
  let compared = 0;
  for (const [key, value] of now) {
    const earlier = before.get(key);
    if (earlier === undefined) continue;
    compared += 1;
    growth += Math.max(0, value - earlier);
  }
  return compared === 0 && now.size > 0 ? null : (growth * 1000) / elapsedMs;
}

/** Null where one is unknown: the sum of the others would pass for the whole. */
export function sumOrNull(values: readonly (number | null)[]): number | null {
  let sum = 0;
  for (const value of values) {
    if (value === null) return null;
    sum += value;
  }
  return values.length === 0 ? null : sum;
}

/** Of those that are known. */
export function maxOrNull(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : Math.max(...known);
}
