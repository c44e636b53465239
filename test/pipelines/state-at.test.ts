import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { isKitError } from '../../src/kit/errors.ts';
import type { ProjectionName } from '../../src/pipelines/projection.ts';
import { until } from '../support/until.ts';
import { bytesOf, rebuildScene, type Scene } from './rebuild-scene.ts';

/** A moment after everything so far, and before everything to come. */
async function moment(): Promise<number> {
  const at = Date.now() + 1;
  await until(() => Date.now() >= at, { everyMs: 1 });
  return at;
}

async function likesAt(scene: Scene, key: string, at: number): Promise<unknown> {
  return scene.past.read(['engagement'], at, async ({ engagement }, origin) => ({
    likes: (await engagement.get(key))?.likes,
    folded: origin.engagement.folded,
    from: origin.engagement.fromSnapshot,
  }));
}

describe('the state before a time', () => {
  it('has what was appended before it, and nothing of what came later', async (t) => {
    const scene = await rebuildScene(t);
    await scene.like('post_1');
    const one = await moment();
    await scene.like('post_1');
    await scene.like('post_2');
    const three = await moment();
    const from = null;
    assert.deepEqual(await likesAt(scene, 'post_1', 0), { likes: undefined, folded: 0, from });
    assert.deepEqual(await likesAt(scene, 'post_1', one), { likes: 1, folded: 1, from });
    assert.deepEqual(await likesAt(scene, 'post_1', three), { likes: 2, folded: 3, from });
    assert.deepEqual(await likesAt(scene, 'post_2', one), { likes: undefined, folded: 1, from });
  });

  it('is, for now, what every projection holds, given-up events left out', async (t) => {
    const scene = await rebuildScene(t);
    await scene.publish(1_500, 7);
    await scene.consume();
    await scene.quiet();
    const names: ProjectionName[] = scene.projections.map(({ name }) => name);
    const at = await moment();
    await scene.past.read(names, at, async (state) => {
      for (const name of names) assert.equal(await bytesOf(state[name]), await bytesOf(scene.stores[name]), name);
    });
    assert.deepEqual(await readdir(join(scene.directory, 'scratch')), []);
  });

  it('goes on from the newest snapshot before it; one that is broken is told of and left out', async (t) => {
    const scene = await rebuildScene(t, { limits: { snapshotAfter: 2 } });
    await scene.like('post_1');
    await scene.like('post_1');
    const two = await moment();
    const from = new Date(two).toISOString();
    assert.deepEqual(await likesAt(scene, 'post_1', two), { likes: 2, folded: 2, from: null });
    assert.deepEqual(await likesAt(scene, 'post_1', two), { likes: 2, folded: 0, from });
    await scene.like('post_1');
    const three = await moment();
    assert.deepEqual(await likesAt(scene, 'post_1', three), { likes: 3, folded: 1, from });
    assert.deepEqual(await likesAt(scene, 'post_1', two - 1_000), { likes: undefined, folded: 0, from: null });
    const directory = join(scene.directory, 'snapshots', 'engagement');
    const [file] = (await readdir(directory)).filter((name) => name.endsWith('.snapshot'));
    await writeFile(join(directory, file!), 'spoilt');
    assert.deepEqual(await likesAt(scene, 'post_1', three), { likes: 3, folded: 3, from: null });
    assert.match(scene.warnings.join(), /is not as it was written: removed/);
  });

  it('counts an event once, whether a snapshot lies between its two copies or not', async (t) => {
    const scene = await rebuildScene(t, { limits: { snapshotAfter: 1 } });
    await scene.like('post_1');
    const [partition] = (await scene.log.describe(['content-interactions'])).topics[0]!.partitions.filter(() => true);
    assert.ok(partition !== undefined);
    const first = await moment();
    assert.deepEqual(await likesAt(scene, 'post_1', first), { likes: 1, folded: 1, from: null });
    for (let at = 0; at < 6; at++) {
      const place = { topic: 'content-interactions', partition: at };
      const { records } = await scene.log.read({ ...place, offset: 0 });
      if (records.length > 0)
        await scene.log.append({ ...place, records: [{ ...records[0]!, timestamp: Date.now() }] });
    }
    const second = await moment();
    const from = new Date(first).toISOString();
    assert.deepEqual(await likesAt(scene, 'post_1', second), { likes: 1, folded: 1, from });
  });

  it('serves a few at a time, tells the others to come later, and stops when nobody waits any more', async (t) => {
    const scene = await rebuildScene(t, { limits: { folds: 1, waiting: 1 } });
    const release = Promise.withResolvers<void>();
    const first = scene.past.read(['engagement'], 1, () => release.promise);
    const gone = new AbortController();
    const second = scene.past.read(['engagement'], 1, async () => 'second', gone.signal);
    await assert.rejects(
      scene.past.read(['engagement'], 1, async () => {}),
      (error) => isKitError(error, 'TOO_MANY_FOLDS'),
    );
    gone.abort();
    await assert.rejects(second, { name: 'AbortError' });
    const third = scene.past.read(['engagement'], 1, async () => 'third');
    release.resolve();
    await first;
    assert.equal(await third, 'third');
  });

  it('says that it took too long to those as well who waited for their turn', async (t) => {
    const scene = await rebuildScene(t, { limits: { folds: 1, waiting: 1, timeoutMs: 300 } });
    const [begun, release] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const first = scene.past.read(['engagement'], 1, () => {
      begun.resolve();
      return release.promise;
    });
    try {
      await begun.promise;
      const second = scene.past.read(['engagement'], 1, async () => 'second');
      await assert.rejects(second, (error) => isKitError(error, 'FOLD_TOO_LONG'));
    } finally {
      release.resolve();
    }
    await first;
    assert.equal(await scene.past.read(['engagement'], 1, async () => 'third'), 'third');
  });
});
