/**
 * The log itself, for the verbs that Kafka's own tools have counterparts of: always by Kafka's protocol, so that one code
 * serves a cluster that is named, a running embedded log (through its broker's port), and one that nobody runs, which is
 * opened in this process meanwhile.
 */
import { join } from 'node:path';
import type { LoadedSettings } from '../config/settings.ts';
import { KitError } from '../kit/errors.ts';
import type { EventLog } from '../kit/log/event-log.ts';
import type { LogAdmin } from '../kit/log/log-admin.ts';
import { runningServer } from './running-server.ts';

export interface LogAccess {
  readonly log: EventLog;
  readonly admin: LogAdmin;
  /** `host:port` of where the brokers are looked for. */
  readonly bootstrap: readonly string[];
  /** For messages. */
  readonly origin: string;
}

const CLIENT_ID = 'streamsocial-cli';

/** Loaded when the log is opened: a wrong flag and --help do without. */
export function kafkaModules() {
  return Promise.all([import('../kit/log/kafka/kafka-log.ts'), import('../kit/log/kafka/kafka-admin.ts')]);
}

/** @throws KitError UNREACHABLE, LOG_UNAVAILABLE, DATA_DIR_LOCKED, BROKER_OFF */
export async function withLog<T>(loaded: LoadedSettings, use: (access: LogAccess) => Promise<T>): Promise<T> {
  const [{ KafkaLog }, { KafkaAdmin }] = await kafkaModules();
  await using opened = new AsyncDisposableStack();
  const { bootstrap, origin } = await findLog(loaded, opened);
  const log = opened.adopt(await KafkaLog.connect({ bootstrap, clientId: CLIENT_ID }), (open) => open.close());
  const admin = opened.adopt(new KafkaAdmin({ bootstrap, clientId: CLIENT_ID }), (open) => open.close());
  return await use({ log, admin, bootstrap, origin });
}

async function findLog(
  { settings, origins }: LoadedSettings,
  opened: AsyncDisposableStack,
): Promise<Pick<LogAccess, 'bootstrap' | 'origin'>> {
  const { dataDir, kafkaBootstrap: bootstrap } = settings;
  const kafka = { bootstrap, origin: `Kafka at ${bootstrap.join(',')}` };
  // brokers named on the command line are meant, whatever the settings say of the platform's own log
  if (origins.kafkaBootstrap.source === 'flag') return kafka;
  const server = await runningServer(dataDir);
  const isServed = server !== null && (server.log === settings.log || origins.log.source === 'default');
  if (isServed && server.log === 'embedded') {
    if (server.broker === null)
      throw new KitError(
        'BROKER_OFF',
        `${server.url} has its log closed to other processes; start it with --broker-port`,
      );
    return { bootstrap: [server.broker], origin: `the embedded log at ${server.broker}` };
  }
  if (settings.log === 'kafka' || isServed) return kafka;
  const [{ EmbeddedLog }, { openBroker }] = await Promise.all([
    import('../kit/log/embedded/embedded-log.ts'),
    import('../broker/broker.ts'),
  ]);
  const log = opened.adopt(await EmbeddedLog.open({ directory: join(dataDir, 'log') }), (open) => open.close());
  const broker = opened.adopt(await openBroker({ log, settings: { autoCreateTopics: false } }), (open) => open.close());
  return { bootstrap: [`${broker.host}:${broker.port}`], origin: `the embedded log in ${dataDir}` };
}
