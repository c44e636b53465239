import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { SnapshotDirectory } from '../../../src/kit/projections/snapshot-directory.ts';

async function scene(t: TestContext, keep?: number) {
  const root = await mkdtemp(join(tmpdir(), 'streamsocial-snapshots-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  const directory = join(root, 'of-p');
  const broken: string[] = [];
  const snapshots = new SnapshotDirectory({
    directory,
    onBroken: (why) => broken.push(why),
    ...(keep === undefined ? {} : { keep }),
  });
  const add = async (at: number, content: string) => {
    await writeFile(join(root, 'new'), content);
    await snapshots.add({ at, positions: [{ topic: 't', partition: 0, offset: at }], madeBy: 'me' }, join(root, 'new'));
  };
  return { root, directory, broken, snapshots, add };
}

describe('a directory of snapshots', () => {
  it('gives back what it was given, oldest first', async (t) => {
    const { root, snapshots, add } = await scene(t);
    assert.deepEqual(await snapshots.list(), []);
    await add(20, 'twenty');
    await add(10, 'ten');
    const list = await snapshots.list();
    assert.deepEqual(
      list.map(({ at, bytes, madeBy }) => [at, bytes, madeBy]),
      [
        [10, 3, 'me'],
        [20, 6, 'me'],
      ],
    );
    assert.equal(await snapshots.restore(list[1]!, join(root, 'copy')), true);
    assert.equal(await readFile(join(root, 'copy'), 'utf8'), 'twenty');
  });

  it('tells of one that is broken, and removes it', async (t) => {
    const { root, directory, broken, snapshots, add } = await scene(t);
    await add(1, 'one');
    await add(2, 'two');
    const [one, two] = await snapshots.list();
    await appendFile(join(directory, `${one!.id}.snapshot`), '!');
    assert.equal(await snapshots.restore(one!, join(root, 'copy')), false);
    await writeFile(join(directory, `${two!.id}.json`), '{"at"');
    assert.deepEqual(await snapshots.list(), []);
    assert.equal(broken.length, 2);
    assert.deepEqual(await readdir(directory), []);
  });

  it('keeps so many, spread over time, the oldest and the newest among them', async (t) => {
    const { directory, snapshots, add } = await scene(t, 4);
    for (const at of [0, 100, 200, 201, 300, 310, 400]) await add(at, String(at));
    const kept = (await snapshots.list()).map(({ at }) => at);
    assert.equal(kept.length, 4);
    assert.deepEqual([kept[0], kept.at(-1)], [0, 400]);
    assert.ok(
      kept.every((at, index) => index === 0 || at - kept[index - 1]! >= 90),
      kept.join(),
    );
    assert.equal((await readdir(directory)).length, 8);
  });

  it('removes what is not wanted', async (t) => {
    const { snapshots, add } = await scene(t);
    for (const at of [1, 2, 3]) await add(at, 'x');
    await snapshots.removeWhere(({ at }) => at > 1);
    assert.deepEqual(
      (await snapshots.list()).map(({ at }) => at),
      [1],
    );
  });
});
