import type { FastifyInstance } from 'fastify';
import { KitError } from '../kit/errors.ts';

/** Ends waits, and refuses what still arrives on open connections, once the server has begun to close. */
export class Closing {
  readonly #controller = new AbortController();
  readonly #refused: Promise<never>;

  constructor(app: FastifyInstance) {
    const { signal } = this.#controller;
    this.#refused = new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(closingError()), { once: true });
    });
    this.#refused.catch(() => {});
    app.addHook('preClose', (done) => {
      this.#controller.abort();
      done();
    });
    app.addHook('onRequest', (_request, _reply, done) => done(signal.aborted ? closingError() : undefined));
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** @throws KitError SHUTTING_DOWN when the server closes first */
  orClosing<T>(wait: Promise<T>): Promise<T> {
    return Promise.race([wait, this.#refused]);
  }
}

function closingError(): KitError {
  return new KitError('SHUTTING_DOWN', 'This server is shutting down.', { retriable: true });
}
