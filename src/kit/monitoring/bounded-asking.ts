import type { API } from '@platformatic/kafka';
import type { Clock } from '../clock.ts';
import type { ClusterView } from '../log/kafka/cluster-view.ts';
import { unavailable } from '../log/kafka/errors.ts';

export interface AskingLimits {
  /** For one request. */
  readonly requestTimeoutMs: number;
  /** For all of them together. */
  readonly timeoutMs: number;
}

/** Requests of one look: each ends within its limit, all within the limit of the look; what fails is named, not thrown. */
export class BoundedAsking {
  readonly #view: ClusterView;
  readonly #clock: Clock;
  readonly #requestTimeoutMs: number;
  readonly #endsAt: number;
  readonly #incomplete = new Map<string, string>();

  constructor(view: ClusterView, clock: Clock, { requestTimeoutMs, timeoutMs }: AskingLimits) {
    this.#view = view;
    this.#clock = clock;
    this.#requestTimeoutMs = requestTimeoutMs;
    this.#endsAt = clock.now() + timeoutMs;
  }

  get incomplete(): readonly string[] {
    return [...this.#incomplete].map(([name, why]) => `${name}: ${why}`).sort();
  }

  get leftMs(): number {
    return Math.max(0, Math.min(this.#requestTimeoutMs, this.#endsAt - this.#clock.now()));
  }

  /** @throws KitError LOG_UNAVAILABLE, REFUSED_BY_KAFKA */
  ask<A extends unknown[], R>(address: string, api: API<A, R>, args: A): Promise<R> {
    const timeoutMs = this.leftMs;
    if (timeoutMs === 0) return Promise.reject(unavailable(`no time was left to ask ${address}`));
    return this.within(this.#view.askAddress(address, api, args, { timeoutMs }), `no answer from ${address}`);
  }

  /** Connecting has a limit of its own that a request's does not shorten. */
  within<T>(promise: Promise<T>, what: string): Promise<T> {
    const timeoutMs = this.leftMs;
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.after(timeoutMs, () => reject(unavailable(`${what} within ${timeoutMs} ms`)));
      promise.then(resolve, reject).finally(cancel);
    });
  }

  /** Null, and a note under this name, where it fails. */
  async part<T>(name: string, promise: Promise<T>): Promise<T | null> {
    try {
      return await promise;
    } catch (error) {
      this.note(name, error instanceof Error ? error.message : String(error));
      return null;
    }
  }

  /** The first reason under a name stays: a broker that is silent is so for one question as for the next. */
  note(name: string, why: string): void {
    if (!this.#incomplete.has(name)) this.#incomplete.set(name, why);
  }
}
