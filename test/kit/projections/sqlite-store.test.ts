import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it, type TestContext } from 'node:test';
import { isKitError } from '../../../src/kit/errors.ts';
import { projectionStoreContract } from '../../../src/kit/projections/contract.ts';
import { SqliteProjectionStore } from '../../../src/kit/projections/embedded/sqlite-store.ts';

async function temporaryDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'streamsocial-projection-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

projectionStoreContract('SQLite', async (t) => {
  const directory = await temporaryDirectory(t);
  return (name, window) =>
    SqliteProjectionStore.open({ path: join(directory, `${name}.sqlite`), name, ...(window && { window }) });
});

describe('SqliteProjectionStore', () => {
  const partition = { topic: 't', partition: 0 };
  const nothing = { park: [], unpark: [], dead: 0, now: 1 };

  it('refuses a file of another projection, or of a later layout', async (t) => {
    const path = join(await temporaryDirectory(t), 'one.sqlite');
    await (await SqliteProjectionStore.open({ path, name: 'one' })).close();
    const mismatch = (error: unknown) => isKitError(error, 'STORE_MISMATCH') && !error.retriable;
    await assert.rejects(SqliteProjectionStore.open({ path, name: 'two' }), mismatch);
    const db = new DatabaseSync(path);
    db.exec('PRAGMA user_version = 99');
    db.close();
    await assert.rejects(SqliteProjectionStore.open({ path, name: 'one' }), mismatch);
  });

  it('keeps its epochs when another file takes its place: an owner from before stays fenced', async (t) => {
    const directory = await temporaryDirectory(t);
    const path = join(directory, 'other.sqlite');
    const other = await SqliteProjectionStore.open({ path, name: 'one' });
    const { epoch } = await other.claim(partition);
    const effects = [{ offset: 0, eventId: null, deltas: [{ key: 'd', add: { n: 1 } }] }];
    await other.apply({ ...partition, ...nothing, epoch, expect: null, next: 1, effects });
    await other.close();
    const store = await SqliteProjectionStore.open({ path: join(directory, 'one.sqlite'), name: 'one' });
    t.after(() => store.close());
    const owner = await store.claim(partition);
    const elsewhere = await store.claim({ topic: 't', partition: 1 });
    await store.claim(partition);
    await store.claim({ topic: 't', partition: 1 });
    await store.restore(path);
    assert.deepEqual(await store.get('d'), { n: 1 });
    const late = { ...partition, ...nothing, epoch: owner.epoch, expect: 1, next: 2, effects: [] };
    assert.deepEqual(await store.apply(late), { status: 'fenced', epoch: 2 });
    assert.deepEqual(await store.claim(partition), { epoch: 3, next: 1, parked: [] });
    const again = await store.claim({ topic: 't', partition: 1 });
    assert.deepEqual(again, { epoch: elsewhere.epoch + 2, next: null, parked: [] });
    assert.equal((await store.partitions()).length, 2);
  });

  it('brings a file of layout 1 to its own', async (t) => {
    const path = join(await temporaryDirectory(t), 'one.sqlite');
    const first = await SqliteProjectionStore.open({ path, name: 'one' });
    await first.claim(partition);
    await first.close();
    const db = new DatabaseSync(path);
    db.exec(`
      DROP TABLE entries; DROP TABLE documents; PRAGMA user_version = 1;
      CREATE TABLE documents (key TEXT PRIMARY KEY, fields TEXT NOT NULL) STRICT, WITHOUT ROWID;
      INSERT INTO documents VALUES ('post', '{"likes":2}')`);
    db.close();
    const store = await SqliteProjectionStore.open({ path, name: 'one' });
    t.after(() => store.close());
    const { epoch } = await store.claim(partition);
    const deltas = [
      { key: 'post', add: { likes: 1 } },
      { key: 'timeline', keep: 1, max: { a: 'x', b: 'y' } },
    ];
    const effects = [{ offset: 0, eventId: null, deltas }];
    await store.apply({ ...partition, ...nothing, epoch, expect: null, next: 1, effects });
    assert.deepEqual(await store.getMany(['post', 'timeline']), [{ likes: 3 }, { b: 'y' }]);
  });

  it('stores at most twice what a document keeps', async (t) => {
    const path = join(await temporaryDirectory(t), 'x.sqlite');
    const store = await SqliteProjectionStore.open({ path, name: 'x' });
    const { epoch } = await store.claim(partition);
    const db = new DatabaseSync(path, { readOnly: true });
    t.after(() => db.close());
    const counts = [];
    for (let offset = 0; offset < 25; offset++) {
      const max = { [`post${offset}`]: `t${offset + 10}` };
      const effects = [{ offset, eventId: null, deltas: [{ key: 'timeline', keep: 5, max }] }];
      await store.apply({ ...partition, ...nothing, epoch, expect: offset || null, next: offset + 1, effects });
      counts.push(db.prepare('SELECT count(*) AS n FROM entries').get()!.n as number);
    }
    assert.deepEqual(counts.slice(9, 12), [10, 5, 6]);
    assert.equal(Math.max(...counts), 10);
    await store.close();
  });

  it('says STORE_UNAVAILABLE where the file cannot be opened, is locked, or was closed', async (t) => {
    const directory = await temporaryDirectory(t);
    const unavailable = (error: unknown) => isKitError(error, 'STORE_UNAVAILABLE') && error.retriable;
    await assert.rejects(
      SqliteProjectionStore.open({ path: join(directory, 'no', 'x.sqlite'), name: 'x' }),
      unavailable,
    );
    const path = join(directory, 'x.sqlite');
    const store = await SqliteProjectionStore.open({ path, name: 'x' });
    const other = new DatabaseSync(path);
    other.exec('BEGIN IMMEDIATE');
    await assert.rejects(store.claim(partition), unavailable);
    other.exec('ROLLBACK');
    other.close();
    await store.claim(partition);
    await store.close();
    await assert.rejects(store.get('key'), unavailable);
  });

  it('keeps no more rows of ids than the cap, and none out of the window', async (t) => {
    const path = join(await temporaryDirectory(t), 'x.sqlite');
    const window = { windowMs: 50, maxIdsPerPartition: 1_000 };
    const store = await SqliteProjectionStore.open({ path, name: 'x', window });
    const { epoch } = await store.claim(partition);
    const db = new DatabaseSync(path, { readOnly: true });
    t.after(() => db.close());
    const rows = () => db.prepare('SELECT count(*) AS n FROM seen_ids').get()!.n as number;
    for (let batch = 0; batch < 30; batch++) {
      const effects = Array.from({ length: 130 }, (_, n) => ({ offset: n, eventId: `${batch}-${n}`, deltas: [] }));
      const expect = batch === 0 ? null : batch;
      await store.apply({ ...partition, ...nothing, epoch, expect, next: batch + 1, effects, now: batch });
      assert.ok(rows() <= 1_000);
    }
    assert.equal(rows(), 1_000);
    for (let batch = 30; batch < 40; batch++) {
      const effects = [{ offset: batch, eventId: `late-${batch}`, deltas: [] }];
      await store.apply({ ...partition, ...nothing, epoch, expect: batch, next: batch + 1, effects, now: 1_000 });
    }
    assert.equal(rows(), 10);
    await store.close();
  });
});
