import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { TOPIC_CONFIGS } from '../../../../src/kit/log/embedded/topic-configs.ts';
import { AT, append, directoryFor, openStore, readAll, record, told } from './store-support.ts';

describe('topics of the embedded log', () => {
  test('each has an id of its own, by which it is found, also after opening again', async (t) => {
    const directory = await directoryFor(t);
    let store = openStore(t, { directory });
    await store.createTopics([
      { name: 'a', partitions: 1 },
      { name: 'b', partitions: 2, config: { 'cleanup.policy': 'compact' } },
    ]);
    const [a, b] = store.topics();
    for (const { uuid } of [a!, b!]) assert.match(uuid, /^[A-Za-z0-9_][\w-]{21}$/);
    assert.notEqual(a!.uuid, b!.uuid);
    assert.deepEqual([a!.compacted, b!.compacted], [false, true]);
    await store.close();
    store = openStore(t, { directory });
    assert.deepEqual(store.topics(), [a, b]);
    assert.deepEqual(store.topicById(b!.uuid), b);
    assert.ok(store.hasTopic('a') && !store.hasTopic('c'));
    assert.throws(() => store.topicById('AAAAAAAAAAAAAAAAAAAAAA'), { code: 'UNKNOWN_TOPIC_ID' });
  });

  test('a deleted topic is gone at once; one of the same name is another, and the old rows go', async (t) => {
    const directory = await directoryFor(t);
    let store = openStore(t, { directory });
    await store.createTopics([
      { name: 't', partitions: 2 },
      { name: 'stays', partitions: 1 },
    ]);
    const { uuid } = store.topic('t');
    for (let i = 0; i < 600; i++) void append(store, AT, [record('old', String(i))]);
    await append(store, { topic: 'stays', partition: 0 }, [record('k', 'v')]);
    const { end } = store.offsets(AT);
    const waiting = store.grown([{ ...AT, offset: end }], 60_000);
    await store.deleteTopic('t');
    await waiting;
    const unknown = { code: 'UNKNOWN_TOPIC' };
    assert.throws(() => store.read(AT, 0, 1), unknown);
    assert.throws(() => store.offsets(AT), unknown);
    assert.throws(() => store.topicById(uuid), { code: 'UNKNOWN_TOPIC_ID' });
    await assert.rejects(append(store, AT, [record('k', 'v')]), unknown);
    await assert.rejects(store.deleteTopic('t'), unknown);

    await store.createTopics([{ name: 't', partitions: 1 }]);
    assert.notEqual(store.topic('t').uuid, uuid);
    assert.deepEqual(store.offsets(AT), { start: 0, end: 0 });
    assert.equal(await append(store, AT, [record('new', '0')]), 0);
    // What was not removed yet is after opening again.
    await store.close();
    store = openStore(t, { directory });
    await store.cleanNow();
    assert.deepEqual(told(readAll(store)), ['0:new=0']);
    const database = new DatabaseSync(join(directory, 'log.db'), { readOnly: true });
    const count = (sql: string) => Number(database.prepare(sql).get()!.n);
    assert.equal(count('SELECT count(*) AS n FROM batches'), 2);
    assert.equal(count('SELECT count(*) AS n FROM dropped_topics'), 0);
    database.close();
  });

  test('an append that is under way when its topic is deleted is stored or refused; nothing else is', async (t) => {
    const store = openStore(t, { directory: await directoryFor(t), maxQueuedBatches: 4 });
    await store.createTopics([
      { name: 't', partitions: 1 },
      { name: 'other', partitions: 1 },
    ]);
    const doomed = Array.from({ length: 50 }, (_, i) => append(store, AT, [record('k', String(i))]));
    const others = Array.from({ length: 50 }, () => append(store, { ...AT, topic: 'other' }, [record('k', 'v')]));
    await store.deleteTopic('t');
    const refused = (await Promise.allSettled(doomed)).filter((result) => result.status === 'rejected');
    assert.ok(refused.length > 0);
    for (const { reason } of refused) assert.equal(reason.code, 'UNKNOWN_TOPIC');
    assert.deepEqual(
      await Promise.all(others),
      others.map((_, i) => i),
    );
  });

  test('partitions are added, never taken away', async (t) => {
    const store = openStore(t);
    await store.createTopics([{ name: 't', partitions: 2 }]);
    await append(store, AT, [record('k', 'v')]);
    for (const count of [0, 1, 2, 10_001, 2.5]) {
      await assert.rejects(store.addPartitions('t', count), { code: 'INVALID_PARTITIONS' });
    }
    await assert.rejects(store.addPartitions('none', 3), { code: 'UNKNOWN_TOPIC' });
    assert.throws(() => store.offsets({ topic: 't', partition: 2 }), { code: 'UNKNOWN_PARTITION' });
    await store.addPartitions('t', 4);
    assert.equal(store.topic('t').partitions, 4);
    assert.deepEqual(store.offsets({ topic: 't', partition: 3 }), { start: 0, end: 0 });
    assert.equal(store.offsets(AT).end, 1);
    const none = { name: 'none', partitions: 0 };
    await assert.rejects(store.createTopics([none]), { code: 'INVALID_PARTITIONS' });
    assert.throws(() => store.checkNewTopic(none), { code: 'INVALID_PARTITIONS' });
  });

  test('settings are changed one by one, and kept', async (t) => {
    const directory = await directoryFor(t);
    let store = openStore(t, { directory });
    await store.createTopics([{ name: 't', partitions: 1, config: { 'max.message.bytes': '200', 'segment.ms': '9' } }]);
    await assert.rejects(append(store, AT, [record('k', 'x'.repeat(300))]), { code: 'BATCH_TOO_LARGE' });
    await store.alterConfig('t', { 'max.message.bytes': '1000', 'segment.ms': null, 'cleanup.policy': 'compact' });
    await append(store, AT, [record('k', 'x'.repeat(300))]);
    assert.ok(store.topic('t').compacted);
    await store.close();
    store = openStore(t, { directory });
    assert.deepEqual(store.topic('t').config, { 'max.message.bytes': '1000', 'cleanup.policy': 'compact' });
    await assert.rejects(store.alterConfig('t', { 'no.such': '1' }), { code: 'INVALID_CONFIG' });
    await assert.rejects(store.alterConfig('none', {}), { code: 'UNKNOWN_TOPIC' });
    assert.equal(store.topic('t').maxMessageBytes, 1_000);
  });

  test('settings have Kafka’s names, values and defaults', async (t) => {
    const store = openStore(t);
    const defaults = Object.fromEntries(TOPIC_CONFIGS.map((config) => [config.name, config.default]));
    await store.createTopics([{ name: 'defaults', partitions: 1, config: defaults }]);
    assert.equal(TOPIC_CONFIGS.length, 33);
    const taken: [string, string][] = [
      ['cleanup.policy', 'compact, delete'],
      ['cleanup.policy', ''],
      ['min.cleanable.dirty.ratio', '0.01'],
      ['min.cleanable.dirty.ratio', '1e-3'],
      ['retention.ms', '-1'],
      ['retention.bytes', '-5'],
      ['preallocate', 'TRUE'],
      ['max.compaction.lag.ms', '9223372036854775807'],
      ['leader.replication.throttled.replicas', '0:1,2:1'],
      ['compression.gzip.level', '9'],
    ];
    for (const [name, value] of taken) store.checkConfig('defaults', { [name]: value });
    const refused: [string, string][] = [
      ['cleanup.policy', 'forget'],
      ['min.cleanable.dirty.ratio', '1.1'],
      ['min.cleanable.dirty.ratio', ''],
      ['retention.ms', '-2'],
      ['retention.ms', '1.5'],
      ['retention.ms', '9223372036854775808'],
      ['max.message.bytes', 'lots'],
      ['max.message.bytes', '2147483647'],
      ['preallocate', 'yes'],
      ['compression.type', 'rar'],
      ['message.timestamp.type', 'LogAppendTime'],
      ['remote.storage.enable', 'true'],
      ['message.format.version', '2.8'],
      ['toString', 'x'],
    ];
    for (const [name, value] of refused) {
      assert.throws(() => store.checkConfig('defaults', { [name]: value }), { code: 'INVALID_CONFIG' }, name);
    }
    const lags = { 'min.compaction.lag.ms': '10', 'max.compaction.lag.ms': '5' };
    assert.throws(() => store.checkConfig('defaults', lags), { code: 'INVALID_CONFIG' });
  });
});

test('ids for producers are never given twice, whoever asks at once and however the log was left', async (t) => {
  const directory = await directoryFor(t);
  const given = new Set<number>();
  let count = 0;
  for (let round = 0; round < 3; round++) {
    const store = openStore(t, { directory });
    for (const id of await Promise.all(Array.from({ length: 1_500 }, () => store.allocateProducerId()))) given.add(id);
    count += 1_500;
    await store.close();
    await assert.rejects(store.allocateProducerId(), { code: 'LOG_CLOSED' });
  }
  assert.equal(given.size, count);
  assert.ok([...given].every((id) => Number.isSafeInteger(id) && id >= 0));
});
