/**
 * Memory under a backlog, and under a long demo: the resident memory of the `streamsocial up` that works on it, until all is applied.
 * `node benchmarks/backlog.ts [events]` (default 1,000,000): the log is filled first, with events nobody has consumed.
 * `node benchmarks/backlog.ts demo [events]` (default 730,000): generated traffic with its failures, as fast as it goes.
 */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadSettings } from '../src/config/settings.ts';
import type { DemoReport } from '../src/pipelines/demo.ts';
import { openPlatform } from '../src/pipelines/open-platform.ts';
import { until } from '../test/support/until.ts';
import { perSecond, rate, withDirectory } from './support.ts';

const isDemo = process.argv[2] === 'demo';
const total = Number(process.argv[isDemo ? 3 : 2] ?? (isDemo ? 730_000 : 1_000_000));
const BATCH = 1_000;
const bin = fileURLToPath(new URL('../bin/streamsocial.mjs', import.meta.url));

await withDirectory(async (dataDir) => {
  if (!isDemo) await fill(dataDir);
  const startedAt = performance.now();
  const options = isDemo ? ['--demo-events', String(total), '--demo-rate', '0'] : ['--no-demo'];
  const server = spawn(
    process.execPath,
    [bin, 'up', ...options, '--web-port', '0', '--broker-port', '0', '--data-dir', dataDir],
    { stdio: ['ignore', 'ignore', 'inherit'] },
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
        return isDemo ? await demoBalanced(url) : (await lag(url)) === 0;
      },
      { timeoutMs: 1_800_000, everyMs: 50, what: 'the end of the events' },
    );
    const speed = perSecond(rate(total, performance.now() - startedAt));
    console.log(`${total} events applied at ${speed}; highest resident memory seen ${worst} MiB`);
  } finally {
    server.kill('SIGTERM');
    await ended;
  }
});

async function lag(url: string): Promise<number> {
  return ((await (await fetch(`${url}/api/v1/metrics/consumer`)).json()) as { lag: number }).lag;
}

/** @throws Error where the demo ended otherwise */
async function demoBalanced(url: string): Promise<boolean> {
  const { demo } = (await (await fetch(`${url}/api/status`)).json()) as { demo: DemoReport | null };
  if (demo === null || demo.state === 'RUNNING') return false;
  if (demo.balanced !== true) throw new Error(`the demo ended as ${demo.state}: ${demo.error ?? 'not balanced'}`);
  return true;
}

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
