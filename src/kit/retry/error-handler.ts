/** The one place where a thrown error becomes a decision. */
import { KitError } from '../errors.ts';

/**
 * - `transient`: this event may succeed later; it is parked with its key.
 * - `systemic`: nothing succeeds now; the partition pauses and no attempt is counted.
 * - `poison`: this event never succeeds; it goes to the dead letter queue at once.
 */
export type Fault = 'transient' | 'systemic' | 'poison';

/** Thrown by a handler for a failure that passes by itself. */
export class TransientError extends KitError {
  constructor(message: string, options: { cause?: unknown; details?: Record<string, unknown> } = {}) {
    super('TRANSIENT', message, { ...options, retriable: true });
    this.name = 'TransientError';
  }
}

/** Failures of log and store: they hit every event alike. */
const SYSTEMIC: ReadonlySet<string> = new Set([
  'STORE_UNAVAILABLE',
  'LOG_UNAVAILABLE',
  'DISK_FULL',
  'APPEND_TIMEOUT',
  'ACK_PENDING',
  'DELIVERY_TIMEOUT',
  'QUEUE_FULL',
  'UNKNOWN_TOPIC',
  'UNKNOWN_PARTITION',
  'CORRUPT_BATCH',
]);

export class ErrorHandler {
  readonly #own: (error: unknown) => Fault | undefined;

  /** @param own asked first; undefined leaves the decision to the built-in rules */
  constructor(own: (error: unknown) => Fault | undefined = () => undefined) {
    this.#own = own;
  }

  /** A `KitError` says itself whether trying again can help; anything unknown is given its attempts. */
  classify(error: unknown): Fault {
    const own = this.#own(error);
    if (own !== undefined) return own;
    if (!(error instanceof KitError)) return 'transient';
    if (SYSTEMIC.has(error.code)) return 'systemic';
    return error.retriable ? 'transient' : 'poison';
  }
}
