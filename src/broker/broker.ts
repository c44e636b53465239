/**
 * The embedded log as a one-broker Kafka: any client of Kafka's protocol connects to it. Groups are shared with members in
 * this process, and what is produced here and there is one log.
 */
import { type Clock, systemClock } from '../kit/clock.ts';
import type { EmbeddedLog } from '../kit/log/embedded/embedded-log.ts';
import type { Broker, BrokerSettings } from './handler.ts';
import { HANDLERS } from './handlers.ts';
import { type BrokerLimits, DEFAULT_LIMITS } from './limits.ts';
import { type Around, Requests } from './requests.ts';
import { type BrokerLogger, BrokerServer } from './server.ts';

export interface BrokerOptions {
  readonly log: EmbeddedLog;
  /** 0, the default, takes a free one. */
  readonly port?: number;
  readonly settings?: Partial<BrokerSettings>;
  readonly limits?: Partial<BrokerLimits>;
  readonly logger?: BrokerLogger;
  readonly clock?: Clock;
  /** Stands between every request and its handler. */
  readonly around?: Around;
}

export interface RunningBroker {
  readonly host: string;
  readonly port: number;
  readonly openConnections: number;
  /** Bytes of requests under way and of responses that clients have not taken. */
  readonly heldBytes: number;
  /** Connections are cut; the log stays open. */
  close(): Promise<void>;
}

/** Without authentication there is no other place to listen. */
const HOST = '127.0.0.1';
const DEFAULT_SETTINGS: BrokerSettings = { autoCreateTopics: true, defaultPartitions: 1, minSessionTimeoutMs: 6_000 };
const MIN_FETCH_BYTES = 64 * 1024;
/** Of the memory for what clients have yet to take, one fetch gets at most this share of what is free. */
const FETCH_SHARE = 4;

const SILENT: BrokerLogger = { warn() {}, error() {} };

/** @throws KitError PORT_IN_USE */
export async function openBroker(options: BrokerOptions): Promise<RunningBroker> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const { store, coordinator } = options.log;
  let port = options.port ?? 0;
  const broker: Broker = {
    store,
    coordinator,
    clock: options.clock ?? systemClock,
    host: HOST,
    get port() {
      return port;
    },
    settings: { ...DEFAULT_SETTINGS, ...options.settings },
    fetchBytes: () =>
      Math.max(MIN_FETCH_BYTES, Math.min(limits.maxFetchBytes, Math.floor(server.unsent.free / FETCH_SHARE))),
  };
  const requests = new Requests(HANDLERS, broker, options.around);
  const answer: typeof requests.answer = (frame, asking) => requests.answer(frame, asking);
  const server = new BrokerServer({ answer, limits, logger: options.logger ?? SILENT });
  port = await server.listen(HOST, port);
  options.log.announce({ host: HOST, port });
  return {
    host: HOST,
    port,
    get openConnections() {
      return server.openConnections;
    },
    get heldBytes() {
      return server.received.taken + server.unsent.taken;
    },
    async close() {
      options.log.announce(null);
      await server.close();
    },
  };
}
