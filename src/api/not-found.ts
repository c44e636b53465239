import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { KitError } from '../kit/errors.ts';

/**
 * 404 for paths that nobody serves, 405 for those that know other methods.
 *
 * @param sendPage answers who looks with a browser, outside of the API
 */
export function notFound(
  app: FastifyInstance,
  sendPage: (request: FastifyRequest, reply: FastifyReply) => FastifyReply,
): void {
  const methodsByUrl = new Map<string, { readonly pattern: RegExp; readonly methods: Set<string> }>();

  app.addHook('onRoute', ({ url, method }) => {
    const known = methodsByUrl.get(url) ?? { pattern: patternOf(url), methods: new Set<string>() };
    methodsByUrl.set(url, known);
    for (const name of [method].flat()) known.methods.add(name);
  });

  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0]!;
    const allowed = [...methodsByUrl.values()]
      .filter(({ pattern }) => pattern.test(path))
      .flatMap(({ methods }) => [...methods]);
    if (allowed.length === 0 && isVisit(request, path)) return sendPage(request, reply.code(404));
    if (allowed.length === 0)
      throw new KitError('NOT_FOUND', `There is nothing at ${path.slice(0, 200)}; /openapi.json lists what there is.`);
    const allow = [...new Set(allowed)].sort().join(', ');
    reply.header('allow', allow);
    throw new KitError('METHOD_NOT_ALLOWED', `${path.slice(0, 200)} takes ${allow}.`);
  });
}

function isVisit({ method, headers }: FastifyRequest, path: string): boolean {
  return method === 'GET' && !/^\/(?:api|assets)\//.test(path) && /\btext\/html\b/.test(headers.accept ?? '');
}

/** `/api/v1/topics/:name` and `/a/*` as expressions; our routes have no other kinds of pieces. */
function patternOf(url: string): RegExp {
  const source = url
    .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
    .replace(/:\w+/g, '[^/]+')
    .replaceAll('*', '.+');
  return new RegExp(`^${source}$`);
}
