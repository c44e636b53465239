import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { isKitError } from '../../../src/kit/errors.ts';
import { VersionedStore } from '../../../src/kit/projections/versioned-store.ts';
import { FIRST_VERSIONS, type VersionPointer } from '../../../src/kit/projections/versions.ts';
import { FileVersionPointer } from '../../../src/kit/projections/versions-file.ts';
import { RedisVersionPointer } from '../../../src/kit/projections/versions-redis.ts';
import { RedisConnection } from '../../../src/kit/stores/redis.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { MemoryStore } from '../../support/memory-store.ts';
import { startRedis } from '../../support/redis.ts';

const place = { topic: 't', partition: 0 };
const LEASE_MS = 1_000;

async function filePointer(t: TestContext): Promise<{ path: string; pointer: VersionPointer }> {
  const directory = await mkdtemp(join(tmpdir(), 'streamsocial-versions-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const path = join(directory, 'p.version.json');
  return { path, pointer: new FileVersionPointer(path) };
}

/** Two processes' views of one projection. */
async function twoViews(t: TestContext) {
  const clock = new ManualClock();
  const { pointer } = await filePointer(t);
  const stores = new Map<number, MemoryStore>();
  const dropped: number[] = [];
  const view = () =>
    new VersionedStore({
      name: 'p',
      pointer,
      clock,
      open: async (version) => {
        if (!stores.has(version)) stores.set(version, new MemoryStore('p'));
        return stores.get(version)!;
      },
      drop: async (version) => {
        dropped.push(version);
        stores.delete(version);
      },
    });
  return { clock, stores, dropped, views: [view(), view()] as const };
}

function batch(epoch: number, expect: number | null, next: number) {
  const effects = [{ offset: next - 1, eventId: `e-${next}`, deltas: [{ key: 'k', add: { n: 1 } }] }];
  return { ...place, epoch, expect, next, effects, park: [], unpark: [], dead: 0, now: 1 };
}

async function pointerContract(pointer: VersionPointer): Promise<void> {
  assert.deepEqual(await pointer.read(), FIRST_VERSIONS);
  const second = { ...FIRST_VERSIONS, live: 2, last: 2, retired: [{ version: 1, dropAt: 5 }] };
  assert.equal(await pointer.compareAndSet(second, FIRST_VERSIONS), false);
  assert.equal(await pointer.compareAndSet(FIRST_VERSIONS, second), true);
  assert.equal(await pointer.compareAndSet(FIRST_VERSIONS, second), false);
  assert.deepEqual(await pointer.read(), second);
}

describe('a pointer to the live version', () => {
  it('in a file is replaced as a whole, by who knows what it was', async (t) => {
    const { path, pointer } = await filePointer(t);
    await pointerContract(pointer);
    assert.equal(JSON.parse(await readFile(path, 'utf8')).live, 2);
  });

  it('in Redis is replaced as a whole, by who knows what it was', async (t) => {
    const server = await startRedis(t);
    if (server === undefined) return;
    const redis = await RedisConnection.open({ host: server.host, port: server.port });
    t.after(() => redis.close());
    await pointerContract(new RedisVersionPointer(redis, 'p'));
  });
});

describe('a versioned store', () => {
  it('sends owners to the new version: mismatch, claim, go on at its position', async (t) => {
    const { stores, views } = await twoViews(t);
    const [owner, other] = views;
    const first = await owner.claim(place);
    assert.deepEqual(await owner.apply(batch(first.epoch, null, 1)), { status: 'ok', duplicates: [] });
    const lease = await other.begin('beside', LEASE_MS);
    const filled = await lease.target.claim(place);
    await lease.target.apply(batch(filled.epoch, null, 7));
    await lease.switching(true);
    await lease.live.claim(place);
    await assert.rejects(owner.apply(batch(first.epoch, 1, 2)), (error) => isKitError(error, 'STORE_UNAVAILABLE'));
    await assert.rejects(owner.claim(place), (error) => isKitError(error, 'STORE_UNAVAILABLE'));
    await lease.commit({ keep: false, graceMs: 0 });
    assert.deepEqual(await owner.apply(batch(first.epoch, 1, 2)), { status: 'mismatch', next: null });
    const [state] = await owner.partitions();
    assert.deepEqual([state!.epoch, state!.next], [0, 7], 'its claim is one of another version');
    const second = await owner.claim(place);
    assert.equal(second.next, 7);
    assert.ok(second.epoch > first.epoch);
    assert.deepEqual(await owner.apply(batch(second.epoch, 7, 8)), { status: 'ok', duplicates: [] });
    assert.deepEqual(await other.get('k'), { n: 2 });
    assert.deepEqual([...stores.keys()], [1, 2]);
  });

  it('ends a rebuild that does not answer any more, and nothing of it is left', async (t) => {
    const { clock, dropped, views } = await twoViews(t);
    const [owner, other] = views;
    const claim = await owner.claim(place);
    await owner.apply(batch(claim.epoch, null, 1));
    const lease = await other.begin('beside', LEASE_MS);
    await lease.switching(true);
    await lease.live.claim(place);
    await assert.rejects(owner.begin('beside', LEASE_MS), (error) => isKitError(error, 'REBUILD_RUNNING'));
    await clock.advance(LEASE_MS + 1);
    const again = await owner.claim(place);
    assert.deepEqual(await owner.apply(batch(again.epoch, 1, 2)), { status: 'ok', duplicates: [] });
    for (const late of [() => lease.renew(), () => lease.commit({ keep: false, graceMs: 0 })])
      await assert.rejects(late(), (error) => isKitError(error, 'REBUILD_LOST'));
    await lease.abandon();
    await owner.dropRetired();
    assert.deepEqual(dropped, [2]);
    assert.equal((await owner.begin('beside', LEASE_MS)).version, 3, 'no number is used twice');
  });

  it('goes on as long as it is renewed', async (t) => {
    const { clock, views } = await twoViews(t);
    const lease = await views[0].begin('beside', LEASE_MS);
    for (let time = 0; time < 5; time++) {
      await clock.advance(LEASE_MS - 1);
      await lease.renew();
    }
    await lease.commit({ keep: false, graceMs: 0 });
    assert.equal((await views[1].versions()).live, 2);
  });

  it('lets readers finish with what was live, for the time of grace, unless it is kept', async (t) => {
    const { clock, dropped, views } = await twoViews(t);
    const [store] = views;
    await (await store.begin('beside', LEASE_MS)).commit({ keep: false, graceMs: 500 });
    await store.dropRetired();
    assert.deepEqual(dropped, []);
    await clock.advance(500);
    await store.dropRetired();
    assert.deepEqual(dropped, [1]);
    await (await store.begin('beside', LEASE_MS)).commit({ keep: true, graceMs: 0 });
    await store.dropRetired();
    assert.deepEqual([dropped, (await store.versions()).kept], [[1], 2]);
    await (await store.begin('beside', LEASE_MS)).commit({ keep: true, graceMs: 0 });
    await store.dropRetired();
    assert.deepEqual([dropped, (await store.versions()).kept], [[1, 2], 3]);
  });

  it('shows readers elsewhere the new version within 200 ms', async (t) => {
    const { clock, stores, views } = await twoViews(t);
    const [reader, other] = views;
    assert.equal(await reader.get('k'), null);
    const lease = await other.begin('beside', LEASE_MS);
    const { epoch } = await lease.target.claim(place);
    await lease.target.apply(batch(epoch, null, 1));
    await lease.commit({ keep: false, graceMs: 10_000 });
    assert.equal(await reader.get('k'), null);
    await clock.advance(200);
    assert.deepEqual(await reader.get('k'), { n: 1 });
    assert.equal(stores.size, 2);
  });
});
