import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, type TestContext, test } from 'node:test';
import { setImmediate as othersTurn } from 'node:timers/promises';
import { eventually } from '../../../../src/kit/log/contract-support.ts';
import { BatchTable } from '../../../../src/kit/log/embedded/batch-table.ts';
import { EmbeddedLog } from '../../../../src/kit/log/embedded/embedded-log.ts';
import { firstRecordAt } from '../../../../src/kit/log/embedded/log-reader.ts';
import { openDatabase } from '../../../../src/kit/log/embedded/log-schema.ts';
import type { LogStore, LogStoreOptions } from '../../../../src/kit/log/embedded/log-store.ts';
import { LogWriter } from '../../../../src/kit/log/embedded/log-writer.ts';
import { encodeBatch } from '../../../../src/kit/log/embedded/record-batch.ts';
import { AT, append, directoryFor, HandClock, openStore, readAll, record } from './store-support.ts';

type Config = Readonly<Record<string, string>>;

async function storeWith(t: TestContext, config: Config, options: Partial<LogStoreOptions> = {}): Promise<LogStore> {
  const store = openStore(t, options);
  await store.createTopics([{ name: 't', partitions: 1, config }]);
  return store;
}

function offsetsOf(store: LogStore): number[] {
  return readAll(store).map(({ offset }) => offset);
}

function numbers(from: number, until: number): number[] {
  return Array.from({ length: until - from }, (_, i) => from + i);
}

function rowsIn(directory: string): number {
  const database = new DatabaseSync(join(directory, 'log.db'), { readOnly: true });
  const { n } = database.prepare('SELECT count(*) AS n FROM batches').get()!;
  database.close();
  return Number(n);
}

describe('the start of a partition', () => {
  for (const kind of ['in memory', 'in files'] as const) {
    test(`records are deleted up to an offset, for good, ${kind}`, async (t) => {
      const directory = kind === 'in memory' ? null : await directoryFor(t);
      let store = await storeWith(t, {}, { directory });
      const batch = numbers(0, 10).map((i) => record('k', String(i)));
      for (let i = 0; i < 700; i++) void append(store, AT, batch);
      await append(store, AT, batch);
      assert.equal(await store.deleteRecords(AT, 15), 15);
      assert.equal(await store.deleteRecords(AT, 5), 15);
      assert.deepEqual(store.offsets(AT), { start: 15, end: 7_010 });
      const below = { code: 'OFFSET_OUT_OF_RANGE', details: { ...AT, offset: 14, earliest: 15, latest: 7_010 } };
      assert.throws(() => store.read(AT, 14, 1), below);
      assert.equal(store.read(AT, 15, 1)[0]!.baseOffset, 10);
      for (const offset of [7_011, -2, 1.5]) {
        await assert.rejects(store.deleteRecords(AT, offset), { code: 'OFFSET_OUT_OF_RANGE' });
      }
      const before = store.partitionBytes(AT);
      assert.equal(await store.deleteRecords(AT, 6_995), 6_995);
      await store.cleanNow();
      assert.deepEqual(offsetsOf(store), numbers(6_995, 7_010));
      const perBatch = encodeBatch(batch).length;
      assert.equal(before, 701 * perBatch);
      assert.equal(store.partitionBytes(AT), 2 * perBatch);

      assert.equal(await store.deleteRecords(AT, -1), 7_010);
      await store.cleanNow();
      assert.deepEqual([store.offsets(AT), store.read(AT, 7_010, 1)], [{ start: 7_010, end: 7_010 }, []]);
      if (directory !== null) {
        await store.close();
        store = openStore(t, { directory });
        assert.deepEqual(store.offsets(AT), { start: 7_010, end: 7_010 });
        assert.equal(rowsIn(directory), 1);
      }
      assert.equal(await append(store, AT, batch), 7_010);
      await store.cleanNow();
      assert.deepEqual(offsetsOf(store), numbers(7_010, 7_020));
    });
  }

  test('rows that were not removed before the process ended are removed after it begins again', async (t) => {
    const directory = await directoryFor(t);
    let store = await storeWith(t, {}, { directory });
    for (let i = 0; i < 20; i++) await append(store, AT, [record('k', 'v')]);
    await store.close();
    // As the writer leaves it when the process is killed right after its answer.
    const database = new DatabaseSync(join(directory, 'log.db'));
    database.exec('INSERT INTO partitions (topic_id, partition, start_offset) VALUES (1, 0, 18)');
    database.close();
    store = openStore(t, { directory });
    assert.deepEqual(offsetsOf(store), [18, 19]);
    await store.cleanNow();
    assert.equal(rowsIn(directory), 2);
    assert.deepEqual(offsetsOf(store), [18, 19]);
  });

  test('records that are deleted while cleaning runs are removed soon', async (t) => {
    const store = openStore(t);
    await store.createTopics([{ name: 't', partitions: 2 }]);
    const other = { ...AT, partition: 1 };
    for (let i = 0; i < 2_000; i++) await append(store, other, [record('k', 'v')]);
    for (let i = 0; i < 20; i++) await append(store, AT, [record('k', 'v')]);
    const size = store.partitionBytes(AT) / 20;
    await store.deleteRecords(AT, 5);
    await store.deleteRecords(other, 1_990);
    const cleaning = store.cleanNow();
    while (store.partitionBytes(other) === 2_000 * size) await othersTurn();
    assert.ok(store.partitionBytes(other) > 10 * size);
    await store.deleteRecords(AT, 10);
    await cleaning;
    await eventually(() => assert.equal(store.partitionBytes(AT), 10 * size));
  });

  test('a start never moves back, though retention found an earlier one meanwhile', () => {
    const database = openDatabase(null);
    const writer = new LogWriter(database);
    const topics = [{ name: 't', uuid: 'u', partitions: 1, config: '{}' }];
    const created = writer.execute({ kind: 'create-topics', topics });
    assert.ok(created.ok);
    const at = { topicId: created.numbers[0]!, partition: 0 };
    for (const startOffset of [10, 5]) assert.ok(writer.execute({ kind: 'mark', ...at, startOffset }).ok);
    assert.equal(new BatchTable(database).partition(at.topicId, 0).startOffset, 10);
    writer.close();
  });

  test('a topic that is only compacted loses no record this way', async (t) => {
    const store = await storeWith(t, { 'cleanup.policy': 'compact' });
    await append(store, AT, [record('k', 'v')]);
    await assert.rejects(store.deleteRecords(AT, 1), { code: 'POLICY_VIOLATION' });
    await store.alterConfig('t', { 'cleanup.policy': 'compact,delete' });
    assert.equal(await store.deleteRecords(AT, 1), 1);
  });

  test('a time is looked for behind the start, also where it lies within a batch', async (t) => {
    const store = await storeWith(t, {});
    await append(store, AT, [record('k', 'a', 100), record('k', 'b', 10), record('k', 'c', 20)]);
    await append(store, AT, [record('k', 'd', 50), record('k', 'e', 60)]);
    const offset = (time: number) => firstRecordAt(store, AT, time)?.offset ?? null;
    assert.deepEqual([0, 15, 50, 100, 101].map(offset), [0, 0, 0, 0, null]);
    await store.deleteRecords(AT, 1);
    assert.deepEqual([0, 15, 50, 60, 61].map(offset), [1, 2, 3, 4, null]);
    assert.equal(store.maxTimestamp(AT), 100);
  });
});

describe('retention', () => {
  test('without a setting nothing is ever forgotten', async (t) => {
    const clock = new HandClock();
    const store = await storeWith(t, {}, { clock });
    for (let i = 0; i < 5; i++) await append(store, AT, [record('k', 'v', 0)]);
    clock.pass(10 ** 12);
    await store.cleanNow();
    assert.deepEqual(offsetsOf(store), numbers(0, 5));
  });

  test('batches go when their youngest record is too old, in the order of their offsets', async (t) => {
    const clock = new HandClock();
    const store = await storeWith(t, { 'retention.ms': '1000' }, { clock });
    const now = clock.now();
    await append(store, AT, [record('k', 'v', now - 500), record('k', 'v', now)]);
    await append(store, AT, [record('k', 'v', now + 100)]);
    await append(store, AT, [record('k', 'v', 5)]);
    await append(store, AT, [record('k', 'v', now + 200)]);
    const starts: number[] = [];
    for (const ms of [1_000, 1, 99, 1, 99, 1, 1]) {
      clock.pass(ms);
      await store.cleanNow();
      starts.push(store.offsets(AT).start);
    }
    assert.deepEqual(starts, [0, 2, 2, 4, 4, 5, 5]);
    assert.equal(await append(store, AT, [record('k', 'v', clock.now())]), 5);
    await store.cleanNow();
    assert.deepEqual(offsetsOf(store), [5]);
  });

  test('the oldest batches go as long as what stays is not less than the size to be kept', async (t) => {
    const store = await storeWith(t, {});
    const size = encodeBatch([record('k', 'v')]).length;
    for (let i = 0; i < 10; i++) await append(store, AT, [record('k', 'v')]);
    const startFor = async (bytes: number): Promise<number> => {
      await store.alterConfig('t', { 'retention.bytes': String(bytes) });
      await store.cleanNow();
      return store.offsets(AT).start;
    };
    assert.equal(await startFor(10 * size), 0);
    assert.equal(await startFor(9 * size + 1), 0);
    assert.equal(await startFor(9 * size), 1);
    assert.equal(await startFor(3 * size - 1), 7);
    assert.equal(store.partitionBytes(AT), 3 * size);
    assert.equal(await startFor(0), 10);
    assert.deepEqual(store.offsets(AT), { start: 10, end: 10 });
  });

  test('it happens by itself in the background, and reading and appending go on', async (t) => {
    const store = await storeWith(
      t,
      { 'retention.bytes': '2000' },
      { directory: await directoryFor(t), cleanIntervalMs: 20 },
    );
    let appending = true;
    const reading = (async () => {
      while (appending) {
        readAll(store);
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    for (let i = 0; i < 300; i++) await append(store, AT, [record('k', 'x'.repeat(100))]);
    appending = false;
    await reading;
    await eventually(() => assert.ok(store.partitionBytes(AT) < 2_400));
    assert.equal(store.cleaningFailure, null);
  });
});

test('a member of a group goes on at the earliest record when those it wanted are gone', async (t) => {
  const log = await EmbeddedLog.open({ directory: null });
  t.after(() => log.close());
  await log.createTopics([{ name: 't', partitions: 1 }]);
  for (let i = 0; i < 10; i++) await log.append({ ...AT, records: [record('k', String(i))] });
  await log.store.deleteRecords(AT, 6);
  assert.deepEqual(await log.listOffsets([{ ...AT, at: 'earliest' }]), [6]);
  const offsets: number[] = [];
  const member = await log.group('g').join({
    topics: ['t'],
    onAssigned: async () => [],
    onRecords: async ({ records }) => void offsets.push(...records.map(({ offset }) => offset)),
    onRevoked: async () => {},
  });
  await eventually(() => assert.deepEqual(offsets, [6, 7, 8, 9]));
  await member.leave();
});
