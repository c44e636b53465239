/** Pure. */
import type { GroupFlow, Sample } from '../../../api/pulse-sample.ts';
import { duration, UNKNOWN } from '../../format.ts';

const OWN_TOPICS = new Set(['user-actions', 'content-interactions', 'system-events']);

/** Whether no event has ever been written; false while that is not known. */
export function isUntouched({ topics, demo }: Sample): boolean {
  const own = topics.filter(({ name }) => OWN_TOPICS.has(name));
  return demo === null && own.length > 0 && own.every(({ end }) => end === 0);
}

/** `29 / 170 ms`, `106 ms / 1.9 s`: their unit once where it is one */
export function latencyPair(p50: number | null | undefined, p99: number | null | undefined): string {
  if (p50 === null || p50 === undefined) return UNKNOWN;
  const [first, last] = [duration(p50), duration(p99)];
  const [value, unit, ...others] = first.split(' ');
  return `${others.length === 0 && last.split(' ').at(-1) === unit && last.split(' ').length === 2 ? value : first} / ${last}`;
}

export interface WorstLag {
  readonly name: string;
  readonly lag: number;
  readonly lag_seconds: number | null;
}

/** Of the handlers of this server; null where none is behind. */
export function worstLag(groups: readonly GroupFlow[]): WorstLag | null {
  const behind = groups.filter(({ handler, lag }) => handler !== null && lag > 0);
  const [worst] = behind.toSorted((a, b) => (b.lag_seconds ?? 0) - (a.lag_seconds ?? 0) || b.lag - a.lag);
  return worst === undefined ? null : { name: worst.handler!, lag: worst.lag, lag_seconds: worst.lag_seconds };
}
