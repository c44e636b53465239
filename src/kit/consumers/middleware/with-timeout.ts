import { type Clock, systemClock } from '../../clock.ts';
import { TransientError } from '../../retry/error-handler.ts';
import type { Handler } from '../consumer-options.ts';

/**
 * A call that takes longer counts as a failed attempt. The handler's signal is aborted; a handler that does not heed
 * it goes on unheard. Handlers that answer without a promise pass through.
 *
 * Source: Watermill, message/router/middleware/timeout.go.
 */
export function withTimeout<E>(handler: Handler<E>, timeoutMs: number, clock: Clock = systemClock): Handler<E> {
  return (event, context) => {
    const late = new AbortController();
    const signal = AbortSignal.any([context.signal, late.signal]);
    const verdict = handler(event, { ...context, signal });
    if (!('then' in verdict)) return verdict;
    const { promise, reject } = Promise.withResolvers<never>();
    const cancel = clock.after(timeoutMs, () => {
      const error = new TransientError(`no verdict within ${timeoutMs} ms`);
      late.abort(error);
      reject(error);
    });
    return Promise.race([verdict, promise]).finally(cancel);
  };
}
