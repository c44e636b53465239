import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { browse } from '../../../src/kit/log/browse.ts';
import type { EventLog, LogRecord, PartitionBatch, ReadRequest } from '../../../src/kit/log/event-log.ts';
import { keyCensus, newestRanges } from '../../../src/kit/log/key-census.ts';
import type { OffsetRange, Order } from '../../../src/kit/log/partition-cursor.ts';
import { MemoryLog } from '../../support/memory-log.ts';

const TOPIC = 'notes';

interface Note {
  readonly partition: number;
  readonly timestamp: number;
  readonly key?: string;
  readonly bytes?: number;
}

async function logOf(partitions: number, notes: readonly Note[]): Promise<MemoryLog> {
  const log = new MemoryLog({ [TOPIC]: partitions });
  for (const { partition, timestamp, key, bytes = 1 } of notes) {
    const record = {
      key: key === undefined ? null : Buffer.from(key),
      value: Buffer.alloc(bytes),
      headers: [],
      timestamp,
    };
    await log.append({ topic: TOPIC, partition, records: [record] });
  }
  return log;
}

/** As real logs do: so many bytes at a time, one record at least. */
function withByteLimit(log: MemoryLog, onRead: (bytes: number) => void = () => {}): Pick<EventLog, 'read'> {
  return {
    async read(request: ReadRequest): Promise<PartitionBatch> {
      const batch = await log.read(request);
      let size = 0;
      const records: LogRecord[] = [];
      for (const record of batch.records) {
        size += record.value!.length;
        if (records.length > 0 && size > request.maxBytes!) break;
        records.push(record);
      }
      onRead(size);
      return { ...batch, records };
    },
  };
}

async function rangesOf(log: MemoryLog, partitions: number): Promise<OffsetRange[]> {
  const all = Array.from({ length: partitions }, (_, partition) => ({ topic: TOPIC, partition }));
  const [starts, ends] = await Promise.all(
    (['earliest', 'latest'] as const).map((at) => log.listOffsets(all.map((one) => ({ ...one, at })))),
  );
  return all.map(({ partition }, index) => ({ partition, from: starts![index]!, to: ends![index]! }));
}

const nameOf = ({ partition, offset }: LogRecord) => `${partition}:${offset}`;

/** Heads of all partitions, the latest or earliest of them first: told from the definition, one record at a time. */
function merged(log: MemoryLog, partitions: number, order: Order): string[] {
  const lists = Array.from({ length: partitions }, (_, partition) => {
    const records = [...log.records({ topic: TOPIC, partition })];
    return order === 'newest' ? records.reverse() : records;
  });
  const all: string[] = [];
  for (;;) {
    let best: LogRecord[] | undefined;
    for (const list of lists) {
      if (list.length === 0) continue;
      const isBefore = (time: number, other: number) => (order === 'newest' ? time > other : time < other);
      if (best === undefined || isBefore(list[0]!.timestamp, best[0]!.timestamp)) best = list;
    }
    if (best === undefined) return all;
    all.push(nameOf(best.shift()!));
  }
}

test('page after page is the whole topic, merged by time, through holes and large records, in both orders', async () => {
  const note = fc.record({
    partition: fc.nat(3),
    timestamp: fc.integer({ min: 1, max: 50 }),
    bytes: fc.constantFrom(1, 1, 1, 5_000, 200_000),
  });
  const scene = fc.record({
    notes: fc.array(note, { maxLength: 120 }),
    removed: fc.array(fc.record({ partition: fc.nat(3), offset: fc.nat(40) }), { maxLength: 30 }),
    max: fc.integer({ min: 1, max: 30 }),
    order: fc.constantFrom<Order>('newest', 'oldest'),
  });
  await fc.assert(
    fc.asyncProperty(scene, async ({ notes, removed, max, order }) => {
      const log = await logOf(4, notes);
      for (const { partition, offset } of removed) log.remove({ topic: TOPIC, partition, offset });
      const found: string[] = [];
      let ranges = await rangesOf(log, 4);
      for (let page = 0; page <= notes.length + 1; page++) {
        const answer = await browse({ log: withByteLimit(log), topic: TOPIC, ranges, order, max, keep: nameOf });
        assert(answer.items.length <= max);
        found.push(...answer.items);
        ranges = [...answer.rest];
        if (answer.stoppedBy === 'end') break;
        assert(page <= notes.length, 'it does not come to an end');
      }
      assert.deepEqual(found, merged(log, 4, order));
    }),
    { numRuns: 150 },
  );
});

test('a search looks at so many records, says so, and goes on where it stopped', async () => {
  const notes = Array.from({ length: 3_000 }, (_, at) => ({ partition: at % 3, timestamp: at, key: `key-${at}` }));
  const log = await logOf(3, notes);
  const wanted = (record: LogRecord) => (record.key!.toString() === 'key-100' ? nameOf(record) : null);
  const search = (ranges: readonly OffsetRange[]) =>
    browse({ log, topic: TOPIC, ranges, order: 'newest', max: 5, keep: wanted, limits: { maxScanned: 2_000 } });
  const first = await search(await rangesOf(log, 3));
  assert.deepEqual([first.items, first.stoppedBy, first.scanned], [[], 'scan', 2_000]);
  const second = await search(first.rest);
  assert.deepEqual([second.items, second.stoppedBy, second.scanned], [['1:33'], 'end', 1_000]);
});

test('the newest of a partition of large records is read in small pieces', async () => {
  const log = await logOf(
    1,
    Array.from({ length: 100 }, (_, timestamp) => ({ partition: 0, timestamp, bytes: 1_000_000 })),
  );
  let bytes = 0;
  const limited = withByteLimit(log, (size) => {
    bytes += size;
  });
  const ranges = await rangesOf(log, 1);
  const { items } = await browse({ log: limited, topic: TOPIC, ranges, order: 'newest', max: 2, keep: nameOf });
  assert.deepEqual(items, ['0:99', '0:98']);
  assert(bytes < 12_000_000, `${bytes} bytes were read`);
});

test('bytes and time end a search as well', async () => {
  const log = await logOf(
    1,
    Array.from({ length: 200 }, (_, timestamp) => ({ partition: 0, timestamp, bytes: 10_000 })),
  );
  const ranges = await rangesOf(log, 1);
  const search = { log: withByteLimit(log), topic: TOPIC, ranges, order: 'oldest', max: 1, keep: () => null } as const;
  const byBytes = await browse({ ...search, limits: { maxBytes: 300_000 } });
  assert.equal(byBytes.stoppedBy, 'scan');
  assert(byBytes.scanned < 200);
  let now = 0;
  const clock = { now: () => (now += 10), after: () => () => {} };
  const byTime = await browse({ ...search, clock, limits: { maxMs: 15 } });
  assert.equal(byTime.stoppedBy, 'scan');
});

test('what retention takes away meanwhile is passed over', async () => {
  const log = await logOf(
    1,
    Array.from({ length: 10 }, (_, timestamp) => ({ partition: 0, timestamp })),
  );
  const ranges = await rangesOf(log, 1);
  log.trim({ topic: TOPIC, partition: 0 }, 7);
  for (const order of ['newest', 'oldest'] as const) {
    const { items } = await browse({ log, topic: TOPIC, ranges, order, max: 50, keep: ({ offset }) => offset });
    assert.deepEqual([...items].sort(), [7, 8, 9]);
  }
});

test('a large hole costs few reads, in both orders', async () => {
  const log = await logOf(
    1,
    Array.from({ length: 6_000 }, (_, timestamp) => ({ partition: 0, timestamp })),
  );
  for (let offset = 5_999; offset > 0; offset--) log.remove({ topic: TOPIC, partition: 0, offset });
  const ranges = await rangesOf(log, 1);
  for (const order of ['newest', 'oldest'] as const) {
    let reads = 0;
    const counted = withByteLimit(log, () => {
      reads += 1;
    });
    const { items } = await browse({ log: counted, topic: TOPIC, ranges, order, max: 5, keep: nameOf });
    assert.deepEqual(items, ['0:0']);
    assert(reads <= 12, `${reads} reads, ${order} first`);
  }
});

const partitionsOf = (count: number) => Array.from({ length: count }, (_, partition) => ({ topic: TOPIC, partition }));

test('the newest records are taken from partitions as they receive them', async () => {
  const now = 1_000_000;
  // one record a second on partition 0, ten on partition 1, and an old hoard on partition 2
  const notes = [
    ...Array.from({ length: 100 }, (_, at) => ({ partition: 0, timestamp: now - (100 - at) * 1_000 })),
    ...Array.from({ length: 1_000 }, (_, at) => ({ partition: 1, timestamp: now - (1_000 - at) * 100 })),
    ...Array.from({ length: 5_000 }, (_, at) => ({ partition: 2, timestamp: at })),
  ];
  const log = await logOf(3, notes);
  const counts = (await newestRanges(log, partitionsOf(3), 110, now)).map(({ from, to }) => to - from);
  assert.deepEqual(counts, [10, 100, 0]);
  const whole = (await newestRanges(log, partitionsOf(3), 10_000, now)).map(({ from, to }) => to - from);
  assert.deepEqual(whole, [100, 1_000, 5_000]);
});

test('records of one and the same time are counted up to the bound', async () => {
  const log = await logOf(
    2,
    Array.from({ length: 1_000 }, (_, at) => ({ partition: at % 2, timestamp: 5 })),
  );
  const counts = (await newestRanges(log, partitionsOf(2), 100, 1_000_000)).map(({ from, to }) => to - from);
  assert.deepEqual(counts, [50, 50]);
});

test('keys are counted exactly, by partition too, within records and bytes', async () => {
  const notes = Array.from({ length: 300 }, (_, at) => ({
    partition: at % 2,
    timestamp: at + 1,
    ...(at % 10 === 0 ? {} : { key: at % 3 === 0 ? 'busy' : `key-${at}` }),
  }));
  const log = await logOf(2, notes);
  const expected = new Map<string, number>();
  for (const { key } of notes) if (key !== undefined) expected.set(key, (expected.get(key) ?? 0) + 1);
  const census = await keyCensus(log, partitionsOf(2), { maxRecords: 1_000, now: 10_000 });
  assert.deepEqual(new Map([...census.keys].sort()), new Map([...expected].sort()));
  assert.deepEqual(
    [census.records, census.keyless, census.firstAt, census.lastAt, census.cut],
    [300, 30, 1, 300, false],
  );
  assert.deepEqual(
    census.partitions.map(({ records }) => records),
    [150, 150],
  );
  const large = await logOf(
    2,
    Array.from({ length: 40 }, (_, at) => ({ partition: at % 2, timestamp: at, key: 'k', bytes: 400_000 })),
  );
  const cut = await keyCensus(withLists(large), partitionsOf(2), { maxRecords: 40, maxBytes: 2_000_000, now: 10_000 });
  assert.equal(cut.cut, true);
  assert(cut.records > 0 && cut.records < 12, `${cut.records} were read`);
});

function withLists(log: MemoryLog) {
  return { ...withByteLimit(log), listOffsets: log.listOffsets.bind(log) };
}
