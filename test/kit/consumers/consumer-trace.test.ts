import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConsumerTrace, type TraceEntry } from '../../../src/kit/consumers/consumer-trace.ts';
import { runConsumer } from '../../../src/kit/consumers/run.ts';
import { codec, Harness, publish, TOPIC } from './harness.ts';

const AT = { topic: TOPIC, partition: 0 };
const EMPTY = { size: 1, notes: [], effects: [] };

function traced(harness: Harness, trace: ConsumerTrace) {
  const { log, store, deadLetters, clock } = harness;
  const handler: Parameters<typeof runConsumer>[0]['handler'] = (thing, context) =>
    harness.handler(thing as never, context);
  return harness.drive(
    runConsumer({
      log,
      group: 'g',
      topics: [TOPIC],
      codec,
      handler,
      store,
      deadLetters,
      clock,
      random: () => 0.5,
      trace,
    }),
  );
}

const kinds = (entries: readonly TraceEntry[]) => entries.map(({ kind, attempt }) => [kind, attempt]);

test('the plain way costs one row for all; every other way has its entries', async () => {
  const harness = new Harness();
  const trace = new ConsumerTrace({ clock: harness.clock });
  await publish(
    harness.log,
    0,
    { id: 'plain', key: 'a' },
    { id: 'flaky', key: 'b', fates: ['retry', 'throw'] },
    { id: 'behind', key: 'b' },
    { id: 'unwanted', key: 'c', fates: ['dead'] },
    'poison',
    { id: 'plain', key: 'a' },
  );
  const consumer = await traced(harness, trace);
  await harness.caughtUp(consumer);
  assert.deepEqual(trace.entriesAt({ ...AT, offset: 0 }), []);
  const chunk = trace.chunkOf({ ...AT, offset: 0 })!;
  assert.deepEqual([chunk.from, chunk.next, chunk.records, chunk.exceptions], [0, 6, 6, 5]);
  assert.equal(trace.isComplete(chunk), true);
  assert.deepEqual(kinds(trace.entriesOf('flaky')), [
    ['failed', 1],
    ['failed', 2],
    ['applied', 3],
  ]);
  const [first, second] = trace.entriesOf('flaky');
  assert.equal(first!.dueAt! - first!.at, 100, 'half of the first delay of 200 ms');
  assert.ok(second!.startedAt! >= first!.dueAt!);
  const [parked, applied] = trace.entriesOf('behind');
  assert.deepEqual([parked!.kind, parked!.behind, parked!.key, applied!.kind], ['parked', 1, 'b', 'applied']);
  assert.deepEqual(
    trace.entriesOf('unwanted').map(({ kind, code }) => [kind, code]),
    [['dead', 'UNWANTED']],
  );
  assert.deepEqual(kinds(trace.entriesAt({ ...AT, offset: 4 })), [['dead', 1]]);
  assert.deepEqual(
    trace.entriesOf('plain').map(({ kind, offset }) => [kind, offset]),
    [['duplicate', 5]],
  );
  assert.equal(trace.claimOf(AT)?.position, 0);
  await harness.stop(consumer);
  assert.equal(trace.claimOf(AT), null);
});

test('what is not durable did not happen; the pause is told of', async () => {
  const harness = new Harness();
  const trace = new ConsumerTrace({ clock: harness.clock });
  await publish(harness.log, 0, { id: 'flaky', fates: ['retry'] });
  const consumer = await traced(harness, trace);
  await harness.caughtUp(consumer);
  let faults = 2;
  harness.store.fault = (method) => (method === 'apply' && faults-- > 0 ? 'before' : null);
  await publish(harness.log, 0, { id: 'late', fates: ['retry'] });
  await harness.caughtUp(consumer);
  assert.deepEqual(kinds(trace.entriesOf('late')), [
    ['failed', 1],
    ['applied', 2],
  ]);
  const incidents = trace.incidents(AT, 0, Number.POSITIVE_INFINITY).map(({ kind, code }) => [kind, code]);
  assert.deepEqual(incidents, [
    ['claimed', null],
    ['paused', 'STORE_UNAVAILABLE'],
    ['claimed', null],
    ['paused', 'STORE_UNAVAILABLE'],
    ['claimed', null],
  ]);
  await harness.stop(consumer);
});

test('both rings forget the oldest, and know it', () => {
  let now = 0;
  const trace = new ConsumerTrace({ clock: { now: () => now }, maxChunks: 1_000, maxEntries: 10 });
  const record = { ...AT, offset: 0, key: null, value: null, headers: [], timestamp: 0 };
  for (let offset = 0; offset < 3_000; offset++) {
    now = offset;
    const dead = { kind: 'dead' as const, record: { ...record, offset }, eventId: `e-${offset}`, at: 0 };
    const notes =
      offset % 100 === 0 ? [{ ...dead, attempt: 1, startedAt: null, code: 'X', reason: 'r'.repeat(999) }] : [];
    trace.stored(
      AT,
      { chunk: { ...EMPTY, notes }, from: offset, next: offset + 1, duplicates: [], durationMs: 0.5 },
      0,
    );
    if (offset === 999)
      for (let old = 0; old < 1_000; old++) assert.equal(trace.chunkOf({ ...AT, offset: old })?.from, old);
  }
  assert.equal(trace.chunkOf({ ...AT, offset: 1_999 }), null);
  for (let offset = 2_000; offset < 3_000; offset++) {
    const chunk = trace.chunkOf({ ...AT, offset })!;
    assert.deepEqual([chunk.from, chunk.storedAt, chunk.durationMs], [offset, offset, 0.5]);
  }
  assert.equal(trace.chunkOf({ ...AT, partition: 1, offset: 2_999 }), null);
  assert.deepEqual(trace.entriesOf('e-1900'), []);
  const [kept] = trace.entriesOf('e-2000');
  assert.equal(kept!.reason!.length, 301);
  assert.equal(trace.isComplete(trace.chunkOf({ ...AT, offset: 2_000 })!), true);
});

test('a clock that was set does not tear times apart', () => {
  const trace = new ConsumerTrace({ clock: { now: () => 5_000 } });
  const record = { ...AT, offset: 0, key: null, value: null, headers: [], timestamp: 0 };
  const failed = {
    kind: 'failed' as const,
    record,
    eventId: 'e',
    at: 990,
    attempt: 1,
    startedAt: 980,
    reason: 'r',
    dueAt: 1_100,
  };
  trace.stored(AT, { chunk: { ...EMPTY, notes: [failed] }, from: 0, next: 1, duplicates: [], durationMs: 1 }, 1_000);
  const [entry] = trace.entriesOf('e');
  assert.deepEqual([entry!.startedAt, entry!.at, entry!.storedAt, entry!.dueAt], [4_980, 4_990, 5_000, 5_100]);
});
