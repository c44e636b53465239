/**
 * The one error class of the kit. Every code thrown anywhere is listed in `docs/errors.md`; a test compares the two.
 *
 * @param code upper-case snake case, stable across releases, e.g. `UNKNOWN_TOPIC`
 * @param retriable whether the same call may succeed later without being changed
 * @param details extra fields for a problem document or a log line; never secrets
 */
export class KitError extends Error {
  readonly code: string;
  readonly retriable: boolean;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: string,
    message: string,
    options: { cause?: unknown; retriable?: boolean; details?: Record<string, unknown> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'KitError';
    this.code = code;
    this.retriable = options.retriable ?? false;
    this.details = options.details ?? {};
  }
}

export function isKitError(error: unknown, code?: string): error is KitError {
  return error instanceof KitError && (code === undefined || error.code === code);
}
