/** The cases of the event log contract that need no consumer group. */
import assert from 'node:assert/strict';
import { append, type ContractCase, eventually, numbered, PATIENCE_MS, record, texts } from './contract-support.ts';
import type { EventLog, LogRecord, RawRecord, TopicPartition } from './event-log.ts';

const coded = (code: string) => ({ name: 'KitError', code, retriable: false });

async function readAll(log: EventLog, at: TopicPartition): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for (;;) {
    const batch = await log.read({ ...at, offset: records.length, maxWaitMs: 0 });
    records.push(...batch.records);
    if (records.length >= batch.highWatermark) return records;
  }
}

export const APPEND_AND_READ_CASES = {
  'offsets begin at zero, ascend and have no holes': async ({ log, topic }) => {
    const at = { topic: await topic(), partition: 0 };
    const bases: number[] = [];
    for (let i = 0; i < 20; i++) bases.push((await append(log, at, ...numbered(i + 1))).baseOffset);
    assert.deepEqual(
      bases,
      bases.map((_, i) => (i * (i + 1)) / 2),
    );
    const records = await readAll(log, at);
    assert.deepEqual(
      records.map(({ offset }) => offset),
      records.map((_, i) => i),
    );
    assert.equal(records.length, 210);
  },

  'a read leaves out only what is not wanted': async ({ log, topic }) => {
    const at = { topic: await topic(), partition: 0 };
    await append(log, at, ...numbered(10));
    await append(log, at, ...numbered(10, 10));
    const asked: number[] = [];
    const found: LogRecord[] = [];
    for (let offset = 3; offset < 20; ) {
      const wanted = (one: RawRecord): boolean => {
        asked.push(one.offset);
        return one.some((bytes, start, end) => bytes.toString('utf8', start, end).includes('7'));
      };
      const { records, next } = await log.read({ ...at, offset, maxWaitMs: PATIENCE_MS, wanted });
      if (next === undefined) assert.equal(records[0]?.offset, offset);
      found.push(...records);
      offset = next ?? records.at(-1)!.offset + 1;
    }
    const offsets = found.map(({ offset }) => offset);
    const [whole, some] = [Array.from({ length: 17 }, (_, index) => index + 3), [7, 17]];
    assert.deepEqual(offsets, asked.length === 0 ? whole : some);
    if (asked.length > 0) assert.deepEqual(asked, whole);
  },

  'order is kept in each of many partitions': async ({ log, topic }) => {
    const name = await topic(4);
    const partitions = [0, 1, 2, 3].map((partition) => ({ topic: name, partition }));
    await Promise.all(
      partitions.map(async (at) => {
        for (let i = 0; i < 50; i++) await append(log, at, ...numbered(3, i * 3));
      }),
    );
    for (const at of partitions) assert.deepEqual(texts(await readAll(log, at)), numbered(150));
  },

  'what was acknowledged is there for every reader': async ({ log, second, topic }) => {
    const at = { topic: await topic(), partition: 0 };
    const other = await second();
    for (let i = 0; i < 20; i++) {
      const { baseOffset } = await append(log, at, String(i));
      // A replica may be one round trip late in letting others read what is already safe.
      const batch = await other.read({ ...at, offset: baseOffset, maxWaitMs: 1_000 });
      assert.deepEqual(texts(batch.records), [String(i)]);
      assert.equal(batch.highWatermark, baseOffset + 1);
    }
  },

  'null, empty and binary keys and values survive': async ({ log, topic }) => {
    const at = { topic: await topic(), partition: 0 };
    const contents = [null, Buffer.alloc(0), Buffer.from([0, 255, 10, 128]), Buffer.from('zażółć 🙂')];
    const pairs = contents.flatMap((key) => contents.map((value) => ({ key, value })));
    await log.append({ ...at, records: pairs.map((pair) => record(null, pair)) });
    const records = await readAll(log, at);
    assert.deepEqual(
      records.map(({ key, value }) => ({ key: key && Buffer.from(key), value: value && Buffer.from(value) })),
      pairs,
    );
  },

  'headers keep order, duplicates, empty and null values': async ({ log, topic }) => {
    const at = { topic: await topic(), partition: 0 };
    const headers = [
      ['b', Buffer.from('1')],
      ['a', null],
      ['b', Buffer.from('2')],
      ['a', Buffer.alloc(0)],
      ['ünï', Buffer.from([0, 255])],
      ['b', Buffer.from('1')],
    ] as const;
    await log.append({ ...at, records: [record('with', { headers }), record('without')] });
    const [first, last] = await readAll(log, at);
    assert.deepEqual(
      first!.headers.map(([name, value]) => [name, value?.toString('hex') ?? null]),
      headers.map(([name, value]) => [name, value?.toString('hex') ?? null]),
    );
    assert.deepEqual(last!.headers, []);
  },

  'timestamps survive, in any order': async ({ log, topic }) => {
    const at = { topic: await topic(), partition: 0 };
    const now = Date.now();
    const times = [now, now - 86_400_000, now + 5_000, now - 1, now + 2 ** 31, now - 2 ** 33, now + 2 ** 35 + 7, 1];
    await log.append({ ...at, records: times.map((timestamp) => record('t', { timestamp })) });
    assert.deepEqual(
      (await readAll(log, at)).map(({ timestamp }) => timestamp),
      times,
    );
  },

  'a read begins in the middle of a batch': async ({ log, topic }) => {
    const at = { topic: await topic(), partition: 0 };
    await append(log, at, ...numbered(10));
    await append(log, at, ...numbered(10, 10));
    const { records, highWatermark } = await log.read({ ...at, offset: 7 });
    assert.deepEqual(texts(records).slice(0, 3), ['7', '8', '9']);
    assert.equal(highWatermark, 20);
    assert.deepEqual(texts((await log.read({ ...at, offset: 19 })).records), ['19']);
  },

  'reads keep to maxRecords and, softly, to maxBytes': async ({ log, topic }) => {
    const at = { topic: await topic(), partition: 0 };
    const value = 'x'.repeat(1_000);
    for (let i = 0; i < 10; i++) await append(log, at, ...Array.from({ length: 10 }, () => value));
    assert.equal((await log.read({ ...at, offset: 3, maxRecords: 5 })).records.length, 5);
    const soft = (await log.read({ ...at, offset: 0, maxBytes: 25_000 })).records.length;
    assert.ok(soft >= 10 && soft <= 40, `${soft} records of 1,000 bytes for a limit of 25,000`);
    assert.ok((await log.read({ ...at, offset: 0, maxBytes: 1 })).records.length >= 1);
  },

  'a read at the end is empty, or waits for what comes': async ({ log, second, topic }) => {
    const at = { topic: await topic(), partition: 0 };
    assert.deepEqual(await log.read({ ...at, offset: 0 }), { ...at, records: [], highWatermark: 0 });
    const waiting = (await second()).read({ ...at, offset: 0, maxWaitMs: PATIENCE_MS });
    const unrelated = { topic: await topic(), partition: 0 };
    await append(log, unrelated, 'elsewhere');
    await append(log, at, 'here');
    assert.deepEqual(texts((await waiting).records), ['here']);
    const startedAt = performance.now();
    assert.deepEqual((await log.read({ ...at, offset: 1, maxWaitMs: 200 })).records, []);
    assert.ok(performance.now() - startedAt >= 150);
  },

  'a waiting read ends with its signal': async ({ log, topic }) => {
    const at = { topic: await topic(), partition: 0 };
    const controller = new AbortController();
    const startedAt = performance.now();
    const waiting = log.read({ ...at, offset: 0, maxWaitMs: 30_000, signal: controller.signal });
    setImmediate(() => controller.abort());
    await assert.rejects(waiting, { name: 'AbortError' });
    assert.ok(performance.now() - startedAt < 10_000);
    await append(log, at, 'after');
    assert.deepEqual(texts((await log.read({ ...at, offset: 0, maxWaitMs: 1_000 })).records), ['after']);
  },

  'a read outside the log is refused': async ({ log, topic }) => {
    const at = { topic: await topic(), partition: 0 };
    await append(log, at, ...numbered(3));
    await assert.rejects(log.read({ ...at, offset: 4 }), coded('OFFSET_OUT_OF_RANGE'));
  },

  'unknown topics and partitions are typed errors': async ({ log, topic, unique }) => {
    const nowhere = { topic: unique('nowhere'), partition: 0 };
    await assert.rejects(append(log, nowhere, 'x'), coded('UNKNOWN_TOPIC'));
    await assert.rejects(log.read({ ...nowhere, offset: 0 }), coded('UNKNOWN_TOPIC'));
    await assert.rejects(log.listOffsets([{ ...nowhere, at: 'latest' }]), coded('UNKNOWN_TOPIC'));
    await assert.rejects(log.describe([nowhere.topic]), coded('UNKNOWN_TOPIC'));
    const beyond = { topic: await topic(2), partition: 2 };
    await assert.rejects(append(log, beyond, 'x'), coded('UNKNOWN_PARTITION'));
    await assert.rejects(log.read({ ...beyond, offset: 0 }), coded('UNKNOWN_PARTITION'));
    await assert.rejects(log.listOffsets([{ ...beyond, at: 'latest' }]), coded('UNKNOWN_PARTITION'));
  },

  'topics are described as they were created': async ({ log, second, topic }) => {
    const names = [await topic(3), await topic(1)];
    const { brokers, controllerId, clusterId, topics } = await (await second()).describe(names);
    const ids = brokers.map(({ id }) => id);
    assert.ok(clusterId.length > 0 && ids.length > 0 && ids.includes(controllerId));
    assert.deepEqual(
      topics.map(({ name, partitions }) => [name, partitions.map(({ partition }) => partition)]),
      [
        [names[0], [0, 1, 2]],
        [names[1], [0]],
      ],
    );
    for (const { leader, replicas, isr } of topics.flatMap(({ partitions }) => partitions)) {
      assert.ok(ids.includes(leader) && replicas.includes(leader) && isr.includes(leader));
    }
    const all = (await log.describe()).topics.map(({ name }) => name);
    assert.ok(names.every((name) => all.includes(name)));
  },

  'existing topics and impossible names are refused': async ({ log, topic, unique }) => {
    const name = await topic(2);
    await assert.rejects(log.createTopics([{ name, partitions: 2 }]), coded('TOPIC_EXISTS'));
    for (const bad of ['', '.', '..', 'a b', 'a/b', 'ä', 'x'.repeat(250)]) {
      await assert.rejects(log.createTopics([{ name: bad, partitions: 1 }]), coded('INVALID_TOPIC'));
    }
    await assert.rejects(log.createTopics([{ name: unique('none'), partitions: 0 }]), coded('INVALID_PARTITIONS'));
  },

  'payloads over the limit are refused and not stored': async ({ log, topic }) => {
    const at = { topic: await topic(1, { 'max.message.bytes': '20000' }), partition: 0 };
    await append(log, at, 'x'.repeat(19_000));
    await assert.rejects(append(log, at, 'x'.repeat(21_000)), coded('RECORD_TOO_LARGE'));
    const half = 'x'.repeat(11_000);
    await assert.rejects(append(log, at, half, half), coded('BATCH_TOO_LARGE'));
    await append(log, at, 'after');
    assert.deepEqual(
      texts(await readAll(log, at)).map((text) => text?.length),
      [19_000, 5],
    );
  },

  'offsets are found by time': async ({ log, topic }) => {
    const at = { topic: await topic(), partition: 0 };
    const base = Date.now() - 1_000_000;
    const find = (...times: ('earliest' | 'latest' | number)[]) =>
      log.listOffsets(times.map((time) => ({ ...at, at: time })));
    assert.deepEqual(await find('earliest', 'latest', base), [0, 0, 0]);
    // Batches of three, each record 10 ms after the one before, except one that came late.
    for (const minutes of [0, 1, 2]) {
      const records = [0, 10, 20].map((ms) => record('t', { timestamp: base + minutes * 60_000 + ms }));
      await log.append({ ...at, records });
    }
    await log.append({ ...at, records: [record('late', { timestamp: base - 5_000 })] });
    assert.deepEqual(await find('earliest', 'latest'), [0, 10]);
    assert.deepEqual(
      await find(base - 10_000, base, base + 5, base + 20, base + 21, base + 60_010, base + 120_020, base + 120_021),
      [0, 0, 1, 2, 3, 4, 8, 10],
    );
  },

  'the same batch object appended again is stored once': async ({ log, topic }) => {
    const at = { topic: await topic(), partition: 0 };
    const batch = { ...at, records: [record('once'), record('two')] };
    const first = await log.append(batch);
    assert.deepEqual(await log.append(batch), first);
    assert.equal((await append(log, at, 'next')).baseOffset, 2);
    assert.deepEqual(texts(await readAll(log, at)), ['once', 'two', 'next']);
  },

  'close ends waiting reads, refuses what comes later and can be repeated': async ({ open, unique }) => {
    const opened = await open();
    const { log } = opened;
    const at = { topic: unique('contract'), partition: 0 };
    try {
      await log.createTopics([{ name: at.topic, partitions: 1 }]);
      await eventually(() => append(log, at, 'before'));
      const waiting = log.read({ ...at, offset: 1, maxWaitMs: 60_000 }).then(
        ({ records }) => assert.deepEqual(records, []),
        (error) => assert.equal(error.code, 'LOG_CLOSED'),
      );
      await Promise.all([log.close(), log.close()]);
      await waiting;
      await log.close();
      await assert.rejects(append(log, at, 'after'), coded('LOG_CLOSED'));
      await assert.rejects(log.read({ ...at, offset: 0 }), coded('LOG_CLOSED'));
    } finally {
      await opened.close();
    }
  },
} satisfies Record<string, ContractCase>;
