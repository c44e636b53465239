/** Errors as RFC 9457 problem documents: the one place where a code becomes an HTTP status. */
import { STATUS_CODES } from 'node:http';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { isKitError, KitError } from '../kit/errors.ts';

/** Members of `details` follow these, flat. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly retriable: boolean;
  readonly [member: string]: unknown;
}

export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

/** A code that is not here is 503 when a repeat may help; else the client is told nothing but a reference into the log. */
export const STATUS_BY_CODE: Readonly<Record<string, number>> = {
  // what the caller sent
  INVALID_JSON: 400,
  INVALID_REQUEST: 400,
  INVALID_ARGUMENT: 400,
  INVALID_TOPIC: 400,
  INVALID_PARTITIONS: 400,
  INVALID_CONFIG: 400,
  OFFSET_OUT_OF_RANGE: 400,
  EMPTY_BATCH: 400,
  UNKNOWN_EVENT_TYPE: 400,
  INVALID_EVENT: 400,
  INVALID_ID: 400,
  TIMESTAMP_IN_FUTURE: 400,
  INVALID_RECORD: 400,
  INVALID_REPLAY: 400,
  INVALID_MESSAGE: 400,
  INVALID_POSITION: 400,
  INVALID_GROUP_ID: 400,
  GROUP_TYPE_UNSUPPORTED: 400,
  UNAUTHORIZED: 401,
  FORBIDDEN_ORIGIN: 403,
  NOT_FOUND: 404,
  UNKNOWN_CONTENT: 404,
  UNKNOWN_EVENT: 404,
  UNKNOWN_PROJECTION: 404,
  UNKNOWN_REBUILD: 404,
  UNKNOWN_DOCUMENT: 404,
  UNKNOWN_TOPIC: 404,
  UNKNOWN_PARTITION: 404,
  UNKNOWN_DEAD_LETTER: 404,
  UNKNOWN_REPLAY: 404,
  UNKNOWN_SUBSCRIPTION: 404,
  UNKNOWN_GROUP: 404,
  UNKNOWN_SERVER: 404,
  UNKNOWN_DRILL: 404,
  UNKNOWN_DRILL_RUN: 404,
  UNKNOWN_DRILL_REPORT: 404,
  METHOD_NOT_ALLOWED: 405,
  DEMO_RUNNING: 409,
  IDEMPOTENCY_CONFLICT: 409,
  IDEMPOTENCY_PENDING: 409,
  TOPIC_EXISTS: 409,
  TOPIC_MISMATCH: 409,
  REPLAY_IN_PROGRESS: 409,
  REBUILD_RUNNING: 409,
  REBUILD_NOT_WAITING: 409,
  REBUILD_INCOMPLETE: 409,
  SUBSCRIPTION_EXISTS: 409,
  GROUP_ACTIVE: 409,
  PROJECTION_GROUP: 409,
  NO_COMMITTED_OFFSET: 409,
  NOT_CONTROLLABLE: 409,
  SERVER_RUNNING: 409,
  SERVER_NOT_RUNNING: 409,
  SERVER_BUSY: 409,
  DRILL_RUNNING: 409,
  MISSING_COMPONENT: 409,
  DEAD_LETTER_GONE: 410,
  POSITION_GONE: 410,
  BODY_TOO_LARGE: 413,
  TOO_MANY_ITEMS: 413,
  HISTORY_TOO_WIDE: 413,
  RECORD_TOO_LARGE: 413,
  BATCH_TOO_LARGE: 413,
  URI_TOO_LONG: 414,
  UNSUPPORTED_MEDIA_TYPE: 415,
  MISDIRECTED_REQUEST: 421,
  UPGRADE_REQUIRED: 426,
  TOO_MANY_SUBSCRIPTIONS: 429,
  // what is broken here, told because the caller can act on it
  CORRUPT_BATCH: 500,
  REBUILD_FAILED: 500,
  APPEND_FAILED: 500,
  REFUSED_BY_KAFKA: 502,
  // what a later repeat may get through
  QUEUE_FULL: 503,
  LOG_UNAVAILABLE: 503,
  DISK_FULL: 503,
  STORE_UNAVAILABLE: 503,
  APPEND_TIMEOUT: 503,
  ACK_PENDING: 503,
  DELIVERY_TIMEOUT: 503,
  PRODUCER_CLOSED: 503,
  LOG_CLOSED: 503,
  CONSUMER_STOPPED: 503,
  TOO_MANY_WAITERS: 503,
  TOO_MANY_FOLDS: 503,
  TOO_MANY_SEARCHES: 503,
  TOO_MANY_STREAMS: 503,
  SHUTTING_DOWN: 503,
  NOT_APPLIED_YET: 504,
  FOLD_TOO_LONG: 504,
};

const CODE_BY_FASTIFY_CODE: Readonly<Record<string, string>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'BODY_TOO_LARGE',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'UNSUPPORTED_MEDIA_TYPE',
  FST_ERR_MAX_PARAM_LENGTH: 'URI_TOO_LONG',
};

export function statusOf(error: KitError): number {
  return STATUS_BY_CODE[error.code] ?? (error.retriable ? 503 : 500);
}

/** @param reference names the request in the log when the error is one of ours */
export function problemOf(error: unknown, reference?: string): Problem {
  const known = asKitError(error);
  if (known !== null && (known.retriable || known.code in STATUS_BY_CODE)) {
    return problem(statusOf(known), known.code, known.message, known.retriable, known.details);
  }
  return problem(500, 'INTERNAL_ERROR', 'Something failed inside; the server log has the details.', false, {
    ...(reference === undefined ? {} : { reference }),
  });
}

function problem(
  status: number,
  code: string,
  detail: string,
  retriable: boolean,
  details: Readonly<Record<string, unknown>>,
): Problem {
  const words = code.toLowerCase().replaceAll('_', ' ');
  const title = words[0]!.toUpperCase() + words.slice(1);
  return { ...details, type: `/docs/errors#${code}`, title, status, detail, code, retriable };
}

function asKitError(error: unknown): KitError | null {
  if (isKitError(error)) return error;
  const { code = '', statusCode = 500, message = '' } = (error ?? {}) as Partial<FastifyError>;
  if (statusCode < 400 || statusCode >= 500) return null;
  return new KitError(CODE_BY_FASTIFY_CODE[code] ?? 'INVALID_REQUEST', message);
}

export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const document = problemOf(error, request.id);
  // what was given up because its client has gone is no failure
  const isGivenUp = reply.raw.destroyed && error instanceof Error && error.name === 'AbortError';
  if (document.status >= 500 && !document.retriable && !isGivenUp)
    request.log.error({ err: error, url: request.url, method: request.method }, 'request failed');
  if (document.status === 503 || document.status === 504) reply.header('retry-after', retryAfterSeconds(document));
  if (document.status === 401) reply.header('www-authenticate', 'Bearer');
  return reply.code(document.status).type(PROBLEM_MEDIA_TYPE).send(JSON.stringify(document));
}

function retryAfterSeconds({ retryAfterMs }: Problem): number {
  return typeof retryAfterMs === 'number' ? Math.ceil(retryAfterMs / 1000) : 1;
}

/** The answer to bytes that are no HTTP request, where there is neither request nor reply. */
export function rawProblem(status: number): string {
  const reason = STATUS_CODES[status] ?? 'Bad Request';
  return rawAnswer(problem(status, 'INVALID_REQUEST', `The request could not be read: ${reason}.`, false, {}));
}

/** The answer to an upgrade that is refused. */
export function rawRefusal(error: KitError, headers: readonly string[] = []): string {
  const document = problemOf(error);
  return rawAnswer(document, [
    ...headers,
    ...(document.status === 401 ? ['www-authenticate: Bearer'] : []),
    ...(document.status === 503 ? [`retry-after: ${retryAfterSeconds(document)}`] : []),
  ]);
}

function rawAnswer(document: Problem, headers: readonly string[] = []): string {
  const body = JSON.stringify(document);
  return [
    `HTTP/1.1 ${document.status} ${STATUS_CODES[document.status] ?? 'Bad Request'}`,
    ...headers,
    'x-content-type-options: nosniff',
    `content-type: ${PROBLEM_MEDIA_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
    '',
    body,
  ].join('\r\n');
}
