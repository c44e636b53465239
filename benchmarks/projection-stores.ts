/**
 * Effects per second into the projection stores, in batches of 1,000, beside what the backing does with the same rows and
 * no transaction logic. `node benchmarks/projection-stores.ts [effects]` (default 300,000). Redis is left out where
 * redis-server is not installed.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Redis } from 'ioredis';
import { SqliteProjectionStore } from '../src/kit/projections/embedded/sqlite-store.ts';
import type { Effect, ProjectionStore } from '../src/kit/projections/projection-store.ts';
import { RedisProjectionStore } from '../src/kit/projections/redis/redis-store.ts';
import { launchRedis } from '../test/support/redis.ts';
import { missing } from '../test/support/requirements.ts';

const total = Number(process.argv[2] ?? 300_000);
const BATCH = 1_000;
const CONTENTS = 10_000;
const partition = { topic: 'content-interactions', partition: 0 };

/** Popular content is liked more: rank r with a weight of 1/r. */
function batchOf(first: number): Effect[] {
  return Array.from({ length: BATCH }, (_, n) => {
    const offset = first + n;
    const rank = Math.floor(CONTENTS ** (((offset * 7_919) % 100_003) / 100_003));
    const updated = new Date(1_780_000_000_000 + offset).toISOString();
    const delta = { key: `post_${rank}`, add: { likes: 1 }, max: { last_updated: updated } };
    return { offset, eventId: `0190163d-8694-7${String(offset).padStart(15, '0')}`, deltas: [delta] };
  });
}

interface Figures {
  readonly perSecond: number;
  readonly medianMs: number;
  readonly worstMs: number;
}

async function timed(work: (first: number) => unknown): Promise<Figures> {
  const timesMs: number[] = [];
  for (let first = 0; first < total; first += BATCH) {
    const startedAt = performance.now();
    await work(first);
    timesMs.push(performance.now() - startedAt);
  }
  const sum = timesMs.reduce((a, b) => a + b, 0);
  timesMs.sort((a, b) => a - b);
  return {
    perSecond: (timesMs.length * BATCH * 1_000) / sum,
    medianMs: timesMs[timesMs.length >> 1]!,
    worstMs: timesMs.at(-1)!,
  };
}

async function applied(store: ProjectionStore, batches: ReadonlyMap<number, Effect[]>): Promise<Figures> {
  const { epoch } = await store.claim(partition);
  return timed(async (first) => {
    const outcome = await store.apply({
      ...partition,
      epoch,
      expect: first === 0 ? null : first,
      next: first + BATCH,
      effects: batches.get(first)!,
      park: [],
      unpark: [],
      dead: 0,
      now: 1_000 + first,
    });
    if (outcome.status !== 'ok' || outcome.duplicates.length > 0) throw new Error(JSON.stringify(outcome));
  });
}

function report(name: string, figures: Figures, raw?: Figures): void {
  const { perSecond, medianMs, worstMs } = figures;
  const ratio = raw === undefined ? '' : `, ${(perSecond / raw.perSecond).toFixed(2)} of raw`;
  const times = `batch of ${BATCH}: median ${medianMs.toFixed(1)} ms, worst ${worstMs.toFixed(1)} ms`;
  console.log(`${name.padEnd(26)} ${Math.round(perSecond).toLocaleString('en')} effects/s${ratio}; ${times}`);
}

const batches = new Map<number, Effect[]>();
for (let first = 0; first < total; first += BATCH) batches.set(first, batchOf(first));

const directory = mkdtempSync(join(tmpdir(), 'streamsocial-benchmark-'));
try {
  const db = new DatabaseSync(join(directory, 'raw.db'));
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
  db.exec('CREATE TABLE ids (id TEXT PRIMARY KEY, at INTEGER) WITHOUT ROWID');
  db.exec('CREATE TABLE documents (key TEXT PRIMARY KEY, fields TEXT) WITHOUT ROWID');
  const insertId = db.prepare('INSERT INTO ids VALUES (?, ?)');
  const insertDocument = db.prepare('INSERT OR REPLACE INTO documents VALUES (?, ?)');
  const raw = await timed((first) => {
    db.exec('BEGIN IMMEDIATE');
    for (const { eventId, deltas } of batches.get(first)!) {
      insertId.run(eventId, first);
      insertDocument.run(deltas[0]!.key, JSON.stringify({ ...deltas[0]!.max, ...deltas[0]!.add }));
    }
    db.exec('COMMIT');
  });
  db.close();
  report('SQLite, raw inserts', raw);
  const store = await SqliteProjectionStore.open({ path: join(directory, 'store.db'), name: 'engagement' });
  report('SQLite, projection store', await applied(store, batches), raw);
  await store.close();
} finally {
  rmSync(directory, { recursive: true });
}

const reason = missing('redis-server');
if (reason !== undefined) {
  console.log(`Redis left out: ${reason}`);
} else {
  const server = await launchRedis();
  const redis = new Redis({ host: server.host, port: server.port });
  try {
    const raw = await timed(async (first) => {
      const pipeline = redis.pipeline();
      for (const { eventId, deltas } of batches.get(first)!) {
        const [{ key, max }] = deltas as [{ key: string; max: { last_updated: string } }];
        pipeline.zadd('raw-ids', first, eventId!);
        pipeline.hincrby(`raw:${key}`, 'likes', 1);
        pipeline.hset(`raw:${key}`, 'last_updated', max.last_updated);
      }
      await pipeline.exec();
    });
    report('Redis, raw pipeline', raw);
    const store = await RedisProjectionStore.open({ host: server.host, port: server.port, name: 'engagement' });
    report('Redis, projection store', await applied(store, batches), raw);
    await store.close();
  } finally {
    redis.disconnect();
    await server.stop();
  }
}
