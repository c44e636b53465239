/**
 * What the embedded log costs over bare SQLite: the same record batches, inserted one per transaction with the same
 * durability in the same run. Prints figures and ratios; asserts nothing. Run: node benchmarks/embedded-log.ts
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { EmbeddedLog } from '../src/kit/log/embedded/embedded-log.ts';
import { openDatabase } from '../src/kit/log/embedded/log-schema.ts';
import { LogWriter } from '../src/kit/log/embedded/log-writer.ts';
import { encodeBatch } from '../src/kit/log/embedded/record-batch.ts';
import type { AppendBatch, NewRecord } from '../src/kit/log/event-log.ts';

const PARTITIONS = 6;
const VALUE_BYTES = 200;
const TOPIC = 'bench';
const directory = mkdtempSync(join(tmpdir(), 'embedded-log-bench-'));

function records(count: number): NewRecord[] {
  return Array.from({ length: count }, (_, i) => ({
    key: Buffer.from(`user-${i}`),
    value: Buffer.alloc(VALUE_BYTES, 97),
    headers: [],
    timestamp: Date.now(),
  }));
}

function perSecond(count: number, startedAt: number): number {
  return Math.round((count / (performance.now() - startedAt)) * 1_000);
}

function percentiles(latenciesMs: number[]): string {
  latenciesMs.sort((a, b) => a - b);
  const at = (share: number): string => latenciesMs[Math.floor((latenciesMs.length - 1) * share)]!.toFixed(2);
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms`;
}

/** The bytes alone: encoded beforehand, one transaction each. */
function rawInserts(batchSize: number, batches: number): number {
  const file = join(directory, `raw-${batchSize}.db`);
  const database = new DatabaseSync(file);
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE b (p INT, o INT, bytes BLOB)');
  database.exec('CREATE UNIQUE INDEX i ON b (p, o)');
  const insert = database.prepare('INSERT INTO b VALUES (?, ?, ?)');
  const bytes = encodeBatch(records(batchSize));
  const startedAt = performance.now();
  for (let i = 0; i < batches; i++) {
    database.exec('BEGIN IMMEDIATE');
    insert.run(i % PARTITIONS, i, bytes);
    database.exec('COMMIT');
  }
  const rate = perSecond(batchSize * batches, startedAt);
  database.close();
  return rate;
}

/** One lane per partition, at most one batch of each under way. */
async function appends(log: EmbeddedLog, batchSize: number, batches: number): Promise<number> {
  const content = records(batchSize);
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: PARTITIONS }, async (_, partition) => {
      for (let i = partition; i < batches; i += PARTITIONS) {
        await log.append({ topic: TOPIC, partition, records: content });
      }
    }),
  );
  return perSecond(batchSize * batches, startedAt);
}

/** A record every millisecond, whatever the answers do. */
async function singles(append: (batch: AppendBatch) => unknown, count: number): Promise<number[]> {
  const latenciesMs: number[] = [];
  const waiting: Promise<void>[] = [];
  const startedAt = performance.now();
  for (let i = 0; i < count; ) {
    for (; i < count && performance.now() - startedAt >= i; i++) {
      const dueAt = startedAt + i;
      const batch = { topic: TOPIC, partition: i % PARTITIONS, records: records(1) };
      waiting.push(Promise.resolve(append(batch)).then(() => void latenciesMs.push(performance.now() - dueAt)));
    }
    await sleep(1);
  }
  await Promise.all(waiting);
  return latenciesMs;
}

async function delivered(log: EmbeddedLog, total: number): Promise<number> {
  let count = 0;
  const done = Promise.withResolvers<void>();
  const startedAt = performance.now();
  const member = await log.group(`bench-${startedAt}`).join({
    topics: [TOPIC],
    onAssigned: async () => [],
    async onRecords(batch) {
      count += batch.records.length;
      if (count >= total) done.resolve();
    },
    onRevoked: async () => {},
  });
  await done.promise;
  const rate = perSecond(count, startedAt);
  await member.leave();
  return rate;
}

let log = await EmbeddedLog.open({ directory: join(directory, 'log') });
try {
  await log.createTopics([{ name: TOPIC, partitions: PARTITIONS }]);
  for (const [batchSize, batches] of [
    [1, 12_000],
    [100, 6_000],
    [1_000, 1_000],
  ] as const) {
    const raw = rawInserts(batchSize, batches);
    const rate = await appends(log, batchSize, batches);
    console.log(`append by ${batchSize}: ${rate} records/s; bare SQLite ${raw}/s; ratio ${(rate / raw).toFixed(2)}`);
  }
  console.log(`1,000 single appends/s, own thread:  ${percentiles(await singles((b) => log.append(b), 5_000))}`);
  const total = (
    await log.listOffsets(
      Array.from({ length: PARTITIONS }, (_, partition) => ({ topic: TOPIC, partition, at: 'latest' as const })),
    )
  ).reduce((a, b) => a + b);
  const topicId = log.store.topic(TOPIC).id;
  await log.close();
  const writer = new LogWriter(openDatabase(join(directory, 'log', 'log.db')));
  const direct = ({ partition, records }: AppendBatch): unknown => {
    const block = new Uint8Array(encodeBatch(records)).buffer;
    const at = { topicIds: [topicId], partitions: [partition], lengths: [block.byteLength] };
    return writer.execute({ kind: 'append', now: Date.now(), ...at, block });
  };
  console.log(`1,000 single appends/s, main thread: ${percentiles(await singles(direct, 5_000))}`);
  const content = records(1_000);
  const startedAt = performance.now();
  for (let i = 0; i < 500; i++) direct({ topic: TOPIC, partition: i % PARTITIONS, records: content });
  console.log(`append by 1000, main thread: ${perSecond(500_000, startedAt)} records/s`);
  writer.close();
  log = await EmbeddedLog.open({ directory: join(directory, 'log') });
  console.log(`a member reads ${total} records of ${VALUE_BYTES} bytes: ${await delivered(log, total)} records/s`);
  console.log(`greatest resident size of the whole run: ${Math.round(process.resourceUsage().maxRSS / 1024)} MiB`);
} finally {
  await log.close();
  rmSync(directory, { recursive: true });
}
