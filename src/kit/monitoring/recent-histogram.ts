/**
 * Percentiles of the last ten seconds, in the buckets of `Histogram`: a ring of seconds, and their sum kept beside it, so that
 * recording is two additions and reading one pass. 76 KB, made with the first value.
 */
import { BUCKETS, bucketOfMs, upperBoundMs } from './histogram.ts';

export interface RecentLatency {
  readonly p50_ms: number;
  readonly p99_ms: number;
}

const SLOT_MS = 1_000;
const SLOTS = 10;
const NEVER = -1;

export class RecentHistogram {
  #slots: Uint32Array[] = [];
  #sum = new Uint32Array(0);
  #second = NEVER;

  /**
   * @param valueMs a negative one (clocks that disagree) counts as 0
   * @param nowMs of a clock that is never set back
   */
  record(valueMs: number, nowMs: number, count = 1): void {
    this.#advance(nowMs);
    const bucket = bucketOfMs(Math.max(0, valueMs));
    this.#slots[this.#second % SLOTS]![bucket]! += count;
    this.#sum[bucket]! += count;
  }

  /** Null where nothing was recorded in the last ten seconds. */
  latency(nowMs: number): RecentLatency | null {
    return latencyOf([this], nowMs);
  }

  /** Its counts now, by bucket; empty before the first. */
  counts(nowMs: number): Uint32Array {
    if (this.#second !== NEVER) this.#advance(nowMs);
    return this.#sum;
  }

  #advance(nowMs: number): void {
    const second = Math.floor(nowMs / SLOT_MS);
    if (second <= this.#second) return;
    if (this.#second === NEVER) {
      this.#slots = Array.from({ length: SLOTS }, () => new Uint32Array(BUCKETS));
      this.#sum = new Uint32Array(BUCKETS);
    } else {
      const passed = Math.min(SLOTS, second - this.#second);
      for (let ahead = 1; ahead <= passed; ahead++) this.#forget(this.#slots[(this.#second + ahead) % SLOTS]!);
    }
    this.#second = second;
  }

  #forget(slot: Uint32Array): void {
    const sum = this.#sum;
    for (let bucket = 0; bucket < BUCKETS; bucket++) sum[bucket]! -= slot[bucket]!;
    slot.fill(0);
  }
}

/** Of all of them together. */
export function latencyOf(histograms: readonly RecentHistogram[], nowMs: number): RecentLatency | null {
  const all = histograms.map((histogram) => histogram.counts(nowMs)).filter(({ length }) => length > 0);
  const sums = new Float64Array(BUCKETS);
  let total = 0;
  for (const counts of all)
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      sums[bucket]! += counts[bucket]!;
      total += counts[bucket]!;
    }
  if (total === 0) return null;
  return { p50_ms: quantileMs(sums, total, 0.5), p99_ms: quantileMs(sums, total, 0.99) };
}

function quantileMs(counts: Float64Array, total: number, quantile: number): number {
  const rank = Math.max(1, Math.ceil(quantile * total));
  let seen = 0;
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    seen += counts[bucket]!;
    if (seen >= rank) return upperBoundMs(bucket);
  }
  return upperBoundMs(BUCKETS - 1);
}
