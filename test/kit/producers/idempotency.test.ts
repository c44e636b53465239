import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Redis } from 'ioredis';
import { isKitError, KitError } from '../../../src/kit/errors.ts';
import { SqliteIdempotencyStore } from '../../../src/kit/producers/embedded/sqlite-idempotency-store.ts';
import { idempotencyStoreContract } from '../../../src/kit/producers/idempotency-contract.ts';
import {
  type IdempotencyRecord,
  IdempotencyStore,
  type IdempotencyTable,
} from '../../../src/kit/producers/idempotency-store.ts';
import { RedisIdempotencyStore } from '../../../src/kit/producers/redis/redis-idempotency-store.ts';
import { launchRedis } from '../../support/redis.ts';
import { missing, requireComponent } from '../../support/requirements.ts';
import { until } from '../../support/until.ts';

let redis: Awaited<ReturnType<typeof launchRedis>> | undefined;
let admin: Redis | undefined;
before(async () => {
  if (missing('redis-server') !== undefined) return;
  redis = await launchRedis();
  admin = new Redis({ host: redis.host, port: redis.port });
});
after(async () => {
  admin?.disconnect();
  await redis?.stop();
});

idempotencyStoreContract('SQLite', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'streamsocial-idempotency-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return (options) => SqliteIdempotencyStore.open({ path: join(directory, 'idempotency.db'), ...options });
});

idempotencyStoreContract('Redis', async (t) => {
  if (!requireComponent(t, 'redis-server')) return undefined;
  await admin!.flushall();
  return (options) => RedisIdempotencyStore.open({ host: redis!.host, port: redis!.port, ...options });
});

describe('RedisIdempotencyStore', () => {
  it('forgets answer and order together', async (t) => {
    if (!requireComponent(t, 'redis-server')) return;
    await admin!.flushall();
    const bounds = { windowMs: 1_000_000, maxEntries: 10 };
    const store = await RedisIdempotencyStore.open({ host: redis!.host, port: redis!.port, bounds });
    t.after(() => store.close());
    const keys = Array.from({ length: 25 }, (_, n) => `k${n}`);
    await store.beginMany(keys.map((key) => ({ key, bodyHash: 'hash' })));
    store.completeMany(keys.map((key) => ({ key, answer: 'answer' })));
    await store.flush();
    const left = [await admin!.hlen('idempotency.__answers'), await admin!.zcard('idempotency.__order')];
    assert.deepEqual(left, [10, 10]);
  });
});

/** A table that is down when told so, and counts the groups it gets. */
class FragileTable implements IdempotencyTable {
  readonly records = new Map<string, IdempotencyRecord>();
  groups = 0;
  lookups = 0;
  gate: Promise<void> = Promise.resolve();
  down = false;

  async lookup(keys: readonly string[]): Promise<(IdempotencyRecord | null)[]> {
    this.lookups++;
    await this.gate;
    this.#refuseWhenDown();
    return keys.map((key) => this.records.get(key) ?? null);
  }

  async store(records: readonly IdempotencyRecord[]): Promise<void> {
    this.groups++;
    this.#refuseWhenDown();
    for (const record of records) this.records.set(record.key, record);
  }

  async close(): Promise<void> {}

  #refuseWhenDown(): void {
    if (this.down) throw new KitError('STORE_UNAVAILABLE', 'down', { retriable: true });
  }
}

describe('IdempotencyStore', () => {
  it('writes answers in groups, soon', async () => {
    const table = new FragileTable();
    const store = new IdempotencyStore(table, { flushDelayMs: 5 });
    for (let n = 0; n < 100; n++) {
      await store.begin(`k${n}`, 'hash');
      store.complete(`k${n}`, 'answer');
    }
    await until(() => table.records.size === 100, { what: 'a flush' });
    assert.ok(table.groups <= 50, `${table.groups} groups`);
    await store.close();
  });

  it('keeps answers while the table is down, writes them when it is back, and nothing begins meanwhile', async () => {
    const table = new FragileTable();
    const store = new IdempotencyStore(table, { flushDelayMs: 5 });
    await store.begin('k', 'hash');
    table.down = true;
    store.complete('k', 'answer');
    await until(() => table.groups >= 3, { what: 'repeated flushes' });
    assert.deepEqual(await store.begin('k', 'hash'), { status: 'known', answer: 'answer' });
    await assert.rejects(store.begin('other', 'hash'), (error) => isKitError(error, 'STORE_UNAVAILABLE'));
    table.down = false;
    await until(() => table.records.size === 1, { what: 'a flush' });
    assert.deepEqual(await store.begin('other', 'hash'), { status: 'new' });
    assert.equal(store.lost, 0);
    await store.close();
  });

  it('knows an answer that is written while other keys of the same call are looked up', async () => {
    const table = new FragileTable();
    const store = new IdempotencyStore(table, { flushDelayMs: 60_000 });
    await store.begin('held', 'hash');
    const lookup = Promise.withResolvers<void>();
    table.gate = lookup.promise;
    const outcomes = store.beginMany(['held', 'other'].map((key) => ({ key, bodyHash: 'hash' })));
    await until(() => table.lookups === 2, { what: 'the lookup' });
    store.complete('held', 'answer');
    await store.flush();
    lookup.resolve();
    assert.deepEqual(await outcomes, [{ status: 'known', answer: 'answer' }, { status: 'new' }]);
    await store.close();
  });

  it('drops the oldest answers beyond half of its room when the table stays down, and counts them', async () => {
    const table = new FragileTable();
    const store = new IdempotencyStore(table, { maxHeld: 10, flushDelayMs: 60_000 });
    for (let n = 0; n < 4; n++) {
      const keys = [`${n}a`, `${n}b`, `${n}c`];
      await store.beginMany(keys.map((key) => ({ key, bodyHash: 'hash' })));
      store.completeMany(keys.map((key) => ({ key, answer: 'answer' })));
      table.down = true;
      await store.flush();
      table.down = false;
    }
    assert.equal(store.lost, 7);
    await store.close();
    assert.deepEqual([...table.records.keys()].sort(), ['2b', '2c', '3a', '3b', '3c']);
  });
});
