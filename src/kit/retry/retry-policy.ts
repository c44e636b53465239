/**
 * Exponential back-off with full jitter: after the n-th failed attempt wait random(0, min(maxMs, baseMs * 2^(n-1))).
 * Source: AWS Architecture Blog, "Exponential Backoff And Jitter".
 */
export interface RetryPolicyOptions {
  /** Deliveries before an event is given up, the first included. Default 5. */
  readonly attempts?: number;
  /** Default 200. */
  readonly baseMs?: number;
  /** Default 30,000. */
  readonly maxMs?: number;
  /** In [0, 1). Default `Math.random`. */
  readonly random?: () => number;
}

export class RetryPolicy {
  readonly attempts: number;
  readonly #baseMs: number;
  readonly #maxMs: number;
  readonly #random: () => number;

  constructor(options: RetryPolicyOptions = {}) {
    this.attempts = options.attempts ?? 5;
    this.#baseMs = options.baseMs ?? 200;
    this.#maxMs = options.maxMs ?? 30_000;
    this.#random = options.random ?? Math.random;
  }

  /** @param failed attempts that have failed so far, 1 or more */
  delayMs(failed: number): number {
    const ceilingMs = Math.min(this.#maxMs, this.#baseMs * 2 ** Math.min(failed - 1, 50));
    return Math.ceil(this.#random() * ceilingMs);
  }
}
