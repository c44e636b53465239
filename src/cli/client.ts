/**
 * One way to the system for every verb: its HTTP API. When a process serves the data directory, it is asked; otherwise the same
 * API runs inside this process, over the same log, without a port.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { LoadedSettings } from '../config/settings.ts';
import { KitError } from '../kit/errors.ts';
import { apiSettings } from './api-settings.ts';
import { Progress } from './output.ts';
import { runningServer } from './running-server.ts';

export interface Request {
  readonly body?: unknown;
  /** Sent as it is, with this content type. */
  readonly raw?: { readonly contentType: string; readonly text: string };
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

export interface Client {
  /** For messages: a URL, or what was opened. */
  readonly origin: string;
  readonly local: boolean;
  /** The answer's JSON. @throws KitError with the problem's code, UNREACHABLE */
  request<T>(method: 'GET' | 'POST' | 'DELETE', path: string, request?: Request): Promise<T>;
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** @param consume whether projections have to move in a local process: where it owns the log, nobody else does it */
export async function connect(loaded: LoadedSettings, options: { readonly consume: boolean }): Promise<Client> {
  const { settings, origins } = loaded;
  const server = await runningServer(settings.dataDir);
  if (server !== null && (server.log === settings.log || origins.log.source === 'default'))
    return remoteClient(server.url, settings.authToken);

  // loaded here, as they take half of a verb's start and most verbs do without
  const [{ openPlatform }, { buildApi }] = await Promise.all([
    import('../pipelines/open-platform.ts'),
    import('../api/build-api.ts'),
  ]);
  const platform = await openPlatform(settings, { consume: options.consume });
  const api = buildApi({ platform, settings: apiSettings(settings) });
  await api.ready();
  const client: Client = {
    origin:
      settings.log === 'embedded'
        ? `the embedded log in ${settings.dataDir}`
        : `Kafka at ${settings.kafkaBootstrap.join(',')}`,
    local: true,
    async request<T>(method: 'GET' | 'POST' | 'DELETE', path: string, request: Request = {}): Promise<T> {
      const { body, headers } = prepare(request, settings.authToken);
      const answer = await api.inject({ method, url: path, headers, ...(body === undefined ? {} : { payload: body }) });
      return parse<T>({ status: answer.statusCode, text: answer.payload });
    },
    async close() {
      await api.close();
      await platform.close();
    },
  };
  // on Kafka other processes consume
  if (options.consume && settings.log === 'embedded') await untilCaughtUp(client);
  return client;
}

const CATCH_UP_POLL_MS = 20;
/** One that is paused, or that this process does not run, is not waited for. */
const STALLED_MS = 3_000;

/** What earlier processes wrote and did not live to apply belongs into this one's answers. */
async function untilCaughtUp(client: Client): Promise<void> {
  const progress = new Progress();
  let [least, leastAt] = [Number.POSITIVE_INFINITY, performance.now()];
  for (;;) {
    const answer = await client.request<{ projections: { name: string; lag: number }[] }>('GET', '/api/v1/projections');
    const behind = answer.projections.filter(({ lag }) => lag > 0);
    const left = behind.reduce((sum, { lag }) => sum + lag, 0);
    if (left < least) [least, leastAt] = [left, performance.now()];
    const isStalled = performance.now() - leastAt > STALLED_MS;
    if (left === 0 || isStalled) {
      progress.clear();
      if (isStalled && left > 0)
        process.stderr.write(
          `warning: ${behind.map(({ name }) => name).join(', ')} did not reach the log's end; the answer lacks what came last\n`,
        );
      return;
    }
    progress.update(`${left.toLocaleString('en-US')} records to apply first`);
    await delay(CATCH_UP_POLL_MS);
  }
}

export function remoteClient(url: string, authToken: string | null): Client {
  return {
    origin: url,
    local: false,
    async request<T>(method: 'GET' | 'POST' | 'DELETE', path: string, request: Request = {}): Promise<T> {
      const { body, headers } = prepare(request, authToken);
      let answer: Answer;
      try {
        const response = await fetch(`${url}${path}`, {
          method,
          headers,
          ...(body === undefined ? {} : { body }),
          signal: AbortSignal.timeout(request.timeoutMs ?? 60_000),
        });
        answer = { status: response.status, text: await response.text() };
      } catch (cause) {
        throw new KitError('UNREACHABLE', `StreamSocial at ${url} does not answer; is it running? (streamsocial up)`, {
          cause,
          retriable: true,
        });
      }
      return parse<T>(answer);
    },
    close: async () => {},
  };
}

function prepare(
  request: Request,
  authToken: string | null,
): { body: string | undefined; headers: Record<string, string> } {
  const headers: Record<string, string> = { accept: 'application/json', ...request.headers };
  if (authToken !== null) headers.authorization = `Bearer ${authToken}`;
  if (request.raw !== undefined)
    return { body: request.raw.text, headers: { ...headers, 'content-type': request.raw.contentType } };
  if (request.body === undefined) return { body: undefined, headers };
  return { body: JSON.stringify(request.body), headers: { ...headers, 'content-type': 'application/json' } };
}

interface Problem {
  readonly code?: string;
  readonly detail?: string;
  readonly title?: string;
  readonly retriable?: boolean;
}

function parse<T>(answer: Answer): T {
  let json: unknown;
  try {
    json = JSON.parse(answer.text);
  } catch (cause) {
    throw new KitError(
      'UNREACHABLE',
      `An answer that is not JSON came back (status ${answer.status}); is this StreamSocial?`,
      { cause },
    );
  }
  if (answer.status < 400) return json as T;
  const problem = json as Problem;
  throw new KitError(problem.code ?? 'FAILED', problem.detail ?? problem.title ?? `status ${answer.status}`, {
    retriable: problem.retriable ?? false,
    details: { ...(json as object), status: answer.status },
  });
}
