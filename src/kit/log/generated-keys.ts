/** Keys as traffic has them, for plans of topics that have none yet: a few carry much, by Zipf's law. */
import type { Interruptible } from '../giving-way.ts';

export interface KeyTraffic {
  /** Different keys, `key-1` and on, the busiest first. */
  readonly keys: number;
  readonly records: number;
  /** The k-th key is as frequent as 1 / k^skew: 0 all alike, 1 as words and contents are. */
  readonly skew: number;
}

const STEPS = 2_000;

/** How many records each key got; keys that got none are left out. @param random in [0, 1) */
export function* generatedKeys(
  { keys, records, skew }: KeyTraffic,
  random: () => number,
): Interruptible<Map<string, number>> {
  const upTo = new Float64Array(keys);
  let total = 0;
  for (let key = 0; key < keys; key++) {
    upTo[key] = total += (key + 1) ** -skew;
    if (key % STEPS === 0) yield;
  }
  const counts = new Uint32Array(keys);
  for (let record = 0; record < records; record++) {
    counts[firstAbove(upTo, random() * total)]! += 1;
    if (record % STEPS === 0) yield;
  }
  const found = new Map<string, number>();
  for (const [key, count] of counts.entries()) {
    if (count > 0) found.set(`key-${key + 1}`, count);
    if (key % STEPS === 0) yield;
  }
  return found;
}

/** The index of the first number above `value` in an ascending list. */
function firstAbove(list: Float64Array, value: number): number {
  let low = 0;
  for (let high = list.length - 1; low < high; ) {
    const middle = (low + high) >> 1;
    if (list[middle]! > value) high = middle;
    else low = middle + 1;
  }
  return low;
}
