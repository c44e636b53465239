/** How long to wait before trying a log again: doubling from 50 ms, at most 5 s, the upper half of it random. */
export function backoffMs(failures: number, random: () => number): number {
  return Math.min(5_000, 50 * 2 ** Math.min(failures, 10)) * (0.5 + random() / 2);
}
