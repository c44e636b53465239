/** What routes that answer from the past share. */
import type { FastifyReply } from 'fastify';
import { KitError } from '../kit/errors.ts';
import { epochMs } from '../kit/schemas/formats.ts';
import type { Closing } from './closing.ts';

export const PAST_PROBLEMS = ['TOO_MANY_FOLDS', 'FOLD_TOO_LONG', 'LOG_UNAVAILABLE'] as const;

/** @throws KitError INVALID_ARGUMENT */
export function momentOf(text: string, what: string): number {
  const time = epochMs(text);
  if (Number.isNaN(time)) throw new KitError('INVALID_ARGUMENT', `${what}: must be a time as in RFC 3339`);
  return time;
}

/** Aborted when the client has gone before its answer, or the server closes. */
export function whileAsked(reply: FastifyReply, closing: Closing): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort();
  });
  return AbortSignal.any([gone.signal, closing.signal]);
}
