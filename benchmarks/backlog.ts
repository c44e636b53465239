/**
 * Memory under a backlog: fills the embedded log with events nobody has consumed, then starts the platform on it and watches
 * its resident memory until all are applied. `node benchmarks/backlog.ts [events]` (default 1,000,000).
 */
import { loadSettings } from '../src/config/settings.ts';
import { openPlatform } from '../src/pipelines/open-platform.ts';
import { perSecond, rate, withDirectory } from './support.ts';

const total = Number(process.argv[2] ?? 1_000_000);
const BATCH = 1_000;

await withDirectory(async (dataDir) => {
  const { settings } = loadSettings({ flags: { dataDir }, env: {} });
  const filling = await openPlatform(settings, { consume: false });
  for (let sent = 0; sent < total; sent += BATCH) {
    const outcomes = await filling.publisher.publishMany(
      Array.from({ length: BATCH }, (_, index) => ({
        event_type: 'post_liked',
        user_id: `u_${(sent + index) % 100_000}`,
        content_id: `post_${(sent + index) % 20_000}`,
        timestamp: new Date().toISOString(),
      })),
    );
    if (outcomes.some(({ ok }) => !ok)) throw new Error('a publish failed');
  }
  await filling.close();
  console.log(`filled ${total}: RSS ${mib(process.memoryUsage.rss())} MiB`);

  let worst = 0;
  const watch = setInterval(() => {
    worst = Math.max(worst, process.memoryUsage.rss());
  }, 50);
  const startedAt = performance.now();
  const platform = await openPlatform(settings, { consume: true });
  const openedMs = performance.now() - startedAt;
  for (;;) {
    const { lag, partitions } = await platform.consumerMetrics();
    if (partitions.length > 0 && lag === 0) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const ms = performance.now() - startedAt;
  clearInterval(watch);
  console.log(
    `ready after ${Math.round(openedMs)} ms; applied at ${perSecond(rate(total, ms))}; highest RSS ${mib(worst)} MiB`,
  );
  await platform.close();
});

function mib(bytes: number): number {
  return Math.round(bytes / 1024 / 1024);
}
