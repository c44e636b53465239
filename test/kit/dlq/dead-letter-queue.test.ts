import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ack } from '../../../src/kit/consumers/verdict.ts';
import type { DeadLetter } from '../../../src/kit/dlq/dead-letter.ts';
import { DeadLetterQueue } from '../../../src/kit/dlq/dead-letter-queue.ts';
import type { Header, LogRecord } from '../../../src/kit/log/event-log.ts';
import { partitionFor } from '../../../src/kit/log/partitioner.ts';
import { settle } from '../../support/manual-clock.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { MemoryStore } from '../../support/memory-store.ts';
import { Harness, hasCode, publish, TOPIC } from '../consumers/harness.ts';

const BINARY = Buffer.from([0, 0xff, 0x80]);
const header = (name: string, value: string): Header => [name, Buffer.from(value)];

function letter(fields: Partial<LogRecord> = {}): DeadLetter {
  const record = {
    topic: TOPIC,
    partition: 4,
    offset: 9,
    key: BINARY,
    value: BINARY,
    headers: [],
    timestamp: 1,
    ...fields,
  };
  return {
    record,
    group: 'g',
    code: 'NOT_JSON',
    reason: 'no JSON',
    deliveryCount: 1,
    firstFailedAt: 1_700_000_000_000,
  };
}

function queue(partitions = 5, maxEntries?: number) {
  const log = new MemoryLog({ [TOPIC]: partitions });
  const options = { log, sender: log, ...(maxEntries !== undefined && { maxEntries }) };
  return { log, dlq: new DeadLetterQueue(options), other: new DeadLetterQueue(options) };
}

test('a dead letter keeps bytes, key and headers, and says where it came from', async () => {
  const { log, dlq } = queue();
  const headers = [header('trace', 'x'), ['trace', null] as const, header('__dlq.errors.topic', 'forged')];
  await dlq.capture([letter({ headers })]);
  assert.equal(log.specs.get(`${TOPIC}.dlq`)?.partitions, 1);
  assert.equal(log.specs.get(`${TOPIC}.dlq`)?.config?.['max.message.bytes'], String(1_048_576 + 65_536));
  assert.equal(
    log.specs.get(`${TOPIC}.dlq`)?.config?.['retention.ms'],
    '-1',
    'nothing removes what nobody has looked at',
  );
  const [record] = log.records({ topic: `${TOPIC}.dlq`, partition: 0 });
  assert.deepEqual([record?.key, record?.value], [BINARY, BINARY]);
  const added = record!.headers.slice(headers.length).map(([name, value]) => [name, String(value)]);
  assert.deepEqual(added, [
    ['__dlq.errors.topic', TOPIC],
    ['__dlq.errors.partition', '4'],
    ['__dlq.errors.offset', '9'],
    ['__dlq.errors.group', 'g'],
    ['__dlq.errors.delivery.count', '1'],
    ['__dlq.errors.message', 'no JSON'],
    ['streamsocial-error-code', 'NOT_JSON'],
    ['streamsocial-first-failed-at', '2023-11-14T22:13:20.000Z'],
    ['streamsocial-replay-count', '0'],
  ]);
  const shown = await dlq.show(`g/${TOPIC}/4/9`);
  assert.deepEqual(shown.original, { key: BINARY, value: BINARY, headers });
  assert.equal(shown.topic, TOPIC);
});

test('null keys and values are kept; an unknown id is an error', async () => {
  const { dlq } = queue();
  await dlq.capture([letter({ key: null, value: null })]);
  const shown = await dlq.show(`g/${TOPIC}/4/9`);
  assert.deepEqual([shown.original.key, shown.original.value, shown.key], [null, null, null]);
  await assert.rejects(dlq.show('g/none/0/0'), hasCode('UNKNOWN_DEAD_LETTER'));
});

test('a crash between the dead letter and the position: one entry, counted once', async () => {
  const h = new Harness();
  await publish(h.log, 0, {}, 'poison', {});
  const crashing = new MemoryStore('things', h.data);
  // The process dies after the log has acknowledged the dead letter: its transaction never begins.
  crashing.apply = () => new Promise(() => {});
  await h.start({ store: crashing });
  await settle();
  assert.equal(h.log.records({ topic: `${TOPIC}.dlq`, partition: 0 }).length, 1);
  const group = h.log.group('g');
  await h.drive(group.expel(group.members[0]!));
  const next = await h.start();
  await h.caughtUp(next);
  assert.equal(h.log.records({ topic: `${TOPIC}.dlq`, partition: 0 }).length, 2);
  assert.equal(await h.deadLetters.depth(), 1);
  assert.equal((await h.deadLetters.list()).matching, 1);
  assert.deepEqual(await h.balance(), { applied: 2, duplicates: 0, parked: 0, dead: 1, log: 3 });
  await h.stop(next);
});

test('listing: newest first, filtered, and read on from where it stopped', async () => {
  const { log, dlq } = queue();
  await dlq.capture([letter({ offset: 1 }), letter({ offset: 2 })]);
  assert.deepEqual(
    (await dlq.list()).entries.map(({ offset }) => offset),
    [2, 1],
  );
  let reads = 0;
  const read = log.read.bind(log);
  log.read = (request) => {
    reads++;
    return read(request);
  };
  assert.equal(await dlq.depth(), 2);
  assert.equal(reads, 0, 'nothing new, nothing read');
  await dlq.capture([{ ...letter({ offset: 3 }), code: 'OTHER' }]);
  assert.deepEqual(
    (await dlq.list({ limit: 1 })).entries.map(({ offset }) => offset),
    [3],
  );
  assert.deepEqual((await dlq.list({ code: 'NOT_JSON' })).matching, 2);
  assert.equal((await dlq.list({ topic: 'another' })).matching, 0);
  assert.equal(reads, 1);
});

test('what has no records at the end, such as the mark of a transaction, is not read again at every look', async (t) => {
  const { log, dlq } = queue();
  await dlq.capture([letter()]);
  log.partition({ topic: `${TOPIC}.dlq`, partition: 0 }).end += 1;
  const read = t.mock.method(log, 'read');
  assert.equal(await dlq.depth(), 1);
  const reads = read.mock.callCount();
  assert.equal(await dlq.depth(), 1);
  assert.equal(read.mock.callCount(), reads);
  await dlq.capture([letter({ offset: 10 })]);
  assert.equal(await dlq.depth(), 2);
});

test('no more than so many entries are held; older ones are counted', async () => {
  const { dlq } = queue(5, 10);
  await dlq.capture(Array.from({ length: 25 }, (_, offset) => letter({ offset, partition: offset % 5 })));
  const list = await dlq.list();
  assert.deepEqual([list.entries.length, list.older, await dlq.depth()], [10, 15, 25]);
});

test('replay is dry until told, marks what it sent, and stops after three', async () => {
  const { log, dlq, other } = queue();
  await dlq.capture([letter({ headers: [header('ce_id', 'e1')] })]);
  const id = `g/${TOPIC}/4/9`;
  const source = () => log.records({ topic: TOPIC, partition: 4 });
  assert.deepEqual(
    (await dlq.replay({ all: true })).map(({ status }) => status),
    ['planned'],
  );
  assert.equal(source().length, 0);
  const [sent] = await dlq.replay({ all: true, execute: true, ratePerSecond: 1_000 });
  assert.deepEqual(sent, { id, topic: TOPIC, partition: 4, status: 'sent', offset: 0 });
  assert.deepEqual([source()[0]?.key, source()[0]?.value], [BINARY, BINARY]);
  assert.deepEqual(
    source()[0]?.headers.map(([name, value]) => [name, String(value)]),
    [
      ['ce_id', 'e1'],
      ['streamsocial-replay-of', `${TOPIC}/4/9`],
      ['streamsocial-replay-count', '1'],
    ],
  );
  for (const view of [dlq, other]) {
    assert.equal(await view.depth(), 0);
    assert.equal((await view.list()).matching, 0);
    assert.equal((await view.list({ replayed: 'all' })).entries[0]?.replayCount, 1);
  }
  assert.deepEqual(await dlq.replay({ all: true, execute: true }), []);
  const again = () => other.replay({ ids: [id], execute: true, ratePerSecond: 1_000 });
  assert.equal((await again())[0]?.status, 'sent');
  assert.equal((await again())[0]?.status, 'sent');
  const [refused] = await again();
  assert.deepEqual([refused?.status, refused?.code], ['refused', 'REPLAY_LIMIT']);
  assert.equal(source().length, 3);
});

test('an event that dies again after its replay carries its count along', async () => {
  const { log, dlq } = queue();
  await dlq.capture([letter()]);
  for (let round = 1; round <= 3; round++) {
    const [item] = await dlq.replay({ all: true, execute: true, ratePerSecond: 1_000 });
    assert.equal(item?.status, 'sent');
    const replayed = log.records({ topic: TOPIC, partition: 4 }).at(-1)!;
    await dlq.capture([{ ...letter(), record: replayed }]);
  }
  const [item] = await dlq.replay({ all: true, execute: true });
  assert.equal(item?.code, 'REPLAY_LIMIT');
});

test('a repaired record is counted once, in the partition of its key', async () => {
  const h = new Harness(4);
  await publish(h.log, 1, 'poison');
  const consumer = await h.start();
  await h.caughtUp(consumer);
  const id = `g/${TOPIC}/1/0`;
  const repaired = { value: Buffer.from(JSON.stringify({ id: 'fixed', key: 'new', fates: [] })), key: 'new' };
  const replay = () => h.drive(h.deadLetters.replay({ ids: [id], execute: true, repaired }));
  const [item] = await replay();
  assert.deepEqual([item?.status, item?.partition], ['sent', partitionFor('new', 4)]);
  await h.caughtUp(consumer);
  assert.deepEqual(await h.store.get('new'), { count: 1 });
  await replay();
  await h.caughtUp(consumer);
  assert.deepEqual(await h.store.get('new'), { count: 1 }, 'the same event id again');
  assert.deepEqual(await h.balance(), { applied: 1, duplicates: 1, parked: 0, dead: 1, log: 3 });
  await h.stop(consumer);
});

test('what cannot be replayed is said', async () => {
  const { log, dlq } = queue();
  await dlq.capture([{ ...letter({ value: null }), code: 'PARKED_RECORD_GONE' }, letter({ offset: 10 })]);
  await assert.rejects(dlq.replay({ execute: true }), hasCode('INVALID_REPLAY'));
  await assert.rejects(dlq.replay({ all: true, repaired: { key: 'x' } }), hasCode('INVALID_REPLAY'));
  const items = await dlq.replay({ ids: [`g/${TOPIC}/4/9`, 'nobody'], execute: true });
  assert.deepEqual(
    items.map(({ status, code }) => [status, code]),
    [
      ['refused', 'PARKED_RECORD_GONE'],
      ['refused', 'UNKNOWN_DEAD_LETTER'],
    ],
  );
  log.trim({ topic: `${TOPIC}.dlq`, partition: 0 }, 2);
  await assert.rejects(dlq.show(`g/${TOPIC}/4/10`), hasCode('DEAD_LETTER_GONE'));
  const [gone] = await dlq.replay({ ids: [`g/${TOPIC}/4/10`], execute: true });
  assert.deepEqual([gone?.status, gone?.code], ['failed', 'DEAD_LETTER_GONE']);
});

test('replay keeps to its rate, one at a time', async () => {
  const h = new Harness();
  h.handler = () => ack();
  await h.deadLetters.capture(Array.from({ length: 11 }, (_, offset) => letter({ offset, partition: 0 })));
  const startedAt = h.clock.now();
  const replaying = h.deadLetters.replay({ all: true, execute: true, ratePerSecond: 5 });
  await assert.rejects(h.deadLetters.replay({ all: true }), hasCode('REPLAY_IN_PROGRESS'));
  await h.drive(replaying, 50);
  assert.ok(h.clock.now() - startedAt >= 2_000);
  assert.deepEqual(h.log.records({ topic: TOPIC, partition: 0 }).length, 11);
});

test('what is asked for by its id is looked for as of now, although a look that began earlier is still under way', async () => {
  const { log, dlq } = queue();
  await dlq.capture([letter({ offset: 1 })]);
  await dlq.depth();
  const [listOffsets, held] = [log.listOffsets.bind(log), Promise.withResolvers<void>()];
  log.listOffsets = async (queries) => {
    log.listOffsets = listOffsets;
    const ends = await listOffsets(queries);
    await held.promise;
    return ends;
  };
  const earlier = dlq.depth();
  await settle();
  await dlq.capture([letter({ offset: 2 })]);
  const found = dlq.find([`g/${TOPIC}/4/2`]);
  held.resolve();
  assert.equal(await earlier, 1);
  assert.deepEqual([...(await found).keys()], [`g/${TOPIC}/4/2`]);
});

test('a letter whose replay was marked a moment ago is not sent again by the next one', async () => {
  const { log, dlq } = queue();
  await dlq.capture([letter()]);
  await dlq.depth();
  const [listOffsets, held] = [log.listOffsets.bind(log), Promise.withResolvers<void>()];
  const first = dlq.replay({ all: true, execute: true, ratePerSecond: 10_000 });
  const hold = async (queries: Parameters<typeof listOffsets>[0]) => {
    log.listOffsets = listOffsets;
    const ends = await listOffsets(queries);
    await held.promise;
    return ends;
  };
  const send = log.send.bind(log);
  let look: Promise<number> | null = null;
  log.send = async (record) => {
    if (record.topic === `${TOPIC}.dlq`) {
      log.listOffsets = hold;
      look = dlq.depth();
      await settle();
    }
    return await send(record);
  };
  assert.equal((await first).length, 1);
  const again = dlq.replay({ all: true, execute: true });
  held.resolve();
  assert.deepEqual(await again, []);
  await look;
});

test('two may plan at the same time', async () => {
  const { dlq } = queue();
  await dlq.capture([letter()]);
  const plans = await Promise.all([dlq.replay({ all: true }), dlq.replay({ all: true })]);
  assert.deepEqual(
    plans.map(([item]) => item?.status),
    ['planned', 'planned'],
  );
});
