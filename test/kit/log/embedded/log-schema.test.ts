import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { writeBaseOffset } from '../../../../src/kit/log/embedded/batch-header.ts';
import { encodeBatch } from '../../../../src/kit/log/embedded/record-batch.ts';
import { AT, append, directoryFor, openStore, readAll, record, told } from './store-support.ts';

/** The tables of the first format. */
const VERSION_1 = `
  PRAGMA journal_mode = WAL;
  CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE topics (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, partitions INTEGER NOT NULL, config TEXT NOT NULL);
  CREATE TABLE batches (
    topic_id INTEGER NOT NULL, partition INTEGER NOT NULL, base_offset INTEGER NOT NULL, last_offset INTEGER NOT NULL,
    max_timestamp INTEGER NOT NULL, record_count INTEGER NOT NULL, bytes BLOB NOT NULL);
  CREATE UNIQUE INDEX batches_by_offset ON batches (topic_id, partition, base_offset);`;

function makeVersion1(directory: string, version: number, batches: number): number {
  const database = new DatabaseSync(join(directory, 'log.db'));
  database.exec(VERSION_1);
  database.exec(`PRAGMA user_version = ${version}`);
  if (version > 0) database.prepare(`INSERT INTO meta VALUES ('cluster_id', 'the-cluster')`).run();
  database.exec(`INSERT INTO topics VALUES (3, 't', 2, '{"retention.ms":"-1"}'), (5, 'empty', 1, '{}')`);
  const insert = database.prepare('INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?, ?)');
  let size = 0;
  for (let i = 0; i < batches; i++) {
    const bytes = encodeBatch([record(`k${i % 3}`, `a${i}`, 1_000 + i), record(`k${i % 3}`, `b${i}`, 1_000 + i)]);
    writeBaseOffset(bytes, i * 2);
    insert.run(3, 0, i * 2, i * 2 + 1, 1_000 + i, 2, bytes);
    size += bytes.length;
  }
  database.close();
  return size;
}

for (const version of [0, 1]) {
  test(`a file of the first format (told as ${version}) is taken over with everything in it`, async (t) => {
    const directory = await directoryFor(t);
    const size = makeVersion1(directory, version, 10);
    let store = openStore(t, { directory });
    if (version > 0) assert.equal(store.clusterId, 'the-cluster');
    const uuids = store.topics().map(({ uuid }) => uuid);
    assert.deepEqual(
      store.topics().map(({ id, name, partitions, config }) => [id, name, partitions, config]),
      [
        [5, 'empty', 1, {}],
        [3, 't', 2, { 'retention.ms': '-1' }],
      ],
    );
    assert.equal(store.partitionBytes(AT), size);
    assert.equal(readAll(store).length, 20);
    assert.equal(store.findTime(AT, 1_004)?.baseOffset, 8);
    assert.equal(await append(store, AT, [record('k9', 'new')]), 20);
    const added = encodeBatch([record('k9', 'new')]).length;
    assert.equal(store.partitionBytes(AT), size + added);
    await store.close();

    store = openStore(t, { directory });
    assert.deepEqual(
      store.topics().map(({ uuid }) => uuid),
      uuids,
    );
    await store.createTopics([{ name: 'later', partitions: 1 }]);
    assert.equal(store.topic('later').id, 6);
    await store.alterConfig('t', { 'cleanup.policy': 'compact' });
    await store.cleanNow();
    assert.deepEqual(told(readAll(store)), ['15:k1=b7', '17:k2=b8', '19:k0=b9', '20:k9=new']);
    assert.ok(store.partitionBytes(AT) < size / 2);
  });
}
