/**
 * Events per second of a rebuild beside the live version, up to and with the swap, next to a plain fold of the same log into
 * maps, without a store. `node benchmarks/rebuild.ts [embedded|kafka] [events]` (default embedded, 1,000,000; kafka starts
 * three brokers of its own). SQLite, and Redis where redis-server is installed.
 */
import { join } from 'node:path';
import { socialEventCodec } from '../src/domains/social/codec.ts';
import { project } from '../src/domains/social/engagement.ts';
import { CONTENT_INTERACTIONS, type SocialEvent } from '../src/domains/social/events.ts';
import { createFold } from '../src/domains/social/reconcile.ts';
import { EmbeddedLog } from '../src/kit/log/embedded/embedded-log.ts';
import type { EventLog } from '../src/kit/log/event-log.ts';
import { KafkaLog } from '../src/kit/log/kafka/kafka-log.ts';
import { EventPublisher } from '../src/kit/producers/event-publisher.ts';
import { HighVolumeProducer } from '../src/kit/producers/high-volume-producer.ts';
import { DEFAULT_WINDOW } from '../src/kit/projections/projection-store.ts';
import { rebuild } from '../src/kit/projections/replay-swap.ts';
import type { VersionedStore } from '../src/kit/projections/versioned-store.ts';
import { RedisConnection } from '../src/kit/stores/redis.ts';
import { redisVersions, sqliteVersions } from '../src/pipelines/open-stores.ts';
import { GivenUp } from '../src/pipelines/rebuild-set-aside.ts';
import { ends } from '../src/pipelines/reconciliation.ts';
import { recordsOf } from '../src/pipelines/records-of.ts';
import { startTestCluster } from '../test/support/cluster.ts';
import { launchRedis } from '../test/support/redis.ts';
import { missing } from '../test/support/requirements.ts';
import { perSecond, rate, withDirectory } from './support.ts';

const mode = process.argv[2] ?? 'embedded';
const total = Number(process.argv[3] ?? 1_000_000);
const PARTITIONS = 6;
const BATCH = 5_000;

async function fill(log: EventLog): Promise<void> {
  const producer = new HighVolumeProducer({ log });
  const publisher = new EventPublisher<SocialEvent>({ codec: socialEventCodec, producer });
  for (let sent = 0; sent < total; sent += BATCH) {
    const outcomes = await publisher.publishMany(
      Array.from({ length: Math.min(BATCH, total - sent) }, (_, index) => ({
        event_type: 'post_liked',
        user_id: `u_${(sent + index) % 100_000}`,
        content_id: `post_${((sent + index) * 7_919) % 20_011}`,
        timestamp: new Date().toISOString(),
      })),
    );
    if (outcomes.some(({ ok }) => !ok)) throw new Error('an event was refused');
  }
  await producer.close();
}

async function plainFold(log: EventLog): Promise<number> {
  const startedAt = performance.now();
  const fold = createFold(socialEventCodec.decode);
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const place = { topic: CONTENT_INTERACTIONS, partition };
    for await (const records of recordsOf(log, place)) records.forEach(fold.add);
    fold.endPartition(place);
  }
  return rate(total, performance.now() - startedAt);
}

/** A live version at the end of the log, without documents: the rebuild has everything to do. */
async function rebuilt(log: EventLog, store: VersionedStore): Promise<number> {
  const latest = await ends(log, CONTENT_INTERACTIONS, PARTITIONS, 'latest');
  for (const [partition, next] of latest.entries()) {
    const place = { topic: CONTENT_INTERACTIONS, partition };
    const { epoch } = await store.claim(place);
    await store.apply({ ...place, epoch, expect: null, next, effects: [], park: [], unpark: [], dead: 0, now: 0 });
  }
  const startedAt = performance.now();
  const { swapped, folded } = await rebuild({
    store,
    source: { log, codec: socialEventCodec, project },
    setAside: new GivenUp(log, { group: 'bench', topics: [CONTENT_INTERACTIONS] }),
    where: 'beside',
    compare: false,
    swap: true,
    keep: false,
    signal: new AbortController().signal,
  });
  if (!swapped || folded !== total) throw new Error(`${folded} folded, swapped: ${swapped}`);
  return rate(total, performance.now() - startedAt);
}

function report(name: string, speed: number, peer: number): void {
  const seconds = (1_000_000 / speed).toFixed(1);
  console.log(
    `${name.padEnd(28)} ${perSecond(speed).padStart(10)}, ${(speed / peer).toFixed(2)} of the plain fold; a million in ${seconds} s`,
  );
}

await withDirectory(async (directory) => {
  const cluster = mode === 'kafka' ? await startTestCluster({ brokers: 3, redis: false }) : null;
  const log: EventLog =
    cluster === null
      ? await EmbeddedLog.open({ directory: join(directory, 'log') })
      : await KafkaLog.connect({ bootstrap: cluster.bootstrap, clientId: 'bench' });
  try {
    const replicas = cluster === null ? {} : { replicationFactor: 3 };
    await log.createTopics([{ name: CONTENT_INTERACTIONS, partitions: PARTITIONS, ...replicas }]);
    await fill(log);
    const peer = await plainFold(log);
    console.log(`${total.toLocaleString('en-US')} events on ${log.kind}; plain fold ${perSecond(peer)}`);
    const sqlite = sqliteVersions('bench', directory, DEFAULT_WINDOW);
    report(`${log.kind}, SQLite`, await rebuilt(log, sqlite), peer);
    await sqlite.close();
    if (missing('redis-server') !== undefined) return;
    const server = await launchRedis();
    const redis = await RedisConnection.open({ host: server.host, port: server.port });
    try {
      report(`${log.kind}, Redis`, await rebuilt(log, redisVersions('bench', redis, DEFAULT_WINDOW)), peer);
    } finally {
      await redis.close();
      await server.stop();
    }
  } finally {
    await log.close();
    await cluster?.stop();
  }
});
