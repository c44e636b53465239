/**
 * Who may ask. A page in somebody's browser can reach 127.0.0.1, so without a token the Host must be ours (DNS rebinding)
 * and a request that changes something must not come from another origin (cross-site posts).
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { KitError } from '../kit/errors.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Served without a token: probes, and the page that asks for one. */
    readonly open?: boolean;
  }
}

export interface SecurityOptions {
  /** What the server listens on, and may be called by. */
  readonly host: string;
  /** Null: nobody is asked for one. */
  readonly authToken: string | null;
}

const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]'];
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/** What of a request decides whether it is served. */
export interface Asked {
  readonly headers: IncomingHttpHeaders;
  /** A page of another origin must not do this in its visitor's name. */
  readonly sameOriginOnly: boolean;
  /** Served without a token. */
  readonly open: boolean;
}

/** Null: served. The codes are MISDIRECTED_REQUEST, FORBIDDEN_ORIGIN and UNAUTHORIZED. */
export type Guard = (asked: Asked) => KitError | null;

export function secure(app: FastifyInstance, guard: Guard): void {
  app.addHook('onRequest', ({ headers, method, routeOptions }, reply, done) => {
    reply.headers({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
    });
    const sameOriginOnly = !SAFE_METHODS.has(method);
    done(guard({ headers, sameOriginOnly, open: routeOptions.config.open === true }) ?? undefined);
  });
}

export function guardOf({ host: ownHost, authToken }: SecurityOptions): Guard {
  const ownNames = new Set([...LOOPBACK_NAMES, ownHost.includes(':') ? `[${ownHost}]` : ownHost.toLowerCase()]);
  const expected = authToken === null ? null : digest(`Bearer ${authToken}`);

  return ({ headers, sameOriginOnly, open }) => {
    const { host = '', origin, authorization = '' } = headers;
    if (expected === null && !ownNames.has(nameOf(host)))
      return new KitError('MISDIRECTED_REQUEST', `This server is not ${host}; call it by its own name.`);
    if (sameOriginOnly && !isSameOrigin(origin, host, headers['sec-fetch-site']))
      return new KitError('FORBIDDEN_ORIGIN', 'A page of another origin may not do this here.');
    if (expected !== null && !open && !timingSafeEqual(digest(authorization), expected))
      return new KitError(
        'UNAUTHORIZED',
        'This needs the header Authorization: Bearer, with the token of this server.',
      );
    return null;
  };
}

/** `localhost:8765` -> `localhost` */
function nameOf(host: string): string {
  return host.replace(/:\d+$/, '').toLowerCase();
}

/** Programs send neither header; browsers send at least one with every request that changes something. */
function isSameOrigin(origin: string | undefined, host: string, fetchSite: string | string[] | undefined): boolean {
  if (fetchSite === 'cross-site' || fetchSite === 'same-site') return false;
  return origin === undefined || origin === `http://${host}` || origin === `https://${host}`;
}

/** Of one length, whatever it is made from, as a comparison in constant time needs it. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
