/**
 * Events from `publish` to the stored counter, whole platform in one process: batches at full speed (events applied a second),
 * then 1,000 single publishes a second (latency of the acknowledgement, of creating an event, and until the counter shows it).
 * `node benchmarks/pipeline.ts [embedded|kafka] [events]` (default embedded, 200,000). Beside it in the same run: the raw
 * appends of the same encoded records, without the platform, as a ratio.
 */
import { loadSettings } from '../src/config/settings.ts';
import { socialEventCodec } from '../src/domains/social/codec.ts';
import { partitionFor } from '../src/kit/log/partitioner.ts';
import { openPlatform } from '../src/pipelines/open-platform.ts';
import type { Platform } from '../src/pipelines/platform.ts';
import { isQuiet, logEnds } from '../src/pipelines/quiet.ts';
import { startTestCluster } from '../test/support/cluster.ts';
import { until } from '../test/support/until.ts';
import { ascending, perSecond, quantile, rate, withDirectory } from './support.ts';

const mode = process.argv[2] ?? 'embedded';
const total = Number(process.argv[3] ?? 200_000);
const BATCH = 1_000;
const IN_FLIGHT = 4;
const SINGLES = 5_000;
const SINGLES_PER_MS = 1;
const CONTENTS = 2_000;
let serial = 0;

await withDirectory(async (directory) => {
  const cluster = mode === 'kafka' ? await startTestCluster({ brokers: 3, redis: true }) : null;
  const flags = {
    dataDir: directory,
    ...(cluster === null
      ? {}
      : { log: 'kafka', bootstrap: cluster.bootstrap.join(','), redisPort: String(cluster.redis!.port) }),
  };
  const platform = await openPlatform(loadSettings({ flags, env: {} }).settings, { consume: true });
  try {
    await batches(platform, 20_000);
    const raw = await rawAppends(platform);
    const whole = await batches(platform, total);
    console.log(`${mode}: ${total} events published in batches, stored and applied exactly once: ${perSecond(whole)}`);
    console.log(`raw appends of the same records: ${perSecond(raw)}; ratio ${(whole / raw).toFixed(2)}`);
    const startedAt = performance.now();
    const ends = await logEnds(platform.log);
    await until(() => isQuiet(platform.projections, ends), { timeoutMs: 300_000 });
    console.log(`the other handlers had it ${((performance.now() - startedAt) / 1000).toFixed(1)} s later`);
    await singles(platform);
    console.log(`RSS ${Math.round(process.memoryUsage.rss() / 1024 / 1024)} MiB`);
  } finally {
    await platform.close();
    await cluster?.stop();
  }
});

function like(): Record<string, unknown> {
  serial += 1;
  const content = `post_${Math.floor(CONTENTS ** ((serial % 9973) / 9973))}`;
  return {
    event_type: 'post_liked',
    user_id: `u_${serial % 50_000}`,
    content_id: content,
    timestamp: new Date().toISOString(),
  };
}

async function batches({ publisher, applied }: Platform, count: number): Promise<number> {
  const startedAt = performance.now();
  const last = new Map<number, { topic: string; partition: number; offset: number }>();
  let sent = 0;
  const lane = async () => {
    while (sent < count) {
      sent += BATCH;
      for (const outcome of await publisher.publishMany(Array.from({ length: BATCH }, like))) {
        if (!outcome.ok) throw outcome.error;
        const known = last.get(outcome.partition);
        if (known === undefined || known.offset < outcome.offset) last.set(outcome.partition, outcome);
      }
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  for (const position of last.values()) await applied(position, 120_000);
  return rate(sent, performance.now() - startedAt);
}

async function rawAppends({ log }: Platform): Promise<number> {
  const topic = 'raw';
  const partitions = 6;
  await log.createTopics([{ name: topic, partitions }]);
  const stamp = { now: Date.now(), newId: () => `id-${serial}` };
  const byPartition = new Map<
    number,
    { key: Buffer; value: Buffer; headers: readonly (readonly [string, Buffer | null])[]; timestamp: number }[]
  >();
  const count = 50_000;
  for (let index = 0; index < count; index += 1) {
    const { key, value, headers } = socialEventCodec.encode(socialEventCodec.accept(like(), stamp));
    const partition = partitionFor(key, partitions);
    const records = byPartition.get(partition) ?? [];
    byPartition.set(partition, records);
    records.push({ key: Buffer.from(key), value, headers, timestamp: Date.now() });
  }
  const startedAt = performance.now();
  await Promise.all(
    [...byPartition].map(async ([partition, records]) => {
      for (let from = 0; from < records.length; from += BATCH)
        await log.append({ topic, partition, records: records.slice(from, from + BATCH) });
    }),
  );
  return rate(count, performance.now() - startedAt);
}

async function singles({ publisher, applied }: Platform): Promise<void> {
  const created: number[] = [];
  const acknowledged: number[] = [];
  const visible: number[] = [];
  const startedAt = performance.now();
  const under: Promise<void>[] = [];
  // a timer, not a spinning loop: the load must not take the processor from what it measures
  for (let sent = 0; sent < SINGLES; ) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    const due = Math.min(SINGLES, (performance.now() - startedAt) * SINGLES_PER_MS);
    for (; sent < due; sent += 1) under.push(one());
  }
  await Promise.all(under);
  async function one(): Promise<void> {
    const begun = performance.now();
    const event = publisher.create(like());
    created.push(performance.now() - begun);
    const position = await publisher.publish(event);
    acknowledged.push(performance.now() - begun);
    await applied(position, 10_000);
    visible.push(performance.now() - begun);
  }
  const line = (name: string, values: readonly number[]) => {
    const sorted = ascending(values);
    console.log(
      `${name}: p50 ${quantile(sorted, 0.5).toFixed(2)} ms, p99 ${quantile(sorted, 0.99).toFixed(2)} ms, worst ${sorted.at(-1)!.toFixed(2)} ms`,
    );
  };
  console.log(`single publishes at 1,000/s (${SINGLES} of them):`);
  line('  event created', created);
  line('  acknowledged', acknowledged);
  line('  visible in the projection', visible);
}
