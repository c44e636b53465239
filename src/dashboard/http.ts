/** Asking the API. What goes wrong is a `Problem`, with words for people and a code for programs (RFC 9457). */
import { signal } from '@preact/signals';

export class Problem extends Error {
  /** Of docs/errors.md; `UNREACHABLE` where there was no answer at all. */
  readonly code: string;
  /** 0: no answer. */
  readonly status: number;
  readonly retriable: boolean;
  /** The whole problem document. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: string,
    message: string,
    status: number,
    retriable: boolean,
    details: Record<string, unknown> = {},
  ) {
    super(message);
    this.code = code;
    this.status = status;
    this.retriable = retriable;
    this.details = details;
  }
}

const TOKEN_KEY = 'streamsocial.token';

/** '' where none is needed, or none is known yet. Kept for this tab only. */
export const token = signal(sessionStorage.getItem(TOKEN_KEY) ?? '');
/** The server asks for a token: the shell shows the question. */
export const tokenWanted = signal(false);

export function setToken(text: string): void {
  sessionStorage.setItem(TOKEN_KEY, text);
  token.value = text;
  tokenWanted.value = false;
}

export interface AskOptions {
  readonly signal?: AbortSignal;
  readonly headers?: Readonly<Record<string, string>>;
}

/** @throws Problem; DOMException `AbortError` when `signal` says so */
export function get<T>(path: string, options: AskOptions = {}): Promise<T> {
  return ask<T>('GET', path, undefined, options);
}

/** @throws Problem */
export function post<T>(path: string, body: unknown = {}, options: AskOptions = {}): Promise<T> {
  return ask<T>('POST', path, body, options);
}

/** @throws Problem */
export function remove<T>(path: string, options: AskOptions = {}): Promise<T> {
  return ask<T>('DELETE', path, undefined, options);
}

async function ask<T>(method: string, path: string, body: unknown, { signal, headers }: AskOptions): Promise<T> {
  const response = await fetch(path, {
    method,
    headers: {
      accept: 'application/json',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(token.peek() === '' ? {} : { authorization: `Bearer ${token.peek()}` }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  }).catch((error: unknown) => {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new Problem('UNREACHABLE', 'The server does not answer. Is it running? npm start starts it.', 0, true);
  });
  if (response.status === 401) tokenWanted.value = true;
  const isJson = /json/.test(response.headers.get('content-type') ?? '');
  const answer: unknown = isJson ? await response.json() : await response.text();
  if (response.ok) return answer as T;
  throw problemOf(response, answer);
}

function problemOf({ status, statusText }: Response, answer: unknown): Problem {
  if (typeof answer !== 'object' || answer === null)
    return new Problem('INTERNAL_ERROR', `The server answered ${status} ${statusText}.`, status, status >= 500);
  const details = answer as Record<string, unknown>;
  const { code, detail, title, retriable } = details;
  return new Problem(
    typeof code === 'string' ? code : 'INTERNAL_ERROR',
    String(detail ?? title ?? `The server answered ${status}.`),
    status,
    retriable === true,
    details,
  );
}

export function asProblem(error: unknown): Problem {
  return error instanceof Problem
    ? error
    : new Problem('INTERNAL_ERROR', error instanceof Error ? error.message : String(error), 0, false);
}
