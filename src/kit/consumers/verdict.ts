import type { Delta } from '../projections/projection-store.ts';

/**
 * What a handler says of one event. `ack` may carry effects: they are stored in one transaction with the position,
 * which is what makes them happen exactly once.
 */
export type Verdict =
  | { readonly kind: 'ack'; readonly deltas: readonly Delta[] }
  | { readonly kind: 'retry'; readonly reason: string; readonly afterMs: number | undefined }
  | { readonly kind: 'dead'; readonly reason: string; readonly code: string };

const PLAIN_ACK: Verdict = { kind: 'ack', deltas: [] };

export function ack(deltas?: readonly Delta[]): Verdict {
  return deltas === undefined ? PLAIN_ACK : { kind: 'ack', deltas };
}

/** @param afterMs wait at least this long; without it the back-off policy decides */
export function retry(reason: string, afterMs?: number): Verdict {
  return { kind: 'retry', reason, afterMs };
}

/** @param code upper snake case; written to the header `streamsocial-error-code` */
export function dead(reason: string, code = 'REFUSED_BY_HANDLER'): Verdict {
  return { kind: 'dead', reason, code };
}
