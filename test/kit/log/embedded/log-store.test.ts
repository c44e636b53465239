import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { readBatchHeader } from '../../../../src/kit/log/embedded/batch-header.ts';
import { EmbeddedLog, type EmbeddedLogOptions } from '../../../../src/kit/log/embedded/embedded-log.ts';
import { encodeBatch } from '../../../../src/kit/log/embedded/record-batch.ts';
import type { EventLog, NewRecord } from '../../../../src/kit/log/event-log.ts';

const AT = { topic: 't', partition: 0 };

/** Removed when the test is over, after the logs in it have been closed. */
async function directoryFor(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'log-store-'));
  const logs = new Set<EmbeddedLog>();
  opened.set(directory, logs);
  t.after(async () => {
    for (const log of logs) await log.close();
    await rm(directory, { recursive: true });
  });
  return directory;
}

const opened = new Map<string, Set<EmbeddedLog>>();

async function open(t: TestContext, options: Partial<EmbeddedLogOptions> = {}): Promise<EmbeddedLog> {
  const directory = options.directory ?? (await directoryFor(t));
  const log = await EmbeddedLog.open({ ...options, directory });
  opened.get(directory)!.add(log);
  return log;
}

function record(value: string, timestamp = 1_000): NewRecord {
  return { key: null, value: Buffer.from(value), headers: [], timestamp };
}

async function values(log: EventLog, from = 0): Promise<string[]> {
  const read: string[] = [];
  for (let next = from; ; next = from + read.length) {
    const { records, highWatermark } = await log.read({ ...AT, offset: next, maxBytes: 1_000 });
    read.push(...records.map(({ value }) => String(value)));
    if (from + read.length >= highWatermark) return read;
  }
}

/** Changes the file behind the log's back. */
function tamper(directory: string, sql: string): void {
  const database = new DatabaseSync(join(directory, 'log.db'));
  database.exec(sql);
  database.close();
}

describe('log store', () => {
  test('what was written is there after opening again, cluster id, topics and offsets of groups too', async (t) => {
    const directory = await directoryFor(t);
    let log = await open(t, { directory });
    await log.createTopics([
      { name: 't', partitions: 3, config: { 'max.message.bytes': '500', 'cleanup.policy': 'delete' } },
    ]);
    for (let i = 0; i < 5; i++) await log.append({ ...AT, records: [record(String(i))] });
    await log.group('g').commit([{ ...AT, offset: 4 }]);
    const before = await log.describe();
    await log.close();
    log = await open(t, { directory });
    assert.deepEqual(await log.describe(), before);
    assert.match(before.clusterId, /^[\w-]{22}$/);
    assert.deepEqual(log.store.topic('t').config, { 'max.message.bytes': '500', 'cleanup.policy': 'delete' });
    assert.deepEqual(await values(log), ['0', '1', '2', '3', '4']);
    assert.deepEqual(await log.group('g').committed(), [{ ...AT, offset: 4 }]);
    assert.equal((await log.append({ ...AT, records: [record('5')] })).baseOffset, 5);
    await assert.rejects(log.append({ ...AT, records: [record('x'.repeat(600))] }), { code: 'RECORD_TOO_LARGE' });
  });

  test('batches are the same from memory and from the file, for any mix of sizes and starts', async (t) => {
    const cached = await open(t);
    const plain = await open(t, { cacheBytes: 0 });
    const small = await open(t, { cacheBytes: 4_000 });
    const logs = [cached, plain, small];
    let round = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 20 }),
        fc.nat(),
        async (sizes, start) => {
          const topic = `t${round++}`;
          let count = 0;
          for (const log of logs) await log.createTopics([{ name: topic, partitions: 1 }]);
          for (const size of sizes) {
            const records = Array.from({ length: size }, () => record(String(count++)));
            await Promise.all(logs.map((log) => log.append({ topic, partition: 0, records })));
          }
          for (const maxBytes of [1, 500, 1_000_000]) {
            const request = { topic, partition: 0, offset: start % (count + 1), maxBytes };
            const [first, ...others] = await Promise.all(logs.map((log) => log.read(request)));
            for (const other of others) assert.deepEqual(other, first);
            assert.deepEqual(
              first!.records.map(({ value, offset }) => [String(value), offset]),
              first!.records.map((_, i) => [String(request.offset + i), request.offset + i]),
            );
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  test('a time is found in any history of times', async (t) => {
    const log = await open(t);
    let round = 0;
    const batches = fc.array(fc.array(fc.nat(100), { minLength: 1, maxLength: 4 }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(batches, fc.nat(101), async (times, wanted) => {
        const topic = `t${round++}`;
        await log.createTopics([{ name: topic, partitions: 1 }]);
        for (const of of times) await log.append({ topic, partition: 0, records: of.map((time) => record('x', time)) });
        const all = times.flat();
        const expected = all.findIndex((time) => time >= wanted);
        const [found] = await log.listOffsets([{ topic, partition: 0, at: wanted }]);
        assert.equal(found, expected < 0 ? all.length : expected);
      }),
      { numRuns: 60 },
    );
  });

  test('damage is told with its place; what is before and after can be read', async (t) => {
    const directory = await directoryFor(t);
    let log = await open(t, { directory });
    await log.createTopics([{ name: 't', partitions: 1 }]);
    for (let i = 0; i < 5; i++) await log.append({ ...AT, records: [record(`a${i}`), record(`b${i}`)] });
    await log.close();
    tamper(
      directory,
      `UPDATE batches SET bytes = CAST(substr(bytes, 1, 70) || x'00' || substr(bytes, 72) AS BLOB) WHERE base_offset = 4`,
    );
    log = await open(t, { directory });
    assert.deepEqual((await log.read({ ...AT, offset: 0 })).records.length, 4);
    const damaged = { code: 'CORRUPT_BATCH', retriable: false, details: { ...AT, offset: 4 } };
    await assert.rejects(log.read({ ...AT, offset: 4 }), damaged);
    await assert.rejects(log.read({ ...AT, offset: 5 }), damaged);
    assert.deepEqual(await values(log, 6), ['a3', 'b3', 'a4', 'b4']);
    const member = await log
      .group('g')
      .join({ topics: ['t'], onAssigned: async () => [], onRecords: async () => {}, onRevoked: async () => {} });
    await assert.rejects(member.ended, damaged);
    await log.close();
    tamper(directory, 'DELETE FROM batches WHERE base_offset = 2');
    log = await open(t, { directory });
    await assert.rejects(log.read({ ...AT, offset: 3 }), { code: 'CORRUPT_BATCH', details: { ...AT, offset: 3 } });
  });

  test('appends that come together share a transaction, keep their order and wait when there is no room', async (t) => {
    const log = await open(t, { maxQueuedBytes: 2_000, maxQueuedBatches: 5 });
    await log.createTopics([{ name: 't', partitions: 1 }]);
    const appends = Array.from({ length: 200 }, (_, i) => log.append({ ...AT, records: [record(String(i))] }));
    appends.push(log.append({ ...AT, records: [record('x'.repeat(5_000))] }));
    const bases = (await Promise.all(appends)).map(({ baseOffset }) => baseOffset);
    assert.deepEqual(
      bases,
      bases.map((_, i) => i),
    );
    assert.deepEqual((await values(log)).slice(0, 200), bases.slice(0, 200).map(String));
  });

  test('a transaction that fails stores nothing, leaves no hole, and the same batch can be tried again', async (t) => {
    const directory = await directoryFor(t);
    const log = await open(t, { directory });
    await log.createTopics([{ name: 't', partitions: 1 }]);
    await log.append({ ...AT, records: [record('before')] });
    tamper(directory, `CREATE TRIGGER full BEFORE INSERT ON batches BEGIN SELECT RAISE(ABORT, 'no space'); END`);
    const batch = { ...AT, records: [record('a'), record('b')] };
    const failed = { code: 'LOG_UNAVAILABLE', retriable: true, details: { maybeStored: false }, message: /no space/ };
    await assert.rejects(log.append(batch), failed);
    await assert.rejects(log.append(batch), failed);
    tamper(directory, 'DROP TRIGGER full');
    assert.deepEqual(await Promise.all([log.append(batch), log.append(batch)]), [{ baseOffset: 1 }, { baseOffset: 1 }]);
    assert.deepEqual(await values(log), ['before', 'a', 'b']);
  });

  test('raw batches go in as they are, numbered by the log', async (t) => {
    const log = await open(t);
    await log.createTopics([{ name: 't', partitions: 1 }]);
    await log.store.append(AT, encodeBatch([record('a'), record('b')]));
    const bytes = encodeBatch([record('c')]);
    const original = Buffer.from(bytes);
    assert.equal(await log.store.append(AT, bytes), 2);
    const [stored] = log.store.read(AT, 2, 1);
    assert.deepEqual(stored!.bytes.subarray(8), original.subarray(8));
    assert.equal(readBatchHeader(stored!.bytes).baseOffset, 2);
    const invalid = { code: 'INVALID_BATCH' };
    await assert.rejects(log.store.append(AT, original.subarray(0, -1)), invalid);
    await assert.rejects(log.store.append(AT, Buffer.alloc(80)), invalid);
    await assert.rejects(log.append({ ...AT, records: [] }), invalid);
    await assert.rejects(log.append({ ...AT, records: [record('x', 1.5)] }), invalid);
    assert.deepEqual(await values(log), ['a', 'b', 'c']);
  });

  test('of several topics all are created, or none', async (t) => {
    const log = await open(t);
    await log.createTopics([{ name: 'a', partitions: 1 }]);
    const refused = log.createTopics([
      { name: 'b', partitions: 1 },
      { name: 'a', partitions: 1 },
    ]);
    await assert.rejects(refused, { code: 'TOPIC_EXISTS' });
    const config = { 'max.message.bytes': 'lots' };
    await assert.rejects(log.createTopics([{ name: 'c', partitions: 1, config }]), { code: 'INVALID_CONFIG' });
    const racing = await Promise.allSettled([1, 2].map((partitions) => log.createTopics([{ name: 'd', partitions }])));
    assert.deepEqual(
      racing.map(({ status }) => status),
      ['fulfilled', 'rejected'],
    );
    assert.deepEqual(
      (await log.describe()).topics.map(({ name }) => name),
      ['a', 'd'],
    );
  });
});

describe('data directory', () => {
  test('a second opener is refused by name of the first, in this process and in another', async (t) => {
    const directory = await directoryFor(t);
    const log = await open(t, { directory });
    const refused = { code: 'DATA_DIR_LOCKED', details: { directory, pid: process.pid, broker: null } };
    await assert.rejects(EmbeddedLog.open({ directory }), refused);
    const child = fork(join(import.meta.dirname, 'appender.ts'), [directory], {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    const [message] = await once(child, 'message');
    await once(child, 'exit');
    assert.equal(message.code, 'DATA_DIR_LOCKED');
    assert.match(message.message, new RegExp(`process ${process.pid}\\b`));
    await log.close();
    await (await open(t, { directory })).close();
  });

  test('one that cannot be used says why', async (t) => {
    const directory = await directoryFor(t);
    const unusable = { code: 'DATA_DIR_UNUSABLE' };
    await (await open(t, { directory })).close();
    await assert.rejects(EmbeddedLog.open({ directory: join(directory, 'log.db') }), unusable);
    tamper(directory, 'PRAGMA user_version = 99');
    await assert.rejects(EmbeddedLog.open({ directory }), unusable);
    tamper(directory, 'PRAGMA user_version = 2');
    await (await open(t, { directory })).close();
  });
});
