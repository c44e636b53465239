import type { Clock } from '../clock.ts';
import { KitError } from '../errors.ts';

interface Waiter {
  readonly done: () => boolean;
  readonly settle: (error?: KitError) => void;
}

/** Callers that wait for something to become durable; told at once, bounded in number and time. */
export class Waiters {
  readonly #clock: Clock;
  readonly #max: number;
  readonly #waiting = new Set<Waiter>();
  #closed: KitError | null = null;

  constructor(clock: Clock, max: number) {
    this.#clock = clock;
    this.#max = max;
  }

  /** @throws KitError NOT_APPLIED_YET after `timeoutMs`, TOO_MANY_WAITERS; whatever `close` brings */
  async until(done: () => boolean, timeoutMs: number): Promise<void> {
    if (done()) return;
    if (this.#closed !== null) throw this.#closed;
    if (this.#waiting.size >= this.#max) {
      throw new KitError('TOO_MANY_WAITERS', `${this.#max} callers are waiting already`, { retriable: true });
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter: Waiter = {
      done,
      settle: (error) => {
        cancel();
        this.#waiting.delete(waiter);
        if (error === undefined) resolve();
        else reject(error);
      },
    };
    const cancel = this.#clock.after(timeoutMs, () =>
      waiter.settle(new KitError('NOT_APPLIED_YET', `not applied within ${timeoutMs} ms`, { retriable: true })),
    );
    this.#waiting.add(waiter);
    return promise;
  }

  notify(): void {
    for (const waiter of this.#waiting) if (waiter.done()) waiter.settle();
  }

  /** Nobody waits here any more. */
  close(error: KitError): void {
    this.#closed = error;
    for (const waiter of this.#waiting) waiter.settle(error);
  }
}
