/**
 * How long to wait before trying a log again: doubling from `baseMs`, at most `maxMs`, the upper half of it random, so that
 * those who wait do not knock at the same moment.
 *
 * @param failures before the last one
 */
export function backoffMs(failures: number, random: () => number, baseMs = 50, maxMs = 5_000): number {
  return Math.min(maxMs, baseMs * 2 ** failures) * (0.5 + random() / 2);
}
