/** The last answer of something that may be slow to answer, asked again one call at a time. */
export class Latest<T> {
  readonly #ask: () => Promise<T>;
  #under: Promise<void> | null = null;
  #askedMs = Number.NEGATIVE_INFINITY;
  /** Null before the first. A failure keeps the one before. */
  value: T | null = null;
  /** When it was asked for, by `performance.now()`. */
  atMs = Number.NEGATIVE_INFINITY;

  constructor(ask: () => Promise<T>) {
    this.#ask = ask;
  }

  /** Resolves when the call under way has ended, however it did; begins one where the last is older than that. */
  async refresh(nowMs: number, maxAgeMs: number): Promise<void> {
    if (this.#under === null && nowMs - this.#askedMs >= maxAgeMs) {
      this.#askedMs = nowMs;
      this.#under = this.#ask()
        .then(
          (value) => {
            this.value = value;
            this.atMs = nowMs;
          },
          () => {},
        )
        .finally(() => {
          this.#under = null;
        });
    }
    await this.#under;
  }
}
