/**
 * A page of a feed out of 1,000,000 timeline entries (2,000 users of 500), in SQLite and in Redis: median and p99 of random
 * reads one after the other, beside two peers in the same run: the bare read of 500 entries of one sorted index (SQLite) or
 * sorted set (Redis), with nothing merged, counted or hidden; and the same feeds with nothing copied, each read merging
 * the posts of the 100 authors that its user follows.
 * `node benchmarks/feed-read.ts [reads]` (default 4,000). Redis is left out where redis-server is not installed.
 */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Redis } from 'ioredis';
import { CELEBRITIES, FEED_LIMITS, followingOf, postsOf, timelineOf } from '../src/domains/social/feed.ts';
import { newestFirst, newestOf } from '../src/domains/social/feed-candidates.ts';
import { DEFAULT_PAGE } from '../src/domains/social/feed-page.ts';
import { seededRandom } from '../src/domains/social/seeded-random.ts';
import { SqliteProjectionStore } from '../src/kit/projections/embedded/sqlite-store.ts';
import type { Delta, ProjectionStore } from '../src/kit/projections/projection-store.ts';
import { RedisProjectionStore } from '../src/kit/projections/redis/redis-store.ts';
import { FeedReader } from '../src/pipelines/feed-reader.ts';
import { launchRedis } from '../test/support/redis.ts';
import { missing } from '../test/support/requirements.ts';
import { ascending, quantile, withDirectory } from './support.ts';

const reads = Number(process.argv[2] ?? 4_000);
const USERS = 2_000;
const FOLLOWED = 100;
const POSTS_PER_AUTHOR = 50;
const BATCH = 100;
const place = { topic: 'benchmark', partition: 0 };
const NAMES = ['feed', 'naive', 'engagement', 'moderation'] as const;
type Stores = Readonly<Record<(typeof NAMES)[number], ProjectionStore>>;

const user = (n: number) => `u_${n}`;

/** What follows and posts would have made of the documents; `naive` has every author among the celebrities. */
function makeDeltas(): Record<keyof Stores, Delta[]> {
  const random = seededRandom(7);
  const timeText = () => new Date(1_780_000_000_000 + random.integer(30 * 86_400_000)).toISOString();
  const { posts: keep, following, celebrities } = FEED_LIMITS;
  const deltas: Record<keyof Stores, Delta[]> = { feed: [], naive: [], engagement: [], moderation: [] };
  const posts = Array.from({ length: USERS }, (_, author) => {
    const max: Record<string, string> = {};
    for (let n = 0; n < POSTS_PER_AUTHOR; n++) {
      const id = `post_${author}_${n}`;
      max[id] = `${timeText()} ${user(author)}`;
      const add = { likes: random.integer(200), views: random.integer(5_000), comments: random.integer(20) };
      deltas.engagement.push({ key: id, add, max: { last_updated: timeText() } });
      if (random.next() < 0.01) {
        const latest = `${timeText()} 1 hidden reported`;
        deltas.moderation.push({ key: id, add: { hidden: 1 }, max: { latest } });
      }
    }
    deltas.naive.push({ key: postsOf(user(author)), max, keep });
    return newestFirst(max);
  });
  for (let n = 0; n < USERS; n++) {
    const authors = new Set(Array.from({ length: FOLLOWED }, () => random.integer(USERS)));
    const max = Object.fromEntries([...authors].map((author) => [user(author), timeText()]));
    const follows = { key: followingOf(user(n)), max, keep: following };
    const newest = newestOf(
      [...authors].map((author) => posts[author]!),
      keep,
    );
    deltas.feed.push(follows, { key: timelineOf(user(n)), max: Object.fromEntries(newest), keep });
    deltas.naive.push(follows);
  }
  const everybody = Object.fromEntries(posts.map((_, author) => [user(author), 'yes']));
  deltas.naive.push({ key: CELEBRITIES, max: everybody, keep: celebrities });
  return deltas;
}

async function fill(store: ProjectionStore, deltas: readonly Delta[]): Promise<void> {
  const { epoch } = await store.claim(place);
  for (let at = 0; at < deltas.length; at += BATCH) {
    const effects = [{ offset: at, eventId: null, deltas: deltas.slice(at, at + BATCH) }];
    const expect = at === 0 ? null : at;
    const batch = { ...place, epoch, expect, next: at + BATCH, effects, park: [], unpark: [], dead: 0, now: 0 };
    const outcome = await store.apply(batch);
    if (outcome.status !== 'ok') throw new Error(JSON.stringify(outcome));
  }
}

interface Figures {
  readonly medianMs: number;
  readonly p99Ms: number;
  /** Of this process, per read: tells a slow read from a busy machine. */
  readonly cpuMs: number;
}

async function timed(times: number, read: (user: string) => unknown): Promise<Figures> {
  const random = seededRandom(8);
  const takenMs: number[] = [];
  let before = process.cpuUsage();
  for (let n = -Math.ceil(times / 10); n < times; n++) {
    if (n === 0) before = process.cpuUsage();
    const who = user(random.integer(USERS));
    const startedAt = performance.now();
    await read(who);
    if (n >= 0) takenMs.push(performance.now() - startedAt);
  }
  const { user: userUs, system: systemUs } = process.cpuUsage(before);
  const sorted = ascending(takenMs);
  return {
    medianMs: quantile(sorted, 0.5),
    p99Ms: quantile(sorted, 0.99),
    cpuMs: (userUs + systemUs) / 1000 / sorted.length,
  };
}

async function measure(name: string, stores: Stores, bare: (user: string) => unknown): Promise<void> {
  const { feed, naive, engagement, moderation } = stores;
  const page = async (reader: FeedReader, who: string) => {
    const { items } = await reader.read(who, { limit: DEFAULT_PAGE, after: null, fresh: true });
    if (items.length < DEFAULT_PAGE) throw new Error(`${who} has ${items.length} posts`);
  };
  const reader = new FeedReader({ feed, engagement, moderation });
  const naiveReader = new FeedReader({ feed: naive, engagement, moderation });
  const read = await timed(reads, (who) => page(reader, who));
  const peer = await timed(reads, bare);
  const merged = await timed(Math.ceil(reads / 20), (who) => page(naiveReader, who));
  report(`${name}: feed`, read);
  report(`${name}: bare 500 entries`, peer, read);
  report(`${name}: nothing copied`, merged, read);
}

function report(name: string, { medianMs, p99Ms, cpuMs }: Figures, feed?: Figures): void {
  const times = `median ${medianMs.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms, CPU ${cpuMs.toFixed(2)} ms`;
  const ratio = (peer: number, mine: number) => (mine / peer).toFixed(2);
  const beside =
    feed === undefined ? '' : `; feed takes ${ratio(medianMs, feed.medianMs)} and ${ratio(p99Ms, feed.p99Ms)} of it`;
  console.log(`${name.padEnd(28)} ${times}${beside}`);
}

type Timelines = Iterable<readonly [key: string, entries: readonly (readonly [id: string, value: string])[]]>;

/** Fills the stores, and `bare` with the same timelines. What it makes of them is gone when reading begins. */
async function opened(
  open: (name: keyof Stores) => Promise<ProjectionStore>,
  bare: (timelines: Timelines) => unknown,
): Promise<Stores> {
  const deltas = makeDeltas();
  const pairs = await Promise.all(NAMES.map(async (name) => [name, await open(name)] as const));
  for (const [name, store] of pairs) await fill(store, deltas[name]);
  const timelines = deltas.feed.filter(({ key }) => key.startsWith(timelineOf('')));
  const lists = timelines.map(({ key, max }) => [key, Object.entries(max!)] as const);
  const entries = lists.reduce((sum, [, list]) => sum + list.length, 0);
  console.log(`${entries.toLocaleString('en-US')} timeline entries, ${deltas.engagement.length} posts, ${reads} reads`);
  await bare(lists);
  return Object.fromEntries(pairs) as Stores;
}

const close = (stores: Stores) => Promise.all(Object.values(stores).map((store) => store.close()));

await withDirectory(async (directory) => {
  const db = new DatabaseSync(join(directory, 'bare.db'));
  db.exec('PRAGMA journal_mode = WAL');
  db.exec('CREATE TABLE entries (user TEXT, at TEXT, id TEXT, PRIMARY KEY (user, at DESC, id)) WITHOUT ROWID');
  const stores = await opened(
    (name) => SqliteProjectionStore.open({ path: join(directory, `${name}.db`), name }),
    (timelines) => {
      const insert = db.prepare('INSERT INTO entries VALUES (?, ?, ?)');
      db.exec('BEGIN');
      for (const [key, entries] of timelines) for (const [id, at] of entries) insert.run(key, at, id);
      db.exec('COMMIT');
    },
  );
  const select = db.prepare('SELECT at, id FROM entries WHERE user = ? ORDER BY at DESC LIMIT 500');
  await measure('SQLite', stores, (who) => select.all(timelineOf(who)));
  db.close();
  await close(stores);
});

const reason = missing('redis-server');
if (reason !== undefined) {
  console.log(`Redis left out: ${reason}`);
} else {
  const server = await launchRedis();
  const { host, port } = server;
  const redis = new Redis({ host, port });
  try {
    const stores = await opened(
      (name) => RedisProjectionStore.open({ host, port, name }),
      async (timelines) => {
        for (const [key, entries] of timelines) {
          const scored = entries.flatMap(([id, value]) => [Date.parse(value.slice(0, 24)), id]);
          await redis.zadd(`bare:${key}`, ...scored);
        }
      },
    );
    await measure('Redis', stores, (who) => redis.zrevrange(`bare:${timelineOf(who)}`, 0, 499, 'WITHSCORES'));
    await close(stores);
  } finally {
    redis.disconnect();
    await server.stop();
  }
}
