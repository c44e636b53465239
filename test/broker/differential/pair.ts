/** The embedded broker and a Kafka of one broker, both ready for groups and idempotent producers. */
import { openBroker } from '../../../src/broker/broker.ts';
import { EmbeddedLog } from '../../../src/kit/log/embedded/embedded-log.ts';
import { startTestCluster } from '../../support/cluster.ts';
import { until } from '../../support/until.ts';
import { APIS } from '../support/requests.ts';
import { WireClient } from '../support/wire-client.ts';
import type { Message } from '../support/world.ts';
import type { Ports } from './sequence.ts';

/** As `src/cluster/server-properties.ts` has them for Kafka. */
const INITIAL_REBALANCE_DELAY_MS = 100;
const MIN_SESSION_TIMEOUT_MS = 1_000;

export interface Pair extends AsyncDisposable {
  readonly ports: Ports;
}

/** @param kafkaPort of one that runs; null starts one */
export async function openPair(kafkaPort: number | null): Promise<Pair> {
  await using opened = new AsyncDisposableStack();
  const kafka = kafkaPort ?? (await startKafka(opened));
  const log = await EmbeddedLog.open({ directory: null, initialRebalanceDelayMs: INITIAL_REBALANCE_DELAY_MS });
  opened.defer(() => log.close());
  const settings = { autoCreateTopics: false, minSessionTimeoutMs: MIN_SESSION_TIMEOUT_MS };
  const broker = await openBroker({ log, settings });
  opened.defer(() => broker.close());
  await Promise.all([broker.port, kafka].map(warmUp));
  const running = opened.move();
  return { ports: { ours: broker.port, kafka }, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

async function startKafka(opened: AsyncDisposableStack): Promise<number> {
  const cluster = await startTestCluster({ brokers: 1, redis: false });
  opened.defer(() => cluster.stop());
  return Number(cluster.bootstrap[0]!.split(':')[1]);
}

/** The first group makes Kafka create the topic of offsets. */
async function warmUp(port: number): Promise<void> {
  const client = await WireClient.connect(port);
  const ask = async (api: string, version: number, message: Message): Promise<Message> =>
    (await client.request(APIS.get(api)!, version, message)) as Message;
  const isReady = async (): Promise<boolean> => {
    await ask('FindCoordinator', 1, { key: 'warm', keyType: 0 });
    const fetched = await ask('OffsetFetch', 7, { groupId: 'warm', topics: null, requireStable: false });
    const producer = await ask('InitProducerId', 1, { transactionalId: null, transactionTimeoutMs: 1_000 });
    return fetched.errorCode === 0 && producer.errorCode === 0;
  };
  await until(isReady, { what: `a coordinator on port ${port}`, everyMs: 100 });
  await client.close();
}
