/** The dashboard: what `bin/dashboard.mjs` has built, read once and served from memory; it needs nothing from anywhere else. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Api } from './typed.ts';

const BUILT = fileURLToPath(new URL('../../assets/dashboard', import.meta.url));
/** Where the browser's own router takes over: each view, and what is below it. */
const VIEWS = ['cluster', 'topics', 'journey', 'consumers', 'failures', 'state'];
const TYPES: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  woff2: 'font/woff2',
};
const OPEN = { config: { open: true }, schema: { hide: true } } as const;

/** No script or style but ours, nothing from elsewhere, no text that becomes markup (CSP 3, Trusted Types). */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self'",
  "font-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const NOT_BUILT = `The dashboard is not built yet.

npm start builds it; so does: npm run dashboard
Then start the server again. The HTTP API is there already: /openapi.json
`;

type Send = (request: FastifyRequest, reply: FastifyReply) => FastifyReply;

/** Answers with the page, which finds out by the address what to show. */
export function dashboardPage(): Send {
  const page = fileOf('index.html', 'text/html; charset=utf-8');
  return (request, reply) => {
    reply.header('content-security-policy', POLICY).header('cache-control', 'no-cache');
    return page === null
      ? reply.code(503).type('text/plain; charset=utf-8').send(NOT_BUILT)
      : page.send(request, reply);
  };
}

export function dashboardRoutes(app: Api, sendPage: Send): void {
  for (const url of ['/', ...VIEWS.flatMap((view) => [`/${view}`, `/${view}/*`])]) app.get(url, OPEN, sendPage);

  for (const name of assetNames()) {
    const asset = fileOf(join('assets', name), TYPES[name.split('.').at(-1)!] ?? 'application/octet-stream')!;
    // its name changes with its content
    app.get(`/assets/${name}`, OPEN, (request, reply) =>
      asset.send(request, reply.header('cache-control', 'public, max-age=31536000, immutable')),
    );
  }
}

interface ServedFile {
  readonly send: Send;
}

/** Null where it is not built. */
function fileOf(path: string, type: string): ServedFile | null {
  let content: Buffer;
  try {
    content = readFileSync(join(BUILT, path));
  } catch {
    return null;
  }
  let zipped: Buffer | null = null;
  return {
    send(request, reply) {
      reply.type(type).header('vary', 'accept-encoding');
      if (!/\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''))) return reply.send(content);
      zipped ??= gzipSync(content);
      return reply.header('content-encoding', 'gzip').send(zipped);
    },
  };
}

function assetNames(): string[] {
  try {
    return readdirSync(join(BUILT, 'assets'));
  } catch {
    return [];
  }
}
