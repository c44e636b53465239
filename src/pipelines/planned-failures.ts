import type { Handler } from '../kit/consumers/consumer-options.ts';
import { retry } from '../kit/consumers/verdict.ts';

/** Event ids that are to fail, and how often from now on. Bounded by the demo that fills it. */
export type PlannedFailures = Map<string, number>;

/** Lets the demo's flaky events fail as planned before the handler sees them; everything else passes untouched. */
export function withPlannedFailures<E>(
  handler: Handler<E>,
  failures: PlannedFailures,
  idOf: (event: E) => string,
): Handler<E> {
  return (event, context) => {
    if (failures.size === 0) return handler(event, context);
    const id = idOf(event);
    const left = failures.get(id);
    if (left === undefined) return handler(event, context);
    if (left <= 1) failures.delete(id);
    else failures.set(id, left - 1);
    return retry('a failure planned by the demo');
  };
}
