/**
 * Each handler by itself over the same backlog: events a second from the log into its projection, effects exactly once. The
 * peer in the same run is a member of the same kind that only receives the records.
 * `node benchmarks/handlers.ts [kafka|embedded] [events] [handler ...]` (default kafka, 300,000, all of them).
 */
import { join } from 'node:path';
import { socialEventCodec } from '../src/domains/social/codec.ts';
import { socialTopicSpecs } from '../src/domains/social/topics.ts';
import { generateTraffic } from '../src/domains/social/traffic.ts';
import { DeadLetterQueue } from '../src/kit/dlq/dead-letter-queue.ts';
import { EmbeddedLog } from '../src/kit/log/embedded/embedded-log.ts';
import type { EventLog } from '../src/kit/log/event-log.ts';
import { KafkaLog } from '../src/kit/log/kafka/kafka-log.ts';
import { EventPublisher } from '../src/kit/producers/event-publisher.ts';
import { HighVolumeProducer } from '../src/kit/producers/high-volume-producer.ts';
import { SqliteProjectionStore } from '../src/kit/projections/embedded/sqlite-store.ts';
import type { ProjectionStore } from '../src/kit/projections/projection-store.ts';
import { RedisProjectionStore } from '../src/kit/projections/redis/redis-store.ts';
import type { ProjectionStores } from '../src/pipelines/open-stores.ts';
import { PROJECTION_NAMES, type ProjectionName, runProjection } from '../src/pipelines/projection.ts';
import { logEnds } from '../src/pipelines/quiet.ts';
import { reactions } from '../src/pipelines/reactions.ts';
import { socialProjections } from '../src/pipelines/social-projections.ts';
import { startTestCluster } from '../test/support/cluster.ts';
import { perSecond, rate, withDirectory } from './support.ts';

const mode = process.argv[2] ?? 'kafka';
const total = Number(process.argv[3] ?? 300_000);
const wanted = process.argv.length > 4 ? process.argv.slice(4) : [...PROJECTION_NAMES];
const BATCH = 1_000;
const TIMEOUT_MS = 300_000;

await withDirectory(async (directory) => {
  const cluster = mode === 'kafka' ? await startTestCluster({ brokers: 3, redis: true }) : null;
  const log: EventLog =
    cluster === null
      ? await EmbeddedLog.open({ directory: join(directory, 'log') })
      : await KafkaLog.connect({ bootstrap: cluster.bootstrap });
  const store = (name: ProjectionName): Promise<ProjectionStore> =>
    cluster === null
      ? SqliteProjectionStore.open({ path: join(directory, `${name}.db`), name })
      : RedisProjectionStore.open({ ...cluster.redis!, name });
  try {
    await log.createTopics(socialTopicSpecs('local', cluster === null ? 1 : 3));
    await fill(log);
    const opened = await Promise.all(PROJECTION_NAMES.map(async (name) => [name, await store(name)] as const));
    const stores = Object.fromEntries(opened) as ProjectionStores;
    const all = [...Object.values(socialProjections(stores, 'bench')), ...reactions(stores, 'bench')];
    const producer = new HighVolumeProducer({ log });
    const deadLetters = new DeadLetterQueue({ log, sender: producer });
    for (const projection of all.filter(({ name }) => wanted.includes(name))) {
      const count = await recordsIn(log, projection.topics);
      const received = await receive(log, projection.topics, count);
      const startedAt = performance.now();
      const consumer = await runProjection(
        { log, deadLetters, codec: socialEventCodec, failures: new Map() },
        projection,
      );
      await consumer.caughtUp(TIMEOUT_MS);
      const speed = rate(count, performance.now() - startedAt);
      await consumer.stop();
      const ratio = (speed / received).toFixed(2);
      console.log(
        `${mode}, ${projection.name}: ${count} events at ${perSecond(speed)}; only received: ${perSecond(received)}; ratio ${ratio}`,
      );
    }
    await producer.close();
    for (const [, open] of opened) await open.close();
  } finally {
    await log.close();
    await cluster?.stop();
  }
});

async function fill(log: EventLog): Promise<void> {
  const producer = new HighVolumeProducer({ log });
  const publisher = new EventPublisher({ codec: socialEventCodec, producer });
  let batch: Readonly<Record<string, unknown>>[] = [];
  const send = async () => {
    for (const outcome of await publisher.publishMany(batch)) if (!outcome.ok) throw outcome.error;
    batch = [];
  };
  for (const item of generateTraffic({ seed: 7, events: total, now: Date.now(), poisonShare: 0, flakyShare: 0 })) {
    if (item.kind === 'event') batch.push(item.input);
    if (batch.length === BATCH) await send();
  }
  await send();
  await producer.close();
}

async function recordsIn(log: EventLog, topics: readonly string[]): Promise<number> {
  const latest = await logEnds(log);
  return topics.reduce((sum, topic) => sum + (latest.get(topic) ?? []).reduce((all, end) => all + end, 0), 0);
}

/** Joins as a group of its own and takes every record, from the first to the last. */
async function receive(log: EventLog, topics: readonly string[], count: number): Promise<number> {
  const startedAt = performance.now();
  const done = Promise.withResolvers<void>();
  let received = 0;
  const member = await log.group(`bench-receive-${topics.join('.')}-${startedAt}`).join({
    topics,
    onAssigned: async () => [],
    onRecords: async ({ records }) => {
      received += records.length;
      if (received >= count) done.resolve();
    },
    onRevoked: async () => {},
  });
  await done.promise;
  const speed = rate(count, performance.now() - startedAt);
  await member.leave();
  return speed;
}
