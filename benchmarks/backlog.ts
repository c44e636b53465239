/**
 * Memory under a backlog: fills the embedded log with events nobody has consumed, then starts `streamsocial up` on it and
 * watches the resident memory of that process until all are applied. `node benchmarks/backlog.ts [events]` (default 1,000,000).
 */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadSettings } from '../src/config/settings.ts';
import { openPlatform } from '../src/pipelines/open-platform.ts';
import { until } from '../test/support/until.ts';
import { perSecond, rate, withDirectory } from './support.ts';

const total = Number(process.argv[2] ?? 1_000_000);
const BATCH = 1_000;
const bin = fileURLToPath(new URL('../bin/streamsocial.mjs', import.meta.url));

await withDirectory(async (dataDir) => {
  await fill(dataDir);
  const startedAt = performance.now();
  const server = spawn(
    process.execPath,
    [bin, 'up', '--no-demo', '--web-port', '0', '--broker-port', '0', '--data-dir', dataDir],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  const ended = new Promise((resolve) => server.on('close', resolve));
  try {
    const url = await until(() => addressIn(dataDir), { everyMs: 5 });
    await until(async () => (await fetch(`${url}/readyz`)).ok, { everyMs: 5 });
    console.log(`start to ready: ${Math.round(performance.now() - startedAt)} ms`);
    let worst = 0;
    await until(
      async () => {
        worst = Math.max(worst, await residentMib(url));
        const metrics = (await (await fetch(`${url}/api/v1/metrics/consumer`)).json()) as { lag: number };
        return metrics.lag === 0;
      },
      { timeoutMs: 600_000, everyMs: 50, what: 'the end of the backlog' },
    );
    const speed = perSecond(rate(total, performance.now() - startedAt));
    console.log(`${total} events applied at ${speed}; highest resident memory seen ${worst} MiB`);
  } finally {
    server.kill('SIGTERM');
    await ended;
  }
});

async function fill(dataDir: string): Promise<void> {
  const filling = await openPlatform(loadSettings({ flags: { dataDir }, env: {} }).settings, { consume: false });
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
}

async function addressIn(dataDir: string): Promise<string | undefined> {
  const text = await readFile(join(dataDir, 'server.json'), 'utf8').catch(() => 'null');
  return (JSON.parse(text) as { url: string } | null)?.url;
}

async function residentMib(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Math.round(Number(/^process_resident_memory_bytes ([\d.e+]+)$/m.exec(text)![1]) / 1024 / 1024);
}
