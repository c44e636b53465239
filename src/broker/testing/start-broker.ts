/** A broker for the tests of those who use Kafka: in this process, ready at once, without Docker or a JVM. */
import { EmbeddedLog } from '../../kit/log/embedded/embedded-log.ts';
import type { EventLog, TopicSpec } from '../../kit/log/event-log.ts';
import { openBroker } from '../broker.ts';
import type { BrokerSettings } from '../handler.ts';
import { Faults } from './faults.ts';

export type { Fault, FaultOptions, Faults } from './faults.ts';

export interface StartBrokerOptions extends Partial<BrokerSettings> {
  /** Where the log is kept. Default: in memory, gone with the broker. */
  readonly directory?: string;
  /** Default: a free one. */
  readonly port?: number;
  /** Created before the broker is given out: partitions by name, or specifications. */
  readonly topics?: Readonly<Record<string, number>> | readonly TopicSpec[];
}

export interface TestBroker extends AsyncDisposable {
  /** `host:port`, for a client's list of brokers. */
  readonly bootstrap: string;
  readonly host: string;
  readonly port: number;
  /** The same log without the network between. */
  readonly log: EventLog;
  readonly faults: Faults;
  /** Cuts every connection and closes the log. Repeated calls are harmless. */
  close(): Promise<void>;
}

/**
 * @throws KitError PORT_IN_USE, DATA_DIR_LOCKED, DATA_DIR_UNUSABLE, INVALID_TOPIC, INVALID_PARTITIONS, INVALID_CONFIG, TOPIC_EXISTS
 */
export async function startBroker(options: StartBrokerOptions = {}): Promise<TestBroker> {
  const { directory = null, port, topics = {}, ...settings } = options;
  await using opened = new AsyncDisposableStack();
  const log = opened.adopt(await EmbeddedLog.open({ directory }), (open) => open.close());
  const faults = new Faults((id) => log.store.topics().find(({ uuid }) => uuid === id)?.name);
  const broker = opened.adopt(
    await openBroker({ log, settings, around: faults.around, ...(port === undefined ? {} : { port }) }),
    (open) => open.close(),
  );
  const specs = Array.isArray(topics)
    ? topics
    : Object.entries(topics).map(([name, partitions]) => ({ name, partitions }));
  if (specs.length > 0) await log.createTopics(specs);
  const running = opened.move();
  let closed: Promise<void> | null = null;
  const close = (): Promise<void> => {
    closed ??= running.disposeAsync();
    return closed;
  };
  return {
    bootstrap: `${broker.host}:${broker.port}`,
    host: broker.host,
    port: broker.port,
    log,
    faults,
    close,
    [Symbol.asyncDispose]: close,
  };
}
