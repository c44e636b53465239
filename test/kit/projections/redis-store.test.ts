import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Redis } from 'ioredis';
import { isKitError } from '../../../src/kit/errors.ts';
import { projectionStoreContract } from '../../../src/kit/projections/contract.ts';
import type { ApplyBatch, ProjectionStore } from '../../../src/kit/projections/projection-store.ts';
import { RedisProjectionStore } from '../../../src/kit/projections/redis/redis-store.ts';
import { RedisConnection } from '../../../src/kit/stores/redis.ts';
import { launchRedis, startRedis } from '../../support/redis.ts';
import { missing, requireComponent } from '../../support/requirements.ts';
import { until } from '../../support/until.ts';

type Launched = Awaited<ReturnType<typeof launchRedis>>;

let shared: Launched | undefined;
let admin: Redis | undefined;
before(async () => {
  if (missing('redis-server') !== undefined) return;
  shared = await launchRedis();
  admin = new Redis({ host: shared.host, port: shared.port });
});
after(async () => {
  admin?.disconnect();
  await shared?.stop();
});

projectionStoreContract('Redis', async (t) => {
  if (!requireComponent(t, 'redis-server')) return undefined;
  const { host, port } = shared!;
  await admin!.flushall();
  return (name, window) => RedisProjectionStore.open({ host, port, name, ...(window && { window }) });
});

const P0 = { topic: 'content-interactions', partition: 0 } as const;

function batch(epoch: number, expect: number | null, next: number, changes: Partial<ApplyBatch> = {}): ApplyBatch {
  return { ...P0, epoch, expect, next, effects: [], park: [], unpark: [], dead: 0, now: 1_000, ...changes };
}

function likes(offset: number, key = 'post_991') {
  const delta = { key, add: { likes: 1 }, max: { last_updated: `2026-05-27T14:00:0${offset}Z` } };
  return { offset, eventId: `e${offset}`, deltas: [delta] };
}

const unavailable = (error: unknown) => isKitError(error, 'STORE_UNAVAILABLE') && error.retriable;

async function comesBack(store: ProjectionStore): Promise<void> {
  const answers = () =>
    store.partitions().then(
      () => true,
      () => false,
    );
  await until(answers, { timeoutMs: 10_000, what: 'an answer of the store' });
}

describe('RedisProjectionStore', () => {
  it('keeps documents that a person can read, and nothing else under their prefix', async (t) => {
    if (!requireComponent(t, 'redis-server')) return;
    await admin!.flushall();
    const store = await RedisProjectionStore.open({ host: shared!.host, port: shared!.port, name: 'engagement' });
    t.after(() => store.close());
    const { epoch } = await store.claim(P0);
    await store.apply(batch(epoch, null, 3, { effects: [likes(0), likes(1), likes(2)] }));
    assert.deepEqual(await admin!.hgetall('engagement:post_991'), { likes: '3', last_updated: '2026-05-27T14:00:02Z' });
    const own = await admin!.keys('engagement.__*');
    assert.deepEqual(own.sort(), [
      'engagement.__partitions',
      'engagement.__seen:content-interactions:0',
      'engagement.__state:content-interactions:0',
    ]);
    await admin!.set('engagement:not-ours', 'text');
    const keys = [];
    for await (const [key] of store.documents()) keys.push(key);
    assert.deepEqual(keys, ['post_991']);
  });

  it('keeps bounded documents as hashes too, of at most twice the fields, and no other key', async (t) => {
    if (!requireComponent(t, 'redis-server')) return;
    await admin!.flushall();
    const store = await RedisProjectionStore.open({ host: shared!.host, port: shared!.port, name: 'feed' });
    t.after(() => store.close());
    const { epoch } = await store.claim(P0);
    const counts = [];
    for (let offset = 0; offset < 25; offset++) {
      const deltas = [
        { key: 'timeline', keep: 5, max: { [`post${offset}`]: `t${offset + 10}` } },
        { key: 'top', top: { item: `post${offset}`, by: 1, capacity: 2 } },
        { key: 'copy', from: 'timeline', keep: 2 },
      ];
      await store.apply(batch(epoch, offset || null, offset + 1, { effects: [{ offset, eventId: null, deltas }] }));
      counts.push((await admin!.hlen('feed:timeline')) - 1);
    }
    assert.deepEqual(counts.slice(9, 12), [10, 5, 6]);
    assert.equal(Math.max(...counts), 10);
    assert.deepEqual(await admin!.hgetall('feed:top'), { '': 'top 2', 'top/post23': '12 11', 'top/post24': '13 12' });
    assert.equal(await admin!.hget('feed:timeline', ''), 'keep 5');
    assert.deepEqual((await admin!.keys('*')).sort(), [
      'feed.__partitions',
      'feed.__state:content-interactions:0',
      'feed:copy',
      'feed:timeline',
      'feed:top',
    ]);
    await store.clear();
    assert.deepEqual(await admin!.keys('feed:*'), []);
  });

  it('shares a connection, which its owner closes', async (t) => {
    if (!requireComponent(t, 'redis-server')) return;
    await admin!.flushall();
    const connection = await RedisConnection.open({ host: shared!.host, port: shared!.port, db: 3 });
    t.after(() => connection.close());
    const stores = await Promise.all(['one', 'two'].map((name) => RedisProjectionStore.open({ connection, name })));
    for (const store of stores) await store.claim(P0);
    await stores[0]!.close();
    assert.equal((await stores[1]!.partitions()).length, 1);
    assert.deepEqual(await admin!.keys('*'), [], 'another database number');
  });

  it('refuses names that could reach into other keys, and a Redis that may drop documents', async (t) => {
    if (!requireComponent(t, 'redis-server')) return;
    const { host, port } = shared!;
    for (const name of ['', 'a:b', 'a.b', 'a*', 'a b']) {
      await assert.rejects(RedisProjectionStore.open({ host, port, name }), (e) => isKitError(e, 'INVALID_STORE_NAME'));
    }
    const store = await RedisProjectionStore.open({ host, port, name: 'engagement' });
    t.after(() => store.close());
    await admin!.config('SET', 'maxmemory', '1gb', 'maxmemory-policy', 'allkeys-lru');
    await assert.rejects(store.claim(P0), (error) => isKitError(error, 'STORE_MAY_EVICT'));
    await admin!.config('SET', 'maxmemory', '0', 'maxmemory-policy', 'noeviction');
    await store.claim(P0);
  });

  it('a batch that fails midway changes nothing', async (t) => {
    if (!requireComponent(t, 'redis-server')) return;
    await admin!.flushall();
    const store = await RedisProjectionStore.open({ host: shared!.host, port: shared!.port, name: 'engagement' });
    t.after(() => store.close());
    const { epoch } = await store.claim(P0);
    await admin!.set('engagement:in-the-way', 'not a hash');
    const effects = [likes(0), likes(1, 'in-the-way'), likes(2, 'other')];
    await assert.rejects(store.apply(batch(epoch, null, 3, { effects })), unavailable);
    assert.deepEqual([await store.get('post_991'), await store.get('other')], [null, null]);
    await admin!.del('engagement:in-the-way');
    const outcome = await store.apply(batch(epoch, null, 3, { effects }));
    assert.deepEqual(outcome, { status: 'ok', duplicates: [] });
  });

  it('a clear that was left halfway is finished by the next claim; until then nothing is applied', async (t) => {
    if (!requireComponent(t, 'redis-server')) return;
    await admin!.flushall();
    const store = await RedisProjectionStore.open({ host: shared!.host, port: shared!.port, name: 'engagement' });
    t.after(() => store.close());
    const { epoch } = await store.claim(P0);
    await store.apply(batch(epoch, null, 2, { effects: [likes(0), likes(1, 'other')] }));
    await admin!.set('engagement.__clearing', 'token of one who is gone');
    await admin!.del('engagement:other');
    await assert.rejects(store.apply(batch(epoch, 2, 3, { effects: [likes(2)] })), unavailable);
    const again = await store.claim(P0);
    assert.equal(again.next, null);
    assert.equal(await store.get('post_991'), null);
    assert.equal((await store.apply(batch(again.epoch, null, 1, { effects: [likes(0)] }))).status, 'ok');
    await Promise.all([store.clear(), store.clear(), store.clear()]);
    assert.deepEqual(await admin!.keys('*clearing'), []);
  });

  it('after a loss of data owners are fenced, and a claim starts from nothing with a higher epoch', async (t) => {
    if (!requireComponent(t, 'redis-server')) return;
    const store = await RedisProjectionStore.open({ host: shared!.host, port: shared!.port, name: 'engagement' });
    t.after(() => store.close());
    const { epoch, next } = await store.claim(P0);
    await store.apply(batch(epoch, next, 1, { effects: [likes(0)] }));
    await admin!.flushall();
    const late = batch(epoch, 1, 2, { effects: [likes(1)] });
    assert.deepEqual(await store.apply(late), { status: 'fenced', epoch: 0 });
    assert.equal(await admin!.dbsize(), 0);
    const again = await store.claim(P0);
    assert.ok(again.epoch > epoch);
    assert.equal(again.next, null);
    assert.equal((await store.apply(late)).status, 'fenced');
    assert.equal((await store.apply(batch(again.epoch, null, 1, { effects: [likes(0)] }))).status, 'ok');
  });

  it('fails fast while Redis is down, and goes on by itself when it is back', async (t) => {
    const redis = await startRedis(t);
    if (redis === undefined) return;
    const store = await RedisProjectionStore.open({ host: redis.host, port: redis.port, name: 'engagement' });
    t.after(() => store.close());
    const { epoch } = await store.claim(P0);
    await redis.kill();
    const startedAt = performance.now();
    await assert.rejects(store.apply(batch(epoch, null, 1)), unavailable);
    await assert.rejects(store.get('post_991'), unavailable);
    assert.ok(performance.now() - startedAt < 2_500);
    await redis.restart();
    await comesBack(store);
    assert.equal((await store.apply(batch(epoch, null, 1))).status, 'fenced');
    assert.equal((await store.claim(P0)).next, null);
  });

  it('a frozen Redis fails commands within the timeout, and what was sent to it is fenced later', async (t) => {
    const redis = await startRedis(t);
    if (redis === undefined) return;
    const address = { host: redis.host, port: redis.port, commandTimeoutMs: 300 };
    const store = await RedisProjectionStore.open({ ...address, name: 'engagement' });
    t.after(() => store.close());
    const { epoch } = await store.claim(P0);
    process.kill(redis.pid, 'SIGSTOP');
    const startedAt = performance.now();
    await assert.rejects(store.apply(batch(epoch, null, 1, { effects: [likes(0)] })), unavailable);
    await assert.rejects(store.claim(P0), unavailable);
    assert.ok(performance.now() - startedAt < 2_000);
    process.kill(redis.pid, 'SIGCONT');
    await comesBack(store);
    const again = await store.claim(P0);
    const effects = [likes(again.next === null ? 0 : 1)];
    const outcome = await store.apply(batch(again.epoch, again.next, (again.next ?? 0) + 1, { effects }));
    assert.equal(outcome.status, 'ok');
    const [state] = await store.partitions();
    assert.equal(state!.tallies.applied, state!.next, 'the lost answer counts once or not at all');
  });

  it('opens without a Redis, and says so at the first command', async () => {
    const store = await RedisProjectionStore.open({ host: '127.0.0.1', port: 1, name: 'engagement' });
    await assert.rejects(store.claim(P0), (error) => unavailable(error) && /127\.0\.0\.1:1/.test(String(error)));
    await store.close();
  });
});
