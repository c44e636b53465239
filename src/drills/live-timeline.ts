/** What a drill has measured so far, while it goes on: the same buckets as in its report, from the same histories. */
import type { HistoryEntry, Mark } from './history/history.ts';
import { type Bucket, percentile } from './measurements.ts';

export interface LiveUpdate {
  readonly bucketMs: number;
  /** Which bucket the first of `buckets` is: those from there on are new, or have changed. */
  readonly from: number;
  readonly buckets: readonly Bucket[];
  /** All so far. */
  readonly marks: readonly LiveMark[];
}

export interface LiveMark {
  /** Since the first acknowledged publish; before it below 0. */
  readonly atMs: number;
  readonly label: string;
}

interface Counted {
  acked: number;
  applied: number;
  /** Of what was acknowledged in it; null once nothing more is expected, and `latency` stays as it is. */
  waitsMs: number[] | null;
  latency: Pick<Bucket, 'p50Ms' | 'p99Ms' | 'maxMs'>;
}

/** Of every timeline of a drill. */
export const BUCKET_MS = 250;
/** Twenty minutes of a quarter of a second each; what comes later is only in the report. */
export const MAX_BUCKETS = 4_800;
export const MAX_MARKS = 200;
/** The load writes its history every few milliseconds: what is as old as this is complete. */
const OPEN_BUCKETS = 40;
/** Applied before the first acknowledgement was read. */
const MAX_EARLY = 1_000;
const NO_LATENCY = { p50Ms: null, p99Ms: null, maxMs: null };

export class LiveTimeline {
  readonly #bucketMs: number;
  readonly #buckets: Counted[] = [];
  readonly #marks: Mark[] = [];
  readonly #early: { readonly atMs: number; readonly events: number }[] = [];
  #startMs: number | null = null;
  /** Of what was taken: all below it was told. */
  #told = 0;
  #marksTold = 0;

  constructor(bucketMs: number) {
    this.#bucketMs = bucketMs;
  }

  add(entry: HistoryEntry): void {
    if (entry.kind === 'mark') {
      if (this.#marks.length < MAX_MARKS) this.#marks.push(entry);
    } else if (entry.kind === 'publish') {
      if (entry.outcome !== 'acked') return;
      this.#begin(entry.invokedMs);
      const bucket = this.#bucketAt(entry.completedMs!);
      if (bucket === null) return;
      bucket.acked += 1;
      bucket.waitsMs?.push(entry.completedMs! - entry.invokedMs);
    } else if (entry.kind === 'apply' && entry.outcome === 'ok' && entry.completedMs !== null) {
      this.#applied(entry.completedMs, entry.offsets.length);
    }
  }

  /** What has changed since it was called last; null where nothing has. */
  take(): LiveUpdate | null {
    const startMs = this.#startMs;
    if (startMs === null || (this.#told === this.#buckets.length && this.#marksTold === this.#marks.length))
      return null;
    const from = this.#told;
    const buckets = this.#buckets.slice(from).map((counted, index): Bucket => {
      if (counted.waitsMs !== null) counted.latency = latencyOf(counted.waitsMs);
      const { acked, applied, latency } = counted;
      return { atMs: (from + index) * this.#bucketMs, acked, applied, ...latency };
    });
    const closed = Math.max(0, this.#buckets.length - OPEN_BUCKETS);
    for (let index = closed - 1; index >= 0 && this.#buckets[index]!.waitsMs !== null; index--)
      this.#buckets[index]!.waitsMs = null;
    this.#told = this.#buckets.length;
    this.#marksTold = this.#marks.length;
    const marks = this.#marks.map(({ atMs, label }) => ({ atMs: Math.round(atMs - startMs), label }));
    return { bucketMs: this.#bucketMs, from, buckets, marks };
  }

  #begin(startMs: number): void {
    if (this.#startMs !== null) return;
    this.#startMs = startMs;
    for (const { atMs, events } of this.#early.splice(0)) this.#applied(atMs, events);
  }

  #applied(atMs: number, events: number): void {
    if (this.#startMs === null) {
      if (this.#early.length < MAX_EARLY) this.#early.push({ atMs, events });
      return;
    }
    const bucket = this.#bucketAt(atMs);
    if (bucket !== null) bucket.applied += events;
  }

  #bucketAt(atMs: number): Counted | null {
    const index = Math.max(0, Math.floor((atMs - this.#startMs!) / this.#bucketMs));
    if (index >= MAX_BUCKETS) return null;
    while (this.#buckets.length <= index)
      this.#buckets.push({ acked: 0, applied: 0, waitsMs: [], latency: NO_LATENCY });
    this.#told = Math.min(this.#told, index);
    return this.#buckets[index]!;
  }
}

function latencyOf(waitsMs: number[]): Counted['latency'] {
  return { p50Ms: percentile(waitsMs, 0.5), p99Ms: percentile(waitsMs, 0.99), maxMs: percentile(waitsMs, 1) };
}
