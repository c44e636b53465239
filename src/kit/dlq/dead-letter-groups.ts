/** Dead letters by fingerprint, and how many came when. Pure. */
import type { ListedDeadLetter } from './dead-letter-filter.ts';
import { shapeOf } from './fingerprint.ts';

export interface DeadLetterGroup {
  readonly fingerprint: string;
  readonly code: string;
  readonly group: string;
  readonly topic: string;
  /** The reason without what is of one event alone. */
  readonly shape: string;
  readonly count: number;
  /** Of those, not replayed. */
  readonly open: number;
  /** Milliseconds since the epoch. */
  readonly firstSeenAt: number;
  readonly lastSeenAt: number;
  /** By bucket. */
  readonly counts: readonly number[];
  /** The newest. */
  readonly example: ListedDeadLetter;
}

export interface Buckets {
  /** Milliseconds since the epoch, a multiple of the width. */
  readonly from: number;
  readonly widthMs: number;
  readonly count: number;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const WIDTHS_MS = [1, 2, 5, 10, 15, 30]
  .map((n) => n * SECOND)
  .concat([1, 2, 5, 10, 15, 30].map((n) => n * MINUTE))
  .concat([1, 2, 3, 6, 12].map((n) => n * HOUR));

/** As narrow as the clock's usual steps allow for no more than `max` buckets. */
export function bucketsBetween(from: number, until: number, max: number): Buckets {
  const fits = (widthMs: number) => Math.floor(until / widthMs) - Math.floor(from / widthMs) < max;
  const days = Math.ceil((until - from) / DAY / Math.max(1, max - 1)) || 1;
  const widthMs = WIDTHS_MS.find(fits) ?? days * DAY;
  const start = Math.floor(from / widthMs) * widthMs;
  return { from: start, widthMs, count: Math.min(max, Math.floor((until - start) / widthMs) + 1) };
}

export function bucketOf(at: number, { from, widthMs, count }: Buckets): number {
  return Math.min(count - 1, Math.max(0, Math.floor((at - from) / widthMs)));
}

/** The ones that failed last come first. @param entries newest first */
export function groupsOf(entries: readonly ListedDeadLetter[], buckets: Buckets): DeadLetterGroup[] {
  const groups = new Map<
    string,
    { open: number; counts: number[]; count: number; first: number; example: ListedDeadLetter }
  >();
  for (const entry of entries) {
    let group = groups.get(entry.fingerprint);
    if (group === undefined) {
      group = { open: 0, count: 0, first: entry.capturedAt, counts: new Array(buckets.count).fill(0), example: entry };
      groups.set(entry.fingerprint, group);
    }
    group.count++;
    if (!entry.replayed) group.open++;
    group.first = Math.min(group.first, entry.capturedAt);
    group.counts[bucketOf(entry.capturedAt, buckets)]!++;
  }
  return [...groups.values()].map(({ open, counts, count, first, example }) => {
    const { fingerprint, code, group, topic, reason, capturedAt } = example;
    const shape = shapeOf(reason);
    return {
      fingerprint,
      code,
      group,
      topic,
      shape,
      count,
      open,
      firstSeenAt: first,
      lastSeenAt: capturedAt,
      counts,
      example,
    };
  });
}
