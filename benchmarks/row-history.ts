/**
 * How long a slider over the log waits for a row: the first look at its history, and then any other time, for rows that events
 * mention and for one that every event changes; beside decoding the whole log once. Nothing else runs.
 * `node benchmarks/row-history.ts [embedded|kafka] [events]` (default embedded, 730,000; kafka starts a broker of its own).
 */
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { DAY, slotAt } from '../src/domains/social/analytics.ts';
import { socialEventCodec } from '../src/domains/social/codec.ts';
import { mentionedIdOf } from '../src/domains/social/documents.ts';
import type { SocialEvent } from '../src/domains/social/events.ts';
import { socialTopicSpecs } from '../src/domains/social/topics.ts';
import { generateTraffic } from '../src/domains/social/traffic.ts';
import { SILENT } from '../src/kit/consumers/consumer-options.ts';
import { EmbeddedLog } from '../src/kit/log/embedded/embedded-log.ts';
import type { EventLog } from '../src/kit/log/event-log.ts';
import { KafkaLog } from '../src/kit/log/kafka/kafka-log.ts';
import { EventPublisher } from '../src/kit/producers/event-publisher.ts';
import { HighVolumeProducer } from '../src/kit/producers/high-volume-producer.ts';
import { DEFAULT_WINDOW } from '../src/kit/projections/projection-store.ts';
import { FoldTurns } from '../src/pipelines/fold-turns.ts';
import { Histories } from '../src/pipelines/histories.ts';
import { LogRanges } from '../src/pipelines/log-range.ts';
import { type ProjectionStores, sqliteVersions } from '../src/pipelines/open-stores.ts';
import { PROJECTION_NAMES, type ProjectionName } from '../src/pipelines/projection.ts';
import { reactions } from '../src/pipelines/reactions.ts';
import { recordsOf } from '../src/pipelines/records-of.ts';
import { socialProjections } from '../src/pipelines/social-projections.ts';
import { STATE_AT_LIMITS, StateAt } from '../src/pipelines/state-at.ts';
import { startTestCluster } from '../test/support/cluster.ts';
import { ascending, perSecond, quantile, rate, withDirectory } from './support.ts';

const mode = process.argv[2] ?? 'embedded';
const total = Number(process.argv[3] ?? 730_000);
const BATCH = 5_000;
const POSITIONS = 30;
const now = Date.UTC(2026, 4, 27, 12);
const ROWS: readonly (readonly [ProjectionName, string])[] = [
  ['engagement', 'post_1'],
  ['feed', 'timeline/u_207'],
  ['notifications', 'inbox/u_207'],
  ['notifications', 'inbox/u_0'],
  ['analytics', `day/${slotAt(now, DAY).slot}`],
];
const never = new AbortController().signal;

async function fill(log: EventLog): Promise<void> {
  const producer = new HighVolumeProducer({ log });
  const publisher = new EventPublisher<SocialEvent>({ codec: socialEventCodec, producer });
  let batch: object[] = [];
  const flush = async (): Promise<void> => {
    const outcomes = await publisher.publishMany(batch);
    if (outcomes.some(({ ok }) => !ok)) throw new Error('an event was refused');
    batch = [];
  };
  for (const item of generateTraffic({ seed: 7, events: total, now, poisonShare: 0, flakyShare: 0 })) {
    if (item.kind === 'poison') continue;
    batch.push(item.input);
    if (batch.length === BATCH) await flush();
  }
  await flush();
  await producer.close();
}

async function decodeAll(log: EventLog): Promise<number> {
  const startedAt = performance.now();
  for (const { name: topic, partitions } of (await log.describe()).topics) {
    for (const { partition } of partitions) {
      for await (const records of recordsOf(log, { topic, partition }))
        for (const record of records) socialEventCodec.decode(record);
    }
  }
  return performance.now() - startedAt;
}

async function measure(log: EventLog, directory: string): Promise<void> {
  const stores = Object.fromEntries(
    PROJECTION_NAMES.map((name) => [name, sqliteVersions(name, directory, DEFAULT_WINDOW)]),
  ) as unknown as ProjectionStores;
  const { engagement, activity } = socialProjections(stores, 'bench');
  const projections = [engagement, activity, ...reactions(stores, 'bench')];
  const parts = { log, codec: socialEventCodec, projections, logger: SILENT, window: DEFAULT_WINDOW, madeBy: 'bench' };
  const folds = { ...parts, turns: new FoldTurns(STATE_AT_LIMITS) };
  const past = new StateAt({ ...folds, dataDir: directory });
  const limits = { timeoutMs: 600_000, settledMs: 0 };
  const histories = new Histories({ ...folds, mentionedIdOf, past, limits });
  const topics = (await log.describe()).topics.map(({ name }) => name);
  const { first, last } = await new LogRanges(log).range({ topics, buckets: 10 }, never);
  const loop = monitorEventLoopDelay({ resolution: 2 });
  loop.enable();
  for (const [name, key] of ROWS) {
    loop.reset();
    const startedAt = performance.now();
    const { total: changes } = await histories.changes(name, key, { until: Date.now() + 1, max: 50 }, never);
    const firstMs = performance.now() - startedAt;
    const delay = loop.percentile(99) / 1e6;
    const waits: number[] = [];
    for (let index = 1; index <= POSITIONS; index++) {
      // to and fro
      const at = first! + Math.floor(((index * 0.618) % 1) * (last! - first!));
      const askedAt = performance.now();
      await histories.documentAt(name, key, at, never);
      waits.push(performance.now() - askedAt);
    }
    const sorted = ascending(waits);
    const memory = Math.round(process.memoryUsage.rss() / 1024 / 1024);
    console.log(
      `${`${name} ${key}`.padEnd(28)} ${changes.toLocaleString('en-US').padStart(8)} changes: first look ${(firstMs / 1_000).toFixed(1)} s, then median ${quantile(sorted, 0.5).toFixed(0)} ms, worst ${sorted.at(-1)!.toFixed(0)} ms; event loop p99 ${delay.toFixed(1)} ms, resident ${memory} MiB`,
    );
  }
  await histories.close();
  await past.close();
  for (const store of Object.values(stores)) await store.close();
}

await withDirectory(async (directory) => {
  const cluster = mode === 'kafka' ? await startTestCluster({ brokers: 1, redis: false }) : null;
  const log: EventLog =
    cluster === null
      ? await EmbeddedLog.open({ directory: join(directory, 'log') })
      : await KafkaLog.connect({ bootstrap: cluster.bootstrap, clientId: 'bench' });
  try {
    await log.createTopics(socialTopicSpecs());
    await fill(log);
    const peerMs = await decodeAll(log);
    console.log(
      `${total.toLocaleString('en-US')} events on ${log.kind}; decoding them all ${(peerMs / 1_000).toFixed(1)} s (${perSecond(rate(total, peerMs))})`,
    );
    await measure(log, directory);
  } finally {
    await log.close();
    await cluster?.stop();
  }
});
