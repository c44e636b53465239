import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { project } from '../../src/domains/social/engagement.ts';
import { isKitError } from '../../src/kit/errors.ts';
import { PROJECTION_NAMES } from '../../src/pipelines/projection.ts';
import { reconcile } from '../../src/pipelines/reconciliation.ts';
import { startRedis } from '../support/redis.ts';
import { until } from '../support/until.ts';
import { bytesOf, ended, rebuildScene, type Scene } from './rebuild-scene.ts';

const EVENTS = 1_500;

async function rebuildsAll(scene: Scene): Promise<void> {
  await scene.publish(EVENTS, 1);
  await scene.consume();
  await scene.quiet();
  for (const name of PROJECTION_NAMES) {
    const store = scene.stores[name];
    const before = [await bytesOf(store), (await store.partitions()).map(({ epoch: _, ...state }) => state)];
    assert.ok(before[0]!.length > 100, `${name} has documents`);
    const compared = await scene.rebuild(name, { shadow: true, diff: true });
    assert.deepEqual([compared.error, compared.swapped, compared.comparison?.differing], [null, false, 0], name);
    const swapped = await scene.rebuild(name, { shadow: true });
    assert.deepEqual([swapped.error, swapped.swapped], [null, true], name);
    assert.equal((await store.versions()).live, swapped.version);
    const after = [await bytesOf(store), (await store.partitions()).map(({ epoch: _, ...state }) => state)];
    assert.deepEqual(after, before, `${name}: documents, positions and tallies`);
  }
  await scene.publish(500, 2);
  await scene.quiet();
  const [engagement, activity, ...reacting] = scene.projections;
  const result = await reconcile(scene.log, [engagement!, activity!], reacting);
  const dead = result.topics.reduce((sum, topic) => sum + topic.dead_lettered, 0);
  assert.ok(dead > 10, 'some were given up');
  assert.deepEqual([result.differing, result.balanced], [0, true]);
}

describe('a rebuild', () => {
  it('comes to the same bytes, positions and tallies, for every projection (SQLite)', async (t) => {
    const scene = await rebuildScene(t);
    await rebuildsAll(scene);
    const files = (await readdir(scene.directory)).filter((name) => name.endsWith('.db'));
    const live = PROJECTION_NAMES.map((name) => `${name}-v3.db`);
    assert.deepEqual(
      live.filter((name) => !files.includes(name)),
      [],
    );
  });

  it('comes to the same bytes, positions and tallies, for every projection (Redis)', async (t) => {
    const redis = await startRedis(t);
    if (redis !== undefined)
      await rebuildsAll(await rebuildScene(t, { redis: { host: redis.host, port: redis.port } }));
  });

  it('waits for a decision after it has compared, keeps up meanwhile, and swaps or lets go', async (t) => {
    const scene = await rebuildScene(t);
    await scene.publish(800, 3);
    await scene.consume();
    await scene.quiet();
    const waiting = async () => {
      await scene.rebuilds.start('engagement', { shadow: true, diff: true, ask: true });
      return until(() =>
        scene.rebuilds.report('engagement').decide_by === null ? null : scene.rebuilds.report('engagement'),
      );
    };
    const first = await waiting();
    assert.deepEqual([first.phase, first.comparison?.differing, first.swapped], ['deciding', 0, false]);
    assert.ok(first.total! > 100 && first.folded >= first.total!);
    await scene.publish(800, 4);
    await scene.quiet();
    const before = await bytesOf(scene.stores.engagement);
    scene.rebuilds.decide('engagement', true);
    const swapped = await ended(scene.rebuilds, 'engagement');
    assert.deepEqual([swapped.error, swapped.state, swapped.swapped, swapped.decide_by], [null, 'DONE', true, null]);
    assert.equal((await scene.stores.engagement.versions()).live, 2);
    await scene.quiet();
    assert.equal(await bytesOf(scene.stores.engagement), before);
    assert.throws(
      () => scene.rebuilds.decide('engagement', true),
      (error) => isKitError(error, 'REBUILD_NOT_WAITING'),
    );

    await waiting();
    scene.rebuilds.decide('engagement', false);
    const left = await ended(scene.rebuilds, 'engagement');
    assert.deepEqual([left.state, left.swapped], ['DONE', false]);
    await waiting();
    assert.equal((await scene.rebuilds.cancel('engagement')).state, 'CANCELLED');
    assert.equal((await scene.stores.engagement.versions()).live, 2);
    await scene.publish(50, 5);
    await scene.quiet();
    const result = await reconcile(scene.log, [scene.projections[0]!]);
    assert.deepEqual([result.differing, result.balanced], [0, true]);
    for (const wrong of [
      { shadow: true, ask: true },
      { shadow: true, diff: true, execute: true, ask: true },
    ])
      await assert.rejects(scene.rebuilds.start('engagement', wrong), (error) => isKitError(error, 'INVALID_ARGUMENT'));
  });

  it('goes on while events arrive, and loses and repeats none', async (t) => {
    const scene = await rebuildScene(t);
    await scene.publish(2_000, 3);
    await scene.consume();
    let publishing = true;
    const traffic = (async () => {
      // some 2,000 a second
      for (let seed = 10; publishing; seed++) await Promise.all([scene.publish(50, seed), delay(25)]);
    })();
    for (let round = 0; round < 3; round++) {
      const { error, swapped } = await scene.rebuild('engagement', { shadow: true });
      assert.deepEqual([error, swapped], [null, true]);
    }
    const inPlace = await scene.rebuild('engagement', { shadow: false, execute: true });
    assert.equal(inPlace.error, null);
    publishing = false;
    await traffic;
    await scene.quiet();
    const result = await reconcile(scene.log, [scene.projections[0]!]);
    assert.deepEqual([result.differing, result.balanced], [0, true]);
    assert.equal((await scene.stores.engagement.versions()).live, 4);
  });

  it('shows what a changed function changes, and swaps it in when told to', async (t) => {
    const scene = await rebuildScene(t);
    await scene.like('post_1');
    await scene.like('post_2');
    await scene.consume();
    await scene.quiet();
    const rebuilds = scene.changed('engagement', (event) =>
      project(event).map((delta) => (delta.key === 'post_1' ? { ...delta, add: { likes: 10 } } : delta)),
    );
    await rebuilds.start('engagement', { shadow: true, diff: true });
    const { comparison, swapped } = await ended(rebuilds, 'engagement');
    assert.deepEqual([comparison?.compared, comparison?.differing, swapped], [2, 1, false]);
    const [difference] = comparison!.differences;
    assert.deepEqual([difference!.key, difference!.live!.likes, difference!.rebuilt!.likes], ['post_1', 1, 10]);
    assert.equal((await scene.stores.engagement.get('post_1'))!.likes, 1);
    await rebuilds.start('engagement', { shadow: true, diff: true, execute: true, keep: true });
    assert.equal((await ended(rebuilds, 'engagement')).swapped, true);
    assert.equal((await scene.stores.engagement.get('post_1'))!.likes, 10);
    assert.equal((await scene.stores.engagement.versions()).kept, 1);
  });

  it('that fails or is cancelled leaves the live version as it was', async (t) => {
    const scene = await rebuildScene(t);
    await scene.publish(2_000, 4);
    await scene.consume();
    await scene.quiet();
    const before = await bytesOf(scene.stores.engagement);
    const broken = scene.changed('engagement', () => {
      throw new Error('no such field');
    });
    await broken.start('engagement', { shadow: true });
    const failed = await ended(broken, 'engagement');
    assert.deepEqual([failed.state, failed.error?.code], ['FAILED', 'REBUILD_FAILED']);
    assert.match(failed.error!.message, /content-interactions:\d:0: no such field/);
    await scene.rebuilds.start('engagement', { shadow: true });
    await assert.rejects(scene.rebuilds.start('feed', { shadow: true }), (error) =>
      isKitError(error, 'REBUILD_RUNNING'),
    );
    const cancelled = await scene.rebuilds.cancel('engagement');
    assert.equal(cancelled.state, 'CANCELLED');
    assert.equal(await bytesOf(scene.stores.engagement), before);
    const { live, work, retired } = await scene.stores.engagement.versions();
    assert.deepEqual([live, work, retired], [1, null, []]);
    assert.deepEqual(
      (await readdir(scene.directory)).filter((name) => /engagement-v/.test(name)),
      [],
    );
  });

  it('from a time on keeps what was so until then, with SQLite and with Redis', async (t) => {
    const redis = await startRedis(t);
    for (const address of [undefined, ...(redis === undefined ? [] : [{ host: redis.host, port: redis.port }])]) {
      const scene = await rebuildScene(t, { limits: { snapshotAfter: 1 }, ...(address && { redis: address }) });
      await scene.publish(500, 5, 0);
      await scene.like('post_1');
      await scene.consume();
      await scene.quiet();
      const at = Date.now() + 1;
      await until(() => Date.now() > at);
      for (const name of ['engagement', 'feed'] as const) await scene.past.read([name], at, async () => {});
      await scene.like('post_1');
      await scene.like('post_1');
      await scene.quiet();
      const before = await bytesOf(scene.stores.engagement);
      const feed = await scene.rebuild('feed', { shadow: true, from: Date.now(), diff: true });
      assert.deepEqual([feed.error, feed.comparison?.differing], [null, 0]);
      const same = await scene.rebuild('engagement', { shadow: true, from: Date.now() });
      assert.deepEqual([same.error, same.from_snapshot, same.folded], [null, new Date(at).toISOString(), 2]);
      assert.equal(await bytesOf(scene.stores.engagement), before);
      const changed = scene.changed('engagement', (event) =>
        project(event).map((delta) => ({ ...delta, add: { likes: 100 } })),
      );
      await changed.start('engagement', { shadow: true, from: Date.now() });
      assert.equal((await ended(changed, 'engagement')).error, null);
      assert.equal((await scene.stores.engagement.get('post_1'))!.likes, likesOf(before, 'post_1') - 2 + 200);
      const result = await reconcile(scene.log, [scene.projections[0]!]);
      assert.deepEqual(
        result.topics.map(({ balanced }) => balanced),
        [true],
      );
    }
  });
});

function likesOf(bytes: string, key: string): number {
  const line = bytes.split('\n').find((one) => one.startsWith(`["${key}"`))!;
  return (JSON.parse(line) as [string, { likes: number }])[1].likes;
}
