/**
 * What watching costs, embedded, as processor time of this process: a record's end-to-end latency, and the pulse, watched and
 * not, while all handlers are under load and while nothing happens. `node benchmarks/pulse.ts [events] [seconds]`.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { loadSettings } from '../src/config/settings.ts';
import { Published } from '../src/kit/consumers/consumer-metrics.ts';
import { RecentHistogram } from '../src/kit/monitoring/recent-histogram.ts';
import { openPlatform } from '../src/pipelines/open-platform.ts';
import type { Platform } from '../src/pipelines/platform.ts';
import type { Pulse } from '../src/pipelines/pulse/pulse.ts';
import { perSecond, rate, withDirectory } from './support.ts';

const total = Number(process.argv[2] ?? 100_000);
const seconds = Number(process.argv[3] ?? 10);
const SETTLE_MS = 1_000;
const CHUNK = 1_000;
const RECORDS = 20_000_000;
const BATCH = 1_000;

for (const runLength of [1, 10, 100])
  console.log(`end to end, ${runLength} records a millisecond: ${recordNs(runLength)} ns a record`);

await withDirectory(async (directory) => {
  const platform = await openPlatform(loadSettings({ flags: { dataDir: directory }, env: {} }).settings, {
    consume: true,
  });
  try {
    await publish(platform, 20_000);
    const states = [
      ['unwatched', () => () => {}],
      ['watched', () => platform.pulse.watch((sample) => void JSON.stringify(sample))],
    ] as const;
    for (const [name, watch] of states) {
      const end = watch();
      const { perSecond: speed, cpuUs } = await load(platform);
      console.log(`${name}, under load: ${perSecond(speed)}; ${cpuUs.toFixed(1)} µs of processor an event`);
      console.log(`${name}, idle: ${(await idleMs()).toFixed(1)} ms of processor a second`);
      end();
    }
    (platform.pulse as Pulse).close();
    const { perSecond: speed, cpuUs } = await load(platform);
    console.log(`without a pulse, under load: ${perSecond(speed)}; ${cpuUs.toFixed(1)} µs of processor an event`);
    console.log(`without a pulse, idle: ${(await idleMs()).toFixed(1)} ms of processor a second`);
  } finally {
    await platform.close();
  }
});

/** As chunks do: the time of each effect's record, and all of them into the histogram when the chunk is stored. */
function recordNs(runLength: number): string {
  const histogram = new RecentHistogram();
  const wall = Date.now();
  const begun = process.cpuUsage();
  for (let done = 0; done < RECORDS; done += CHUNK) {
    const published = new Published();
    for (let index = 0; index < CHUNK; index += 1) published.add(wall - 500 + Math.floor(index / runLength));
    published.ages(wall, histogram, performance.now());
  }
  return ((cpuUs(begun) * 1000) / RECORDS).toFixed(1);
}

function cpuUs(begun: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(begun);
  return user + system;
}

async function load(platform: Platform): Promise<{ perSecond: number; cpuUs: number }> {
  const begun = process.cpuUsage();
  const startedAt = performance.now();
  await publish(platform, total);
  return { perSecond: rate(total, performance.now() - startedAt), cpuUs: cpuUs(begun) / total };
}

async function idleMs(): Promise<number> {
  await delay(SETTLE_MS);
  const begun = process.cpuUsage();
  await delay(seconds * 1_000);
  return cpuUs(begun) / 1_000 / seconds;
}

async function publish({ publisher, applied }: Platform, count: number): Promise<void> {
  const last = new Map<number, { topic: string; partition: number; offset: number }>();
  for (let sent = 0; sent < count; sent += BATCH)
    for (const outcome of await publisher.publishMany(
      Array.from({ length: BATCH }, (_, index) => like(sent + index)),
    )) {
      if (!outcome.ok) throw outcome.error;
      last.set(outcome.partition, outcome);
    }
  for (const position of last.values()) await applied(position, 300_000);
}

function like(serial: number): Record<string, unknown> {
  return { event_type: 'post_liked', user_id: `u_${serial % 50_000}`, content_id: `post_${serial % 2_000}` };
}
