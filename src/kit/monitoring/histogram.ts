/**
 * Counts of values in log-linear buckets, as HdrHistogram has them: 64 buckets per doubling, so a percentile is at
 * most 1.6 % too high; 14 KB whatever is recorded. Values are kept to the microsecond, up to 71 minutes; longer ones
 * count as that.
 */
const SUB_BUCKET_BITS = 6;
const SUB_BUCKETS = 2 ** SUB_BUCKET_BITS;
const MAX_US = 2 ** 32 - 1;
export const BUCKETS = bucketOf(MAX_US) + 1;

/** @param ms at least 0 */
export function bucketOfMs(ms: number): number {
  return bucketOf(Math.min(MAX_US, Math.round(ms * 1000)));
}

function bucketOf(us: number): number {
  const shift = Math.max(0, 31 - Math.clz32(us) - SUB_BUCKET_BITS);
  return shift * SUB_BUCKETS + (us >>> shift);
}

/** The greatest value that falls into a bucket. */
export function upperBoundMs(bucket: number): number {
  const shift = Math.max(0, Math.floor(bucket / SUB_BUCKETS) - 1);
  return ((bucket - shift * SUB_BUCKETS + 1) * 2 ** shift - 1) / 1000;
}

export class Histogram {
  readonly #counts = new Float64Array(BUCKETS);
  #count = 0;
  #sumMs = 0;
  #maxMs = 0;

  /** A negative value (a clock that went backwards) counts as 0. */
  record(valueMs: number): void {
    const ms = Math.max(0, valueMs);
    this.#counts[bucketOfMs(ms)]! += 1;
    this.#count += 1;
    this.#sumMs += ms;
    if (ms > this.#maxMs) this.#maxMs = ms;
  }

  get count(): number {
    return this.#count;
  }

  get maxMs(): number {
    return this.#maxMs;
  }

  /** 0 while nothing is recorded. */
  get meanMs(): number {
    return this.#count === 0 ? 0 : this.#sumMs / this.#count;
  }

  /** The value that a share `quantile` (0..1) of all values does not exceed; 0 while nothing is recorded. */
  quantileMs(quantile: number): number {
    const rank = Math.max(1, Math.ceil(quantile * this.#count));
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += this.#counts[bucket]!;
      if (seen >= rank) return Math.min(upperBoundMs(bucket), this.#maxMs);
    }
    return this.#maxMs;
  }
}
