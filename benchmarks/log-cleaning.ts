/**
 * What cleaning costs those who append: the latency of one append per millisecond, first alone, then while 1,000,000 records
 * are compacted, deleted and dropped. And how long a file of the first format takes to open. Prints figures; asserts nothing.
 * Run: node benchmarks/log-cleaning.ts [records, default 1000000]
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { EmbeddedLog } from '../src/kit/log/embedded/embedded-log.ts';
import { encodeBatch } from '../src/kit/log/embedded/record-batch.ts';
import { checkWireBatch } from '../src/kit/log/embedded/wire-batch.ts';

const RECORDS = Number(process.argv[2] ?? 1_000_000);
const BATCH = 100;
const KEYS = 100_000;
const VALUE = Buffer.alloc(200, 97);
const OLD = { topic: 'old', partition: 0 };
const LIVE = { topic: 'live', partition: 0 };
const NEVER_MS = 2 ** 31 - 1;
const directory = mkdtempSync(join(tmpdir(), 'log-cleaning-'));

function records(from: number, count: number) {
  return Array.from({ length: count }, (_, i) => ({
    key: Buffer.from(`user-${((from + i) * 7_919) % KEYS}`),
    value: VALUE,
    headers: [],
    timestamp: Date.now(),
  }));
}

function percentiles(latenciesMs: number[]): string {
  latenciesMs.sort((a, b) => a - b);
  const at = (share: number): string => latenciesMs[Math.floor((latenciesMs.length - 1) * share)]!.toFixed(2);
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, p99.9 ${at(0.999)} ms, max ${at(1)} ms of ${latenciesMs.length}`;
}

/** An append every millisecond, whatever the answers do. */
async function appendsWhile(log: EmbeddedLog, work: Promise<unknown>): Promise<number[]> {
  const latenciesMs: number[] = [];
  const waiting: Promise<void>[] = [];
  const startedAt = performance.now();
  let isOver = false;
  work.finally(() => {
    isOver = true;
  });
  for (let i = 0; !isOver; ) {
    for (; performance.now() - startedAt >= i; i++) {
      const dueAt = startedAt + i;
      const append = log.append({ ...LIVE, records: records(i, 1) });
      waiting.push(append.then(() => void latenciesMs.push(performance.now() - dueAt)));
    }
    await sleep(1);
  }
  await Promise.all(waiting);
  return latenciesMs;
}

async function measured(what: string, log: EmbeddedLog, work: () => Promise<unknown>): Promise<void> {
  const startedAt = performance.now();
  const latenciesMs = await appendsWhile(log, work());
  console.log(`${what} (${((performance.now() - startedAt) / 1_000).toFixed(1)} s): ${percentiles(latenciesMs)}`);
}

/** The tables before partitions had a start, producers or an id. */
function firstFormat(batchSize: number): string {
  const home = join(directory, `first-${batchSize}`);
  mkdirSync(home);
  const database = new DatabaseSync(join(home, 'log.db'));
  database.exec(`
    PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA user_version = 1;
    CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE topics (
      id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, partitions INTEGER NOT NULL, config TEXT NOT NULL);
    CREATE TABLE batches (
      topic_id INTEGER NOT NULL, partition INTEGER NOT NULL, base_offset INTEGER NOT NULL, last_offset INTEGER NOT NULL,
      max_timestamp INTEGER NOT NULL, record_count INTEGER NOT NULL, bytes BLOB NOT NULL);
    CREATE UNIQUE INDEX batches_by_offset ON batches (topic_id, partition, base_offset);
    INSERT INTO topics VALUES (1, 'old', 6, '{}');
    BEGIN`);
  const insert = database.prepare('INSERT INTO batches VALUES (1, ?, ?, ?, 0, ?, ?)');
  const bytes = encodeBatch(records(0, batchSize));
  for (let i = 0; i < RECORDS / batchSize; i++) {
    const base = Math.floor(i / 6) * batchSize;
    insert.run(i % 6, base, base + batchSize - 1, batchSize, bytes);
  }
  database.exec('COMMIT');
  database.close();
  return home;
}

try {
  for (const batchSize of [1, BATCH]) {
    const home = firstFormat(batchSize);
    const millis: number[] = [];
    for (let i = 0; i < 2; i++) {
      const startedAt = performance.now();
      const log = await EmbeddedLog.open({ directory: home, cleanIntervalMs: NEVER_MS });
      millis.push(Math.round(performance.now() - startedAt));
      await log.close();
    }
    console.log(
      `opening ${RECORDS} records in batches of ${batchSize}: first format ${millis[0]} ms, then ${millis[1]} ms`,
    );
  }

  const wire = encodeBatch(records(0, 80).map((record) => ({ ...record, value: VALUE.subarray(0, 180) })));
  for (let i = 0; i < 2_000; i++) checkWireBatch(wire, true);
  const checkedAt = performance.now();
  for (let i = 0; i < 5_000; i++) checkWireBatch(wire, false);
  const micros = ((performance.now() - checkedAt) / 5).toFixed(1);
  console.log(`a batch from outside of 80 records and ${wire.length} bytes is checked in ${micros} µs`);

  const log = await EmbeddedLog.open({ directory: join(directory, 'log'), cleanIntervalMs: NEVER_MS });
  const compact = { 'cleanup.policy': 'compact,delete', 'min.cleanable.dirty.ratio': '0' };
  await log.createTopics([
    { name: 'old', partitions: 1 },
    { name: 'live', partitions: 1 },
  ]);
  for (let from = 0; from < RECORDS; from += BATCH) await log.append({ ...OLD, records: records(from, BATCH) });
  const size = () => `${Math.round(log.store.partitionBytes(OLD) / 1_048_576)} MiB`;
  console.log(`${RECORDS} records of ${KEYS} keys: ${size()}`);
  await measured('appends alone', log, () => sleep(5_000));
  await log.store.alterConfig('old', compact);
  await measured('while compacting', log, () => log.store.cleanNow());
  console.log(`compacted to ${size()}; rss ${Math.round(process.memoryUsage.rss() / 1_048_576)} MiB`);
  for (let from = 0; from < RECORDS; from += BATCH) await log.append({ ...OLD, records: records(from, BATCH) });
  await log.store.alterConfig('old', { 'cleanup.policy': 'delete' });
  await measured('while deleting records', log, async () => {
    await log.store.deleteRecords(OLD, Math.floor(RECORDS * 1.5));
    await log.store.cleanNow();
  });
  await measured('while dropping the topic', log, async () => {
    await log.store.deleteTopic('old');
    await log.store.cleanNow();
  });
  console.log(`greatest resident size of the whole run: ${Math.round(process.resourceUsage().maxRSS / 1024)} MiB`);
  await log.close();
} finally {
  rmSync(directory, { recursive: true });
}
