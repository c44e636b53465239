import { KitError } from '../kit/errors.ts';

/** Few folds of the log at a time, and few questions that wait for one. */
export class FoldTurns {
  readonly #folds: number;
  readonly #maxWaiting: number;
  #waiting: (() => void)[] = [];
  #under = 0;

  constructor({ folds, waiting }: { readonly folds: number; readonly waiting: number }) {
    this.#folds = folds;
    this.#maxWaiting = waiting;
  }

  /** @throws KitError TOO_MANY_FOLDS (retriable); the signal's reason, where it is over before its turn */
  async run<T>(fold: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#turn(signal);
    try {
      return await fold();
    } finally {
      const next = this.#waiting.shift();
      // whoever waits takes this one's place
      if (next === undefined) this.#under--;
      else next();
    }
  }

  async #turn(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#under < this.#folds) {
      this.#under++;
      return;
    }
    if (this.#waiting.length >= this.#maxWaiting)
      throw new KitError('TOO_MANY_FOLDS', 'too many ask for the past at the same time; ask again later', {
        retriable: true,
      });
    await new Promise<void>((resolve, reject) => {
      this.#waiting.push(resolve);
      signal.addEventListener('abort', () => {
        const before = this.#waiting.length;
        this.#waiting = this.#waiting.filter((one) => one !== resolve);
        if (this.#waiting.length < before) reject(signal.reason);
      });
    });
  }
}
