/**
 * `WS /api/v1/stream`: the events of a topic, a user or a content as they happen, from a position on. Who may not connect is
 * answered in plain HTTP, before the upgrade.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { Counter, Gauge, type Registry } from 'prom-client';
import { type ServerOptions, WebSocketServer } from 'ws';
import { isKitError, KitError } from '../kit/errors.ts';
import type { EventLog } from '../kit/log/event-log.ts';
import type { Closing } from './closing.ts';
import { rawRefusal } from './problems.ts';
import { problems } from './schemas.ts';
import type { Guard } from './security.ts';
import { StreamFeed } from './stream-feed.ts';
import { STREAM_LIMITS, type StreamLimits } from './stream-limits.ts';
import { MAX_MESSAGE_BYTES, SUBPROTOCOL } from './stream-protocol.ts';
import { CLOSE_CODES, StreamSession, type StreamSources, type StreamTotals } from './stream-session.ts';
import type { Api } from './typed.ts';

const PATH = '/api/v1/stream';
/** A browser cannot set headers on a WebSocket; it can offer subprotocols. The token as base64url follows. */
const BEARER_PROTOCOL = 'bearer.';
/** For the peer's answer to a close; then the connection is cut. */
const CLOSE_TIMEOUT_MS = 1_000;
const MAX_FRAGMENTS = 64;

/** For the server's options: other upgrades, as curl's to HTTP/2, are requests like any other. */
export function isStreamUpgrade({ url = '', headers }: IncomingMessage): boolean {
  return url.split('?', 1)[0] === PATH && headers.upgrade?.toLowerCase() === 'websocket';
}

export interface StreamServerOptions {
  readonly log: EventLog;
  readonly notifications: StreamSources['notifications'];
  readonly pulse: StreamSources['pulse'];
  readonly guard: Guard;
  readonly closing: Closing;
  readonly registry: Registry;
  readonly limits?: Partial<StreamLimits>;
}

/** Call it outside the routes' scope; `streamRoute` is what the documents tell of it. */
export function serveStreams(app: FastifyInstance, options: StreamServerOptions): void {
  const server = new StreamServer(options);
  app.server.on('upgrade', (request, socket, head) => server.upgrade(request, socket, head));
  app.addHook('preClose', (done) => {
    server.close();
    done();
  });
}

export function streamRoute(app: Api): void {
  app.get(
    PATH,
    {
      schema: {
        tags: ['events'],
        summary: 'Subscribe to events over a WebSocket',
        description:
          'With `Upgrade: websocket` and the subprotocol `streamsocial.v1`; a browser adds `bearer.` and the token in base64url as another. /asyncapi.json has the messages.',
        response: {
          101: { description: 'Switched to the WebSocket protocol.' },
          ...problems('FORBIDDEN_ORIGIN', 'UPGRADE_REQUIRED', 'INVALID_REQUEST', 'TOO_MANY_STREAMS'),
        },
      },
    },
    async (_request, reply) => {
      reply.headers({ upgrade: 'websocket', connection: 'upgrade' });
      throw new KitError(
        'UPGRADE_REQUIRED',
        'This is a WebSocket: connect with ws:// and the subprotocol streamsocial.v1.',
      );
    },
  );
}

class StreamServer {
  readonly #guard: Guard;
  readonly #closing: Closing;
  readonly #limits: StreamLimits;
  readonly #sources: StreamSources;
  readonly #sessions = new Set<StreamSession>();
  readonly #totals: StreamTotals = { waitingBytes: 0, events: 0, frames: 0, shed: 0 };
  readonly #sockets: WebSocketServer;
  readonly #timers: NodeJS.Timeout[];

  constructor({ log, notifications, pulse, guard, closing, registry, limits }: StreamServerOptions) {
    this.#guard = guard;
    this.#closing = closing;
    this.#limits = { ...STREAM_LIMITS, ...limits };
    this.#sources = { feed: new StreamFeed(log, this.#limits), notifications, pulse };
    const options: ServerOptions & { closeTimeout: number; maxFragments: number } = {
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: MAX_MESSAGE_BYTES,
      maxFragments: MAX_FRAGMENTS,
      closeTimeout: CLOSE_TIMEOUT_MS,
      // never the one with the token
      handleProtocols: (offered) => offered.has(SUBPROTOCOL) && SUBPROTOCOL,
    };
    this.#sockets = new WebSocketServer(options);
    this.#sockets.on('wsClientError', (error, socket) =>
      refuse(socket, new KitError('INVALID_REQUEST', `This is no handshake of a WebSocket: ${error.message}.`), [
        'sec-websocket-version: 13',
      ]),
    );
    this.#timers = [
      setInterval(() => this.#tick(), this.#limits.tickMs).unref(),
      setInterval(() => void this.#takeUpPartitions(), this.#limits.describeMs).unref(),
    ];
    this.#measure(registry);
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const refusal = this.#refusal(request);
    if (refusal !== null) {
      refuse(socket, refusal);
      return;
    }
    this.#sockets.handleUpgrade(request, socket, head, (opened) => {
      const session = new StreamSession(opened, this.#sources, this.#limits, this.#totals);
      this.#sessions.add(session);
      opened.on('close', () => this.#sessions.delete(session));
    });
  }

  /** Clients are told to come back; those that do not answer are cut off. */
  close(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#sources.feed.close();
    for (const session of this.#sessions) session.close(CLOSE_CODES.goingAway, 'the server is stopping');
  }

  #refusal(request: IncomingMessage): KitError | null {
    if (!isStreamUpgrade(request)) return new KitError('NOT_FOUND', `The only WebSocket here is ${PATH}.`);
    if (this.#closing.signal.aborted)
      return new KitError('SHUTTING_DOWN', 'This server is shutting down.', { retriable: true });
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
    const { authorization = bearerIn(offered), ...others } = request.headers;
    const headers = { ...others, ...(authorization === undefined ? {} : { authorization }) };
    const refusal = this.#guard({ headers, sameOriginOnly: true, open: false });
    if (refusal !== null) return refusal;
    if (offered.some((name) => name !== '') && !offered.includes(SUBPROTOCOL))
      return new KitError('INVALID_REQUEST', `Of the subprotocols only ${SUBPROTOCOL} is spoken here.`);
    if (this.#sessions.size >= this.#limits.maxConnections)
      return new KitError(
        'TOO_MANY_STREAMS',
        `${this.#sessions.size} clients are connected; that is all this server takes.`,
        {
          retriable: true,
          details: { retryAfterMs: 5_000 },
        },
      );
    return null;
  }

  #tick(): void {
    const nowMs = performance.now();
    for (const session of this.#sessions) session.tick(nowMs);
  }

  /** What cannot be asked now is asked the next time. */
  async #takeUpPartitions(): Promise<void> {
    const subscriptions = [...this.#sessions].flatMap((session) => [...session.subscriptions]);
    const topics = [...new Set(subscriptions.flatMap((subscription) => subscription.topics))];
    if (topics.length === 0) return;
    // one by one: a topic that was deleted under its tail is in nobody else's way
    for (const topic of topics) {
      try {
        await this.#sources.feed.describe([topic]);
      } catch (error) {
        if (!isKitError(error)) throw error;
      }
    }
    for (const subscription of subscriptions) subscription.grow(this.#sources.feed.partitions(subscription.topics));
  }

  #measure(registry: Registry): void {
    const registers = [registry];
    const totals = this.#totals;
    const [sessions, tail] = [this.#sessions, this.#sources.feed.tail];
    const gauge = (name: string, help: string, read: () => number) =>
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(read());
        },
      });
    const counter = (name: string, help: string, read: () => number) =>
      new Counter({
        name,
        help,
        registers,
        collect() {
          this.reset();
          this.inc(read());
        },
      });
    gauge('streamsocial_stream_connections', 'WebSocket clients that are connected.', () => sessions.size);
    gauge('streamsocial_stream_waiting_bytes', 'What waits to be sent to them.', () => totals.waitingBytes);
    gauge('streamsocial_stream_partition_readers', 'Partitions that are read for all of them.', () => tail.readers);
    counter('streamsocial_stream_events_total', 'Events sent to WebSocket clients.', () => totals.events);
    counter('streamsocial_stream_shed_total', 'WebSocket clients that were too slow.', () => totals.shed);
  }
}

function refuse(socket: Duplex, refusal: KitError, headers: readonly string[] = []): void {
  socket.on('error', () => socket.destroy());
  socket.once('finish', () => socket.destroy());
  socket.end(rawRefusal(refusal, headers));
}

function bearerIn(protocols: readonly string[]): string | undefined {
  const offered = protocols.find((name) => name.startsWith(BEARER_PROTOCOL));
  return offered === undefined
    ? undefined
    : `Bearer ${Buffer.from(offered.slice(BEARER_PROTOCOL.length), 'base64url').toString()}`;
}
