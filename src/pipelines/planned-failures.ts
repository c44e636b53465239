import type { Handler } from '../kit/consumers/consumer-options.ts';
import { retry } from '../kit/consumers/verdict.ts';

export interface PlannedFailure {
  /** How often from now on. */
  readonly left: number;
  readonly reason: string;
  /** Waits at least this long before the next attempt. */
  readonly afterMs?: number;
}

/** Event ids that are to fail; a number stands for so many failures of the demo. Bounded by who fills it. */
export type PlannedFailures = Map<string, number | PlannedFailure>;

/** Lets events fail as planned before the handler sees them; everything else passes untouched. */
export function withPlannedFailures<E>(
  handler: Handler<E>,
  failures: PlannedFailures,
  idOf: (event: E) => string,
): Handler<E> {
  return (event, context) => {
    if (failures.size === 0) return handler(event, context);
    const id = idOf(event);
    const found = failures.get(id);
    if (found === undefined) return handler(event, context);
    const planned = typeof found === 'number' ? { left: found, reason: 'a failure planned by the demo' } : found;
    if (planned.left <= 1) failures.delete(id);
    else failures.set(id, { ...planned, left: planned.left - 1 });
    return retry(planned.reason, planned.afterMs);
  };
}
