/**
 * What one post costs that goes to the timelines of 100 followers, in transactions of 50 posts, and how long such a transaction
 * holds up the others. The peer in the same run is the same inserts without the store: a row each in SQLite, an HSET each in
 * one pipeline in Redis. `node benchmarks/fan-out.ts [posts]` (default 5,000). Redis is left out where redis-server is not installed.
 */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Redis } from 'ioredis';
import type { SocialEvent } from '../src/domains/social/events.ts';
import { projectFeed } from '../src/domains/social/feed.ts';
import { SqliteProjectionStore } from '../src/kit/projections/embedded/sqlite-store.ts';
import type { Effect, ProjectionStore } from '../src/kit/projections/projection-store.ts';
import { RedisProjectionStore } from '../src/kit/projections/redis/redis-store.ts';
import { launchRedis } from '../test/support/redis.ts';
import { missing } from '../test/support/requirements.ts';
import { ascending, quantile, withDirectory } from './support.ts';

const posts = Number(process.argv[2] ?? 5_000);
const CHUNK = 50;
const AUTHORS = 100;
const FOLLOWERS = 100;
const USERS = 10_000;
const partition = { topic: 'user-actions', partition: 0 };
const metadata = { source: '/bench', schema_version: '1' };
const follower = (author: number, n: number) => `u_${(author * 97 + n * 89) % USERS}`;
const time = (n: number) => new Date(1_780_000_000_000 + n).toISOString();

function follow(author: number, n: number): SocialEvent {
  const data = { target_user_id: `a_${author}` };
  const user_id = follower(author, n);
  return { event_id: `f-${author}-${n}`, event_type: 'follow_initiated', user_id, timestamp: time(0), data, metadata };
}

function post(n: number): SocialEvent {
  const ids = { event_id: `p-${n}`, user_id: `a_${n % AUTHORS}`, content_id: `post_${n}` };
  return { ...ids, event_type: 'post_created', timestamp: time(n), data: {}, metadata };
}

/** Transactions, in ms each. */
async function applied(store: ProjectionStore): Promise<number[]> {
  const { epoch } = await store.claim(partition);
  let next = 0;
  const apply = async (events: readonly SocialEvent[]) => {
    const effects = events.map((event, n): Effect => {
      return { offset: next + n, eventId: event.event_id, deltas: projectFeed(event) };
    });
    const batch = { ...partition, epoch, expect: next === 0 ? null : next, next: next + effects.length, effects };
    const startedAt = performance.now();
    const outcome = await store.apply({ ...batch, park: [], unpark: [], dead: 0, now: 1_000 });
    if (outcome.status !== 'ok') throw new Error(JSON.stringify(outcome));
    next += effects.length;
    return performance.now() - startedAt;
  };
  for (let author = 0; author < AUTHORS; author++)
    await apply(Array.from({ length: FOLLOWERS }, (_, n) => follow(author, n)));
  const times: number[] = [];
  for (let from = 0; from < posts; from += CHUNK)
    times.push(await apply(Array.from({ length: CHUNK }, (_, n) => post(from + n))));
  return times;
}

async function raw(insert: (rows: readonly (readonly [user: string, n: number])[]) => unknown): Promise<number[]> {
  const times: number[] = [];
  for (let from = 0; from < posts; from += CHUNK) {
    const rows = Array.from({ length: CHUNK * FOLLOWERS }, (_, i) => {
      const n = from + Math.floor(i / FOLLOWERS);
      return [follower(n % AUTHORS, i % FOLLOWERS), n] as const;
    });
    const startedAt = performance.now();
    await insert(rows);
    times.push(performance.now() - startedAt);
  }
  return times;
}

function report(name: string, times: readonly number[], peer: readonly number[]): void {
  const sorted = ascending(times);
  const perInsert = (quantile(sorted, 0.5) * 1000) / (CHUNK * FOLLOWERS);
  const ratio = quantile(sorted, 0.5) / quantile(ascending(peer), 0.5);
  console.log(
    `${name}: ${perInsert.toFixed(1)} µs an entry; ${CHUNK} posts p50 ${quantile(sorted, 0.5).toFixed(0)} ms, p99 ${quantile(sorted, 0.99).toFixed(0)} ms; ${ratio.toFixed(2)} times the bare inserts`,
  );
}

await withDirectory(async (directory) => {
  const db = new DatabaseSync(join(directory, 'raw.db'));
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
  db.exec('CREATE TABLE entries (key TEXT, field TEXT, value TEXT, PRIMARY KEY (key, field)) WITHOUT ROWID');
  const insert = db.prepare('INSERT OR REPLACE INTO entries VALUES (?, ?, ?)');
  const peer = await raw((rows) => {
    db.exec('BEGIN IMMEDIATE');
    for (const [user, n] of rows) insert.run(`timeline/${user}`, `post_${n}`, time(n));
    db.exec('COMMIT');
  });
  db.close();
  const store = await SqliteProjectionStore.open({ path: join(directory, 'feed.db'), name: 'feed' });
  report('SQLite', await applied(store), peer);
  await store.close();
});

const reason = missing('redis-server');
if (reason !== undefined) {
  console.log(`Redis left out: ${reason}`);
} else {
  const server = await launchRedis();
  const redis = new Redis({ host: server.host, port: server.port });
  try {
    const peer = await raw(async (rows) => {
      const pipeline = redis.pipeline();
      for (const [user, n] of rows) pipeline.hset(`raw:timeline/${user}`, `post_${n}`, time(n));
      await pipeline.exec();
    });
    const store = await RedisProjectionStore.open({ host: server.host, port: server.port, name: 'feed' });
    report('Redis', await applied(store), peer);
    await store.close();
  } finally {
    redis.disconnect();
    await server.stop();
  }
}
