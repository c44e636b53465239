import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, type TestContext, test } from 'node:test';
import { setImmediate as othersTurn } from 'node:timers/promises';
import { compressionsAlgorithms, crc32c } from '@platformatic/kafka';
import fc from 'fast-check';
import { eventually } from '../../../../src/kit/log/contract-support.ts';
import { compressionOf, readBatchHeader } from '../../../../src/kit/log/embedded/batch-header.ts';
import { EmbeddedLog } from '../../../../src/kit/log/embedded/embedded-log.ts';
import type { LogStore, LogStoreOptions } from '../../../../src/kit/log/embedded/log-store.ts';
import { isIntact } from '../../../../src/kit/log/embedded/record-batch.ts';
import type { NewRecord } from '../../../../src/kit/log/event-log.ts';
import { encodeRecordBatch } from '../../../../src/kit/log/record-encoder.ts';
import { AT, append, directoryFor, HandClock, openStore, readAll, record, stamped, told } from './store-support.ts';

const COMPACT = { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0' };

async function compacted(
  t: TestContext,
  config: Readonly<Record<string, string>> = {},
  options: Partial<LogStoreOptions> = {},
): Promise<LogStore> {
  const store = openStore(t, options);
  await store.createTopics([{ name: 't', partitions: 1, config: { ...COMPACT, ...config } }]);
  return store;
}

/** One record each. */
async function appendEach(store: LogStore, ...pairs: string[]): Promise<void> {
  for (const pair of pairs) {
    const [key, value] = pair.split('=');
    await append(store, AT, [record(key!, value ?? null)]);
  }
}

describe('compaction', () => {
  test('leaves the last record of every key, each at its offset; the newest batch is left alone', async (t) => {
    const store = await compacted(t);
    await append(store, AT, [record('a', '0'), record('b', '1'), record('a', '2'), record('c', '3')]);
    await append(store, AT, [record('b', '4'), record('b', '5')]);
    await append(store, AT, [record('a', '6'), record('a', '7')]);
    await store.cleanNow();
    assert.deepEqual(told(readAll(store)), ['2:a=2', '3:c=3', '5:b=5', '6:a=6', '7:a=7']);
    assert.deepEqual(store.offsets(AT), { start: 0, end: 8 });
    await appendEach(store, 'd=8');
    await store.cleanNow();
    assert.deepEqual(told(readAll(store)), ['3:c=3', '5:b=5', '7:a=7', '8:d=8']);
    assert.deepEqual(
      store.read(AT, 0, 100_000).map(({ baseOffset, lastOffset }) => [baseOffset, lastOffset]),
      [
        [0, 3],
        [4, 5],
        [6, 7],
        [8, 8],
      ],
    );
  });

  test('a batch that lost records is the same batch: offsets, producer, times, a checksum that fits', async (t) => {
    const store = await compacted(t);
    const stamp = { producerId: 7n, producerEpoch: 2, firstSequence: 40 };
    const records = [record('a', '0', 100), record('b', '1', 300), record('c', '2', 200)];
    await store.append(AT, encodeRecordBatch(records, stamp));
    await appendEach(store, 'b=3', 'z=4');
    const bytes = store.partitionBytes(AT);
    await store.cleanNow();
    const [first] = store.read(AT, 0, 1);
    assert.ok(isIntact(first!.bytes, 0));
    assert.deepEqual(readBatchHeader(first!.bytes), {
      baseOffset: 0,
      attributes: 0,
      lastOffsetDelta: 2,
      maxTimestamp: 200,
      recordCount: 2,
      producerId: 7n,
      producerEpoch: 2,
      baseSequence: 40,
    });
    assert.deepEqual(
      readAll(store).map(({ offset, timestamp }) => [offset, timestamp]),
      [
        [0, 100],
        [2, 200],
        [3, 1_000],
        [4, 1_000],
      ],
    );
    assert.ok(store.partitionBytes(AT) < bytes);
    assert.equal(await store.append(AT, encodeRecordBatch(records, stamp)), 0);
  });

  for (const codec of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
    test(`batches compressed by ${codec} stay so`, async (t) => {
      const store = await compacted(t);
      const plain = encodeRecordBatch(['a', 'b', 'c', 'a'].map((key, i) => record(key, String(i).repeat(50))));
      const { compressSync, bitmask } = compressionsAlgorithms[codec];
      const batch = Buffer.concat([plain.subarray(0, 61), compressSync(plain.subarray(61))]);
      batch.writeInt32BE(batch.length - 12, 8);
      batch.writeInt16BE(bitmask, 21);
      batch.writeUInt32BE(crc32c(batch.subarray(21)), 17);
      await store.append(AT, batch);
      await appendEach(store, 'b=4', 'z=5');
      await store.cleanNow();
      assert.deepEqual(
        readAll(store).map(({ offset, key }) => `${offset}:${key}`),
        ['2:c', '3:a', '4:b', '5:z'],
      );
      assert.equal(compressionOf(store.read(AT, 0, 1)[0]!.bytes), bitmask);
    });
  }

  test('a tombstone is kept for its time, then it goes, even if nothing new was appended', async (t) => {
    const clock = new HandClock();
    const store = await compacted(t, { 'delete.retention.ms': '1000' }, { clock });
    await appendEach(store, 'a=0', 'b=1', 'a', 'z=3');
    const cleaned = async (ms: number): Promise<string[]> => {
      clock.pass(ms);
      await store.cleanNow();
      return told(readAll(store));
    };
    assert.deepEqual(await cleaned(5_000), ['1:b=1', '2:a=null', '3:z=3']);
    await appendEach(store, 'c=4', 'z=5');
    assert.deepEqual(await cleaned(999), ['1:b=1', '2:a=null', '3:z=3', '4:c=4', '5:z=5']);
    assert.deepEqual(await cleaned(1), ['1:b=1', '3:z=3', '4:c=4', '5:z=5']);
    await appendEach(store, 'a=6', 'y=7');
    assert.deepEqual(await cleaned(0), ['1:b=1', '4:c=4', '5:z=5', '6:a=6', '7:y=7']);
  });

  test('nothing happens before it is worth it; what is young, or is cut off, is left as it is', async (t) => {
    const clock = new HandClock();
    const now = clock.now();
    const store = await compacted(t, { 'min.cleanable.dirty.ratio': '0.5' }, { clock });
    const keys = async (): Promise<string[]> => {
      await store.cleanNow();
      return readAll(store).map(({ offset, key }) => `${offset}${key}`);
    };
    const add = (key: string, time = now) => append(store, AT, [record(key, 'v', time)]);
    for (const key of 'aabc') await add(key);
    assert.deepEqual(await keys(), ['1a', '2b', '3c']);
    for (const key of 'bz') await add(key);
    // Two of four batches are dirty, the newest aside: no more than half.
    assert.deepEqual(await keys(), ['1a', '2b', '3c', '4b', '5z']);
    await add('y');
    assert.deepEqual(await keys(), ['1a', '3c', '4b', '5z', '6y']);

    await add('a', now + 5_000);
    await add('x', now);
    const lag = { 'min.compaction.lag.ms': '1000', 'min.cleanable.dirty.ratio': '0' };
    await store.alterConfig('t', lag);
    assert.deepEqual(await keys(), ['1a', '3c', '4b', '5z', '6y', '7a', '8x']);
    clock.pass(6_000);
    assert.deepEqual(await keys(), ['3c', '4b', '5z', '6y', '7a', '8x']);

    for (const key of 'cw') await add(key, now + 5_000);
    await store.alterConfig('t', { 'min.cleanable.dirty.ratio': '1', 'max.compaction.lag.ms': '20000' });
    assert.deepEqual((await keys()).slice(0, 2), ['3c', '4b']);
    clock.pass(20_000);
    assert.deepEqual((await keys()).slice(0, 2), ['4b', '5z']);
  });

  test('records without a key are refused; those from before the topic was compacted go', async (t) => {
    const log = await EmbeddedLog.open({ directory: null });
    t.after(() => log.close());
    await log.createTopics([{ name: 't', partitions: 1 }]);
    const append = (...keys: (string | null)[]) => log.append({ ...AT, records: keys.map((key) => record(key, 'v')) });
    await append('a', null);
    await log.store.alterConfig('t', COMPACT);
    await assert.rejects(append('b', null), { code: 'INVALID_RECORD', details: { indexes: [1] } });
    await append('b');
    await log.store.cleanNow();
    assert.deepEqual(
      readAll(log.store).map(({ key }) => String(key)),
      ['a', 'b'],
    );
  });

  test('holes stay legal when the topic is no longer compacted; a lost batch is still told', async (t) => {
    const directory = await directoryFor(t);
    let store = await compacted(t, {}, { directory, cacheBytes: 0 });
    await appendEach(store, ...Array.from({ length: 20 }, (_, i) => `k${i % 2}=${i}`));
    await store.cleanNow();
    await store.alterConfig('t', { 'cleanup.policy': 'delete' });
    await appendEach(store, 'a=20', 'b=21', 'c=22');
    assert.deepEqual(told(readAll(store)), ['17:k1=17', '18:k0=18', '19:k1=19', '20:a=20', '21:b=21', '22:c=22']);
    await store.close();
    const database = new DatabaseSync(join(directory, 'log.db'));
    database.exec('DELETE FROM batches WHERE base_offset = 21');
    database.close();
    store = openStore(t, { directory });
    assert.equal(store.read(AT, 3, 1_000_000).at(-1)!.baseOffset, 20);
    assert.throws(() => store.read(AT, 21, 1), { code: 'CORRUPT_BATCH', details: { ...AT, offset: 21 } });
  });

  test('a damaged batch is neither repaired nor removed, and hinders nothing', async (t) => {
    const directory = await directoryFor(t);
    let store = await compacted(t, {}, { directory });
    await appendEach(store, 'a=0', 'b=1', 'a=2', 'b=3', 'z=4');
    await store.close();
    const database = new DatabaseSync(join(directory, 'log.db'));
    database.exec(`UPDATE batches SET bytes = CAST(substr(bytes, 1, 70) || x'00' || substr(bytes, 72) AS BLOB)
      WHERE base_offset = 1`);
    database.close();
    store = openStore(t, { directory });
    await store.cleanNow();
    assert.throws(() => store.read(AT, 0, 1), { code: 'CORRUPT_BATCH', details: { ...AT, offset: 1 } });
    assert.equal(store.read(AT, 2, 1)[0]!.baseOffset, 2);
  });

  test('with retention, both hold', async (t) => {
    const clock = new HandClock();
    const now = clock.now();
    const config = { 'cleanup.policy': 'compact,delete', 'retention.ms': '1000' };
    const store = await compacted(t, config, { clock });
    for (const [key, time] of [
      ['a', 0],
      ['b', 0],
      ['c', 500],
      ['b', 600],
      ['d', 700],
      ['z', 700],
    ] as const) {
      await append(store, AT, [record(key, String(time), now + time)]);
    }
    await store.cleanNow();
    assert.deepEqual(told(readAll(store)), ['0:a=0', '2:c=500', '3:b=600', '4:d=700', '5:z=700']);
    clock.pass(1_550);
    await store.cleanNow();
    assert.deepEqual(told(readAll(store)), ['3:b=600', '4:d=700', '5:z=700']);
    assert.equal(store.offsets(AT).start, 3);
  });

  test('of every key the last record is there, whatever was appended and cleaned when, in as little memory as may be', async (t) => {
    const clock = new HandClock();
    const stores = [openStore(t, { clock }), openStore(t, { clock, cacheBytes: 0, keyMapBytes: 250 })];
    let round = 0;
    const batch = fc.array(fc.tuple(fc.nat(6), fc.boolean()), { minLength: 1, maxLength: 5 });
    const action = fc.oneof({ weight: 3, arbitrary: batch }, fc.constantFrom(0, 400, 1_000));
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 30 }), async (actions) => {
        const at = { topic: `t${round++}`, partition: 0 };
        const config = { ...COMPACT, 'delete.retention.ms': '1000' };
        for (const store of stores) await store.createTopics([{ name: at.topic, partitions: 1, config }]);
        const model = new Model();
        for (const each of actions) {
          if (typeof each === 'number') {
            clock.pass(each);
            model.clean(clock.now());
            for (const store of stores) await store.cleanNow();
          } else {
            const records = model.append(each.map(([key, isTombstone]) => [`k${key}`, isTombstone]));
            for (const store of stores) await append(store, at, records);
          }
          for (const store of stores) {
            assert.deepEqual(told(readAll(store, at)), model.told());
            assert.deepEqual(store.offsets(at), { start: 0, end: model.end });
          }
        }
        for (let offset = 0; offset < model.end; offset++) {
          for (const store of stores) {
            const [found] = store.read(at, offset, 1);
            assert.ok(found!.lastOffset >= offset && isIntact(found!.bytes, found!.baseOffset));
          }
        }
        for (const store of stores) await store.deleteTopic(at.topic);
      }),
      { numRuns: 100 },
    );
  });
});

/** Compaction in a few lines, with all the time and memory there is. */
class Model {
  #batches: { readonly records: [offset: number, key: string, value: string | null][]; until: number | null }[] = [];
  end = 0;

  append(pairs: [key: string, isTombstone: boolean][]): NewRecord[] {
    const records = pairs.map(
      ([key, isTombstone]) => [this.end++, key, isTombstone ? null : `v${this.end}`] as [number, string, string | null],
    );
    this.#batches.push({ records, until: null });
    return records.map(([, key, value]) => record(key, value));
  }

  clean(now: number): void {
    const old = this.#batches.slice(0, -1);
    const last = new Map(old.flatMap(({ records }) => records.map(([offset, key]) => [key, offset])));
    const cleaned = old.map(({ records, until }) => {
      const isDue = until !== null && until <= now;
      const kept = records.filter(([offset, key, value]) => last.get(key) === offset && !(isDue && value === null));
      const hasTombstones = kept.some(([, , value]) => value === null);
      return { records: kept, until: hasTombstones ? (until ?? now + 1_000) : null };
    });
    this.#batches = [...cleaned.filter(({ records }) => records.length > 0), ...this.#batches.slice(-1)];
  }

  told(): string[] {
    return this.#batches.flatMap(({ records }) => records.map(([offset, key, value]) => `${offset}:${key}=${value}`));
  }
}

test('readers and a group go on while their topic is compacted', async (t) => {
  const directory = await directoryFor(t);
  const log = await EmbeddedLog.open({ directory, cacheBytes: 20_000, cleanIntervalMs: 10 });
  t.after(() => log.close());
  await log.createTopics([{ name: 't', partitions: 1, config: COMPACT }]);
  const seen = new Map<string, string>();
  const member = await log.group('g').join({
    topics: ['t'],
    onAssigned: async () => [],
    onRecords: async ({ records }) => {
      for (const { key, value } of records) seen.set(String(key), String(value));
    },
    onRevoked: async () => {},
  });
  let count = 0;
  await log.append({ ...AT, records: [record('k0', 'first')] });
  const appending = (async () => {
    for (; count < 400; count++) {
      const records = Array.from({ length: 5 }, (_, i) => record(`k${(count * 5 + i) % 37}`, String(count * 5 + i)));
      await log.append({ ...AT, records });
    }
  })();
  for (let next = 0; count < 400; next = (next + 97) % log.store.offsets(AT).end) {
    const { records } = await log.read({ ...AT, offset: next, maxRecords: 20 });
    assert.ok(records.length > 0 && records[0]!.offset >= next);
    await othersTurn();
  }
  await appending;
  const expected = new Map(Array.from({ length: 2_000 }, (_, i) => [`k${i % 37}`, String(i)]));
  await eventually(() => assert.deepEqual(seen, expected));
  await log.store.cleanNow();
  const left = new Map(readAll(log.store).map(({ key, value }) => [String(key), String(value)]));
  assert.deepEqual(left, expected);
  assert.ok(readAll(log.store).length < 50);
  await member.leave();
});

test('a producer of long ago is still known to a compacted partition', async (t) => {
  const store = await compacted(t);
  await store.append(AT, stamped({ firstSequence: 0 }));
  await appendEach(store, 'k=1', 'k=2', 'k=3');
  await store.cleanNow();
  assert.equal(await store.append(AT, stamped({ firstSequence: 0 })), 0);
  await assert.rejects(store.append(AT, stamped({ firstSequence: 2 })), { code: 'OUT_OF_ORDER_SEQUENCE' });
  assert.equal(await store.append(AT, stamped({ firstSequence: 1 })), 4);
});
