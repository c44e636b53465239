import { orAborted } from '../kit/waiting.ts';

/** So many at a time, first come first served. */
export class Turns {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(count: number) {
    this.#free = count;
  }

  /** Disposing of what comes back ends the turn. @throws the signal's reason */
  async take(signal: AbortSignal): Promise<AsyncDisposable> {
    signal.throwIfAborted();
    if (this.#free > 0) this.#free--;
    else await this.#wait(signal);
    return { [Symbol.asyncDispose]: async () => this.#end() };
  }

  async #wait(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    try {
      await orAborted(promise, signal);
    } catch (error) {
      // a turn that was given in the same moment goes on to the next
      if (!this.#waiting.delete(resolve)) this.#end();
      throw error;
    }
  }

  #end(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#free++;
    } else {
      this.#waiting.delete(next);
      next();
    }
  }
}
