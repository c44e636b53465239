import type { FastifyInstance } from 'fastify';
import { KitError } from '../kit/errors.ts';

const SWEEP_MS = 20;
/** Longer than a publish may wait for its acknowledgement; then connections are cut. */
const GRACE_MS = 5_000;

/** Ends waits, and refuses what still arrives on open connections, once the server has begun to close. */
export class Closing {
  readonly #controller = new AbortController();

  constructor(app: FastifyInstance) {
    const { signal } = this.#controller;
    // Node closes connections that are idle when the server closes, not those that become so afterwards.
    let sweep: NodeJS.Timeout | undefined;
    let deadline: NodeJS.Timeout | undefined;
    app.addHook('preClose', (done) => {
      this.#controller.abort();
      sweep = setInterval(() => app.server.closeIdleConnections(), SWEEP_MS);
      deadline = setTimeout(() => app.server.closeAllConnections(), GRACE_MS);
      done();
    });
    app.addHook('onClose', async () => {
      clearInterval(sweep);
      clearTimeout(deadline);
    });
    app.addHook('onRequest', (_request, _reply, done) => done(signal.aborted ? closingError() : undefined));
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** @throws KitError SHUTTING_DOWN when the server closes first */
  async orClosing<T>(wait: Promise<T>): Promise<T> {
    // raced with a promise of its own: one for all would keep every answer until the end
    const closed = Promise.withResolvers<never>();
    const refuse = (): void => closed.reject(closingError());
    this.signal.addEventListener('abort', refuse, { once: true });
    if (this.signal.aborted) refuse();
    try {
      return await Promise.race([wait, closed.promise]);
    } finally {
      this.signal.removeEventListener('abort', refuse);
    }
  }
}

function closingError(): KitError {
  return new KitError('SHUTTING_DOWN', 'This server is shutting down.', { retriable: true });
}
