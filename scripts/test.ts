/**
 * `npm test [-- FILTER…]`: types, lint, then every test/**\/*.test.ts whose path contains one of the filters. Kafka and Redis
 * are started once for the whole run where they are installed; where not, their tests are skipped by name.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, sep } from 'node:path';
import { finished } from 'node:stream/promises';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import type { Cluster } from '../src/cluster/cluster.ts';
import { KAFKA_COMPONENTS, startTestCluster } from '../test/support/cluster.ts';
import { missing } from '../test/support/requirements.ts';

const root = join(import.meta.dirname, '..');
const FILE_TIMEOUT_MS = 5 * 60_000;
/** Most of the long files wait for other processes for a good part of their time. */
const FILES_AT_ONCE = availableParallelism() + 1;
/**
 * What reads the shared Kafka's events from their beginning comes before `e2e/kafka`, which writes most of them: that spares
 * 45 s of work. Then those that take longest, so that none of them is waited for at the end. The others follow by name.
 */
const FIRST = [
  'test/api/projection-documents',
  'test/api/topics',
  'test/api/groups',
  'test/pipelines/pulse/kafka',
  'test/pipelines/journey/kafka',
  'test/dashboard/journey-kafka',
  'test/drills/sabotage',
  'test/e2e/kafka',
  'test/e2e/examples',
  'test/e2e/rebuild',
  'test/e2e/embedded-kill',
  'test/package',
  'test/kit/monitoring/cluster-failure',
  'test/kit/log/kafka/failover',
  'test/cluster/control',
  'test/cluster/cluster',
  'test/e2e/cli',
  'test/e2e/import',
  'test/dashboard/',
];

const TOTAL = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$/;

process.chdir(root);
process.exitCode = (await main(process.argv.slice(2))) ? 0 : 1;

async function main(filters: readonly string[]): Promise<boolean> {
  const files = globSync('test/**/*.test.ts')
    .map((file) => file.split(sep).join('/'))
    .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
    .sort((a, b) => turnOf(a) - turnOf(b) || (a < b ? -1 : 1));
  if (files.length === 0) {
    console.error(`No test file has ${filters.join(' or ')} in its path.`);
    return false;
  }
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort());
  // the brokers mostly wait for each other when they start
  const [cluster, passed] = await Promise.allSettled([sharedCluster(files), passesChecks()]);
  try {
    if (cluster.status === 'rejected') throw cluster.reason;
    if (passed.status === 'rejected') throw passed.reason;
    return passed.value && !stop.signal.aborted && (await runFiles(files, stop.signal));
  } finally {
    if (cluster.status === 'fulfilled') await cluster.value?.stop();
  }
}

function turnOf(file: string): number {
  const turn = FIRST.findIndex((beginning) => file.startsWith(beginning));
  return turn < 0 ? FIRST.length : turn;
}

async function passesChecks(): Promise<boolean> {
  return (
    (await passes('types', 'typescript/bin/tsc', [])) &&
    (await passes('types of the dashboard', 'typescript/bin/tsc', ['-p', 'src/dashboard'])) &&
    (await passes('lint', '@biomejs/biome/bin/biome', ['check', '--error-on-warnings']))
  );
}

async function passes(what: string, script: string, args: readonly string[]): Promise<boolean> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [join('node_modules', script), ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [status] = (await once(child, 'close')) as [number | null];
  console.log(`${status === 0 ? '✔' : '✖'} ${what} (${((performance.now() - startedAt) / 1000).toFixed(1)} s)`);
  return status === 0;
}

/** One for the whole run, if a chosen file wants Kafka and it can be had; `test/support/cluster.ts` reads these variables. */
async function sharedCluster(files: readonly string[]): Promise<Cluster | undefined> {
  const wanted = files.some((file) => readFileSync(file, 'utf8').includes('kafkaForTests('));
  if (!wanted || missing(...KAFKA_COMPONENTS) !== undefined) return undefined;
  const redis = missing('redis-server') === undefined;
  const cluster = await startTestCluster({ brokers: 3, redis, onProgress: (text) => console.log(`cluster: ${text}`) });
  process.env.TEST_KAFKA_BOOTSTRAP = cluster.bootstrap.join(',');
  if (cluster.redis !== null) process.env.TEST_REDIS_PORT = String(cluster.redis.port);
  return cluster;
}

async function runFiles(files: readonly string[], signal: AbortSignal): Promise<boolean> {
  const events = run({
    files: files.map((file) => join(root, file)),
    concurrency: FILES_AT_ONCE,
    timeout: FILE_TIMEOUT_MS,
    signal,
  });
  const reporter = new spec();
  reporter.pipe(process.stdout, { end: false });
  const skips: string[] = [];
  const totals: string[] = [];
  let success = false;
  for await (const event of events) {
    if (event.type === 'test:pass' && event.data.skip !== undefined)
      skips.push(`${event.data.name} (${event.data.skip})`);
    if (event.type === 'test:summary' && event.data.file === undefined) success = event.data.success;
    // The totals come last, after the failures that the reporter repeats when it ends, and after the skips.
    if (event.type === 'test:diagnostic' && TOTAL.test(event.data.message)) totals.push(event.data.message);
    else reporter.write(event);
  }
  reporter.end();
  await finished(reporter);
  for (const skip of skips) console.log(`﹣ skipped: ${skip}`);
  for (const total of totals) console.log(`ℹ ${total}`);
  return success;
}
