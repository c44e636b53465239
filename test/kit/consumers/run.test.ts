import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ack } from '../../../src/kit/consumers/verdict.ts';
import { ErrorHandler, TransientError } from '../../../src/kit/retry/error-handler.ts';
import { settle } from '../../support/manual-clock.ts';
import { MemoryStore } from '../../support/memory-store.ts';
import { Harness, hasCode, obey, publish, type Thing, TOPIC } from './harness.ts';

const AT = { topic: TOPIC, partition: 0 };
const many = (count: number, of: (index: number) => Partial<Thing> | 'poison') =>
  Array.from({ length: count }, (_, n) => of(n));

test('applies every event once, in order, and counts it', async () => {
  const h = new Harness(2);
  await publish(h.log, 0, ...many(1_200, () => ({ key: 'a' })));
  await publish(h.log, 1, ...many(700, () => ({ key: 'b', fates: ['async'] })));
  const consumer = await h.start();
  await h.caughtUp(consumer);
  assert.deepEqual(await h.balance(), { applied: 1_900, duplicates: 0, parked: 0, dead: 0, log: 1_900 });
  assert.deepEqual(
    h.offsets(0),
    [...h.offsets(0)].sort((a, b) => a - b),
  );
  assert.deepEqual(await h.store.get('a'), { count: 1_200 });
  const metrics = consumer.metrics();
  assert.equal(metrics.messages_processed, 1_900);
  assert.equal(metrics.success_rate, 1);
  assert.equal(metrics.lag, 0);
  assert.equal(metrics.consumer_running, true);
  assert.deepEqual(metrics.partitions[0], {
    ...AT,
    position: 1_200,
    end_offset: 1_200,
    lag: 0,
    waiting_since: null,
  });
  await h.stop(consumer);
  assert.equal(consumer.metrics().consumer_running, false);
  assert.deepEqual((await h.log.group('g').committed()).map(({ offset }) => offset).sort(), [1_200, 700]);
  await consumer.ended;
});

test('one event id counts once', async () => {
  const h = new Harness();
  await publish(h.log, 0, { id: 'x' }, { id: 'x' }, { id: 'y' });
  const consumer = await h.start();
  await h.caughtUp(consumer);
  assert.deepEqual(await h.balance(), { applied: 2, duplicates: 1, parked: 0, dead: 0, log: 3 });
  await h.stop(consumer);
});

test('ten per cent of poison does not stop a partition, and keeps its bytes', async () => {
  const h = new Harness();
  await publish(h.log, 0, ...many(1_000, (n) => (n % 10 === 3 ? 'poison' : { key: `k${n % 7}` })));
  const consumer = await h.start();
  await h.caughtUp(consumer);
  assert.deepEqual(await h.balance(), { applied: 900, duplicates: 0, parked: 0, dead: 100, log: 1_000 });
  assert.equal(await h.deadLetters.depth(), 100);
  const shown = await h.deadLetters.show(`g/${TOPIC}/0/3`);
  assert.deepEqual([shown.code, String(shown.original.value), shown.deliveryCount], ['NOT_JSON', '{', 1]);
  assert.equal(consumer.metrics().dead_letter_count, 100);
  assert.equal(consumer.metrics().success_rate, 0.9);
  await h.stop(consumer);
});

test('an event that fails waits with its key, in order, while other keys go on', async () => {
  const h = new Harness();
  await publish(
    h.log,
    0,
    { key: 'a', fates: ['retry', 'throw'] },
    { key: 'a' },
    { key: 'b' },
    { key: 'a', fates: ['throw'] },
    { key: 'a' },
  );
  const consumer = await h.start();
  await settle();
  assert.deepEqual(h.offsets(), [2]);
  assert.equal(consumer.metrics().parked, 4);
  assert.equal((await h.balance()).parked, 4);
  await h.caughtUp(consumer);
  assert.deepEqual(h.offsets(), [2, 0, 1, 3, 4]);
  assert.equal(consumer.metrics().retry_count, 3);
  await h.stop(consumer);
});

test('a busy partition still tries its parked events again', async () => {
  const h = new Harness();
  await publish(h.log, 0, { key: 'a', fates: ['retry'] });
  const consumer = await h.start();
  for (let n = 0; n < 100; n++) {
    await publish(h.log, 0, { key: 'b' });
    await h.clock.advance(5);
  }
  assert.ok(h.offsets().includes(0));
  await h.stop(consumer);
});

test('after five attempts an event is dead, and its key goes on', async () => {
  const h = new Harness();
  await publish(h.log, 0, { key: 'a', fates: ['retry', 'retry', 'throw', 'retry', 'retry', 'ack'] }, { key: 'a' });
  const startedAt = h.clock.now();
  const consumer = await h.start();
  await h.caughtUp(consumer);
  assert.deepEqual(h.offsets(), [1]);
  const [entry] = (await h.deadLetters.list()).entries;
  assert.equal(entry?.code, 'RETRIES_EXHAUSTED');
  assert.equal(entry.deliveryCount, 5);
  assert.ok(Date.parse(entry.firstFailedAt) - startedAt < 1_000);
  assert.ok(h.clock.now() - startedAt >= 100 + 200 + 400 + 800, 'backs off');
  assert.deepEqual(await h.balance(), { applied: 1, duplicates: 0, parked: 0, dead: 1, log: 2 });
  await h.stop(consumer);
});

test('a crash between the last attempt and its dead letter: given up all the same, never both dead and applied', async () => {
  const h = new Harness();
  await publish(h.log, 0, { fates: ['retry', 'retry', 'retry', 'retry', 'retry', 'ack'] });
  const crashing = new MemoryStore('things', h.data);
  const apply = crashing.apply.bind(crashing);
  // The process dies after the log has acknowledged the dead letter: that transaction never begins.
  crashing.apply = (batch) => (batch.dead > 0 ? new Promise(() => {}) : apply(batch));
  await h.start({ store: crashing });
  while ((await h.deadLetters.depth()) === 0) await h.clock.advance(100);
  const group = h.log.group('g');
  await h.drive(group.expel(group.members[0]!));
  // What made it fail is over, as after a restart.
  h.handler = (thing) => obey({ ...thing, fates: [] }, 1);
  const next = await h.start();
  await h.caughtUp(next);
  assert.deepEqual(h.offsets(), []);
  assert.equal(await h.deadLetters.depth(), 1);
  assert.deepEqual(await h.balance(), { applied: 0, duplicates: 0, parked: 0, dead: 1, log: 1 });
  await h.stop(next);
});

test('the handler says dead: buried with its code; a typed error that is not retriable too', async () => {
  const h = new Harness();
  await publish(h.log, 0, { fates: ['dead'] }, {});
  const consumer = await h.start();
  await h.caughtUp(consumer);
  assert.equal((await h.deadLetters.list({ code: 'UNWANTED' })).matching, 1);
  await h.stop(consumer);
});

test('an effect that the store can never take is buried alone', async () => {
  const h = new Harness();
  await publish(h.log, 0, ...many(50, (n) => ({ key: `k${n}`, fates: n === 20 ? ['refused'] : [] })));
  const consumer = await h.start();
  await h.caughtUp(consumer);
  assert.deepEqual(await h.balance(), { applied: 49, duplicates: 0, parked: 0, dead: 1, log: 50 });
  const [entry] = (await h.deadLetters.list()).entries;
  assert.deepEqual([entry?.offset, entry?.code], [20, 'INVALID_DELTA']);
  await h.stop(consumer);
});

test('an effect refused because of what is stored is found one by one', async () => {
  const h = new Harness();
  await publish(h.log, 0, ...many(30, (n) => ({ key: `k${n}` })));
  h.handler = (thing) => {
    const clash = thing.id === '0-20' ? [{ key: 'k3', max: { count: 'text' } }] : [];
    return ack([{ key: thing.key, add: { count: 1 } }, ...clash]);
  };
  const consumer = await h.start();
  await h.caughtUp(consumer);
  assert.deepEqual(await h.balance(), { applied: 29, duplicates: 0, parked: 0, dead: 1, log: 30 });
  await h.stop(consumer);
});

test('a store that is away pauses the partition, changes no count, and is waited for', async () => {
  const h = new Harness();
  await publish(h.log, 0, ...many(20, (n) => ({ key: `k${n}` })));
  const consumer = await h.start();
  await h.caughtUp(consumer);
  h.store.fault = () => 'before';
  await publish(h.log, 0, ...many(20, (n) => ({ key: `k${n}`, fates: n === 5 ? ['retry'] : [] })));
  await h.clock.advance(60_000);
  const away = consumer.metrics();
  assert.deepEqual([away.messages_processed, away.messages_failed, away.retry_count], [20, 0, 0]);
  assert.equal(away.lag, 20);
  const applies = h.store.applies;
  await h.clock.advance(60_000);
  assert.ok(h.store.applies - applies <= 1, 'does not hammer the store');
  h.store.fault = () => null;
  await h.caughtUp(consumer);
  assert.deepEqual(await h.balance(), { applied: 40, duplicates: 0, parked: 0, dead: 0, log: 40 });
  await h.stop(consumer);
});

test('an answer of the store that is lost does not count twice', async () => {
  const h = new Harness();
  await publish(h.log, 0, ...many(100, () => ({})));
  let calls = 0;
  h.store.fault = (method) => (method === 'apply' && ++calls === 1 ? 'after' : null);
  const consumer = await h.start();
  await h.caughtUp(consumer);
  assert.deepEqual(await h.store.get('k'), { count: 100 });
  assert.equal((await h.balance()).duplicates, 0);
  await h.stop(consumer);
});

test('a log that is away while dead letters are written: the position waits for them', async () => {
  const h = new Harness();
  const consumer = await h.start();
  await publish(h.log, 0, 'poison', {});
  h.log.down = true;
  await h.clock.advance(20_000);
  assert.equal((await h.balance()).dead, 0);
  h.log.recover();
  await h.caughtUp(consumer);
  assert.deepEqual(await h.balance(), { applied: 1, duplicates: 0, parked: 0, dead: 1, log: 2 });
  await h.stop(consumer);
});

test('a systemic error from the handler counts no attempt', async () => {
  const h = new Harness();
  const attempts: number[] = [];
  let away = true;
  h.handler = (thing, { attempt }) => {
    attempts.push(attempt);
    if (away && thing.id === '0-1') throw Object.assign(new Error('quota'), { away });
    return ack();
  };
  const errorHandler = new ErrorHandler((error) =>
    error instanceof Error && 'away' in error ? 'systemic' : undefined,
  );
  await publish(h.log, 0, {}, {}, {});
  const consumer = await h.start({ errorHandler });
  await h.clock.advance(60_000);
  assert.deepEqual(h.offsets(), [0]);
  assert.ok(attempts.length < 60, 'backs off');
  away = false;
  await h.caughtUp(consumer);
  assert.deepEqual(new Set(attempts), new Set([1]));
  assert.equal(consumer.metrics().messages_failed, 0);
  await h.stop(consumer);
});

test('records that are delivered again are passed over', async () => {
  const h = new Harness();
  await publish(h.log, 0, { id: 'a' }, { id: 'b' });
  const consumer = await h.start();
  await h.caughtUp(consumer);
  const [member] = h.log.group('g').members;
  await member?.options.onRecords({ ...AT, records: h.log.records(AT), highWatermark: 2 });
  assert.deepEqual(await h.balance(), { applied: 2, duplicates: 0, parked: 0, dead: 0, log: 2 });
  assert.equal(consumer.metrics().partitions[0]?.position, 2);
  await h.stop(consumer);
});

test('a store that lost everything is filled again from the log, even without a new event', async () => {
  const h = new Harness();
  await publish(h.log, 0, ...many(50, (n) => (n === 7 ? 'poison' : {})));
  const consumer = await h.start();
  await h.caughtUp(consumer);
  const before = await h.store.get('k');
  h.data.lose();
  await h.clock.advance(10_000);
  assert.deepEqual(await h.store.get('k'), before);
  assert.deepEqual(await h.balance(), { applied: 49, duplicates: 0, parked: 0, dead: 1, log: 50 });
  assert.equal(await h.deadLetters.depth(), 1, 'dead letters of the rebuild are the same entries');
  await h.stop(consumer);
});

test('a projection that is cleared is rebuilt', async () => {
  const h = new Harness();
  await publish(h.log, 0, ...many(50, () => ({})));
  const consumer = await h.start();
  await h.caughtUp(consumer);
  await h.store.clear();
  await h.clock.advance(10_000);
  assert.deepEqual(await h.store.get('k'), { count: 50 });
  await h.stop(consumer);
});

test('a zombie is fenced: nothing it does is stored, and it joins anew', async () => {
  const h = new Harness(1);
  const gate = Promise.withResolvers<void>();
  let first = true;
  h.handler = async () => {
    if (first) {
      first = false;
      await gate.promise;
    }
    return ack([{ key: 'k', add: { count: 1 } }]);
  };
  await publish(h.log, 0, ...many(10, () => ({})));
  const zombie = await h.start();
  await settle();
  const group = h.log.group('g');
  await group.expel(group.members[0]!);
  const owner = await h.start({ store: new MemoryStore('things', h.data) });
  await h.caughtUp(owner);
  gate.resolve();
  await h.clock.advance(30_000);
  assert.deepEqual(await h.store.get('k'), { count: 10 });
  assert.ok(h.warnings.some((message) => message.includes('newer owner')));
  assert.equal(group.members.length, 2);
  await publish(h.log, 0, {});
  await h.clock.advance(10_000);
  assert.deepEqual(await h.store.get('k'), { count: 11 });
  await h.stop(zombie);
  await h.stop(owner);
});

test('parked state survives a restart: attempts, order and due times', async () => {
  const h = new Harness();
  await publish(h.log, 0, { key: 'a', fates: ['retry', 'retry', 'retry', 'retry'] }, { key: 'a' }, { key: 'b' });
  const one = await h.start();
  await h.clock.advance(150);
  await h.stop(one);
  assert.equal((await h.balance()).parked, 2);
  const attempts: number[] = [];
  const { handler } = h;
  h.handler = (thing, context) => {
    attempts.push(context.attempt);
    return handler(thing, context);
  };
  const two = await h.start();
  await h.caughtUp(two);
  assert.deepEqual(attempts, [3, 4, 5, 1]);
  assert.deepEqual(h.offsets(), [2, 0, 1]);
  await h.stop(two);
});

test('a parked record that the log no longer has is a dead letter', async () => {
  const h = new Harness();
  await publish(h.log, 0, { key: 'a', fates: ['retry'] }, { key: 'a' }, { key: 'b', fates: ['retry'] }, { key: 'c' });
  const consumer = await h.start();
  await settle();
  h.log.trim(AT, 1);
  h.log.remove({ ...AT, offset: 2 });
  await h.caughtUp(consumer);
  assert.deepEqual(h.offsets(), [3, 1]);
  const { entries } = await h.deadLetters.list({ code: 'PARKED_RECORD_GONE' });
  assert.deepEqual(entries.map(({ offset, key }) => [offset, key]).sort(), [
    [0, 'a'],
    [2, 'b'],
  ]);
  await h.stop(consumer);
});

test('a full parking place pauses the partition until there is room', async () => {
  const h = new Harness();
  const limits = { parking: { maxPerKey: 4, maxPerPartition: 6 } };
  await publish(h.log, 0, { key: 'a', fates: ['retry', 'retry'] }, ...many(8, () => ({ key: 'a' })), { key: 'b' });
  const consumer = await h.start({ limits });
  await settle();
  assert.equal(consumer.metrics().parked, 4);
  assert.equal(consumer.metrics().partitions[0]?.position, 4);
  await h.caughtUp(consumer);
  assert.deepEqual(h.offsets(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  await h.stop(consumer);
});

test('waitFor tells at once, and only when the event is settled', async () => {
  const h = new Harness(2);
  const consumer = await h.start();
  const parked: string[] = [];
  const one = consumer.waitFor({ ...AT, offset: 0 }, 60_000).then(() => parked.push('head'));
  const two = consumer.waitFor({ ...AT, offset: 1 }, 60_000).then(() => parked.push('other'));
  await publish(h.log, 0, { key: 'a', fates: ['retry'] }, { key: 'b' });
  await settle();
  assert.deepEqual(parked, ['other']);
  await h.clock.advance(500);
  await Promise.all([one, two]);
  await consumer.waitFor({ ...AT, offset: 0 }, 0);
  await assert.rejects(h.drive(consumer.waitFor({ ...AT, offset: 9 }, 300)), hasCode('NOT_APPLIED_YET'));
  await assert.rejects(
    consumer.waitFor({ topic: TOPIC, partition: 7, offset: 0 }, 300),
    hasCode('PARTITION_NOT_OWNED'),
  );
  await h.stop(consumer);
});

test('retention that overtakes a consumer is said, counted and survived', async () => {
  const h = new Harness();
  await publish(h.log, 0, ...many(10, () => ({})));
  const one = await h.start();
  await h.caughtUp(one);
  await h.stop(one);
  await publish(h.log, 0, ...many(10, () => ({})));
  h.log.trim(AT, 15);
  const two = await h.start();
  await h.caughtUp(two);
  assert.deepEqual(await h.store.get('k'), { count: 15 });
  assert.equal(two.metrics().skipped, 5);
  assert.ok(h.warnings.some((message) => message.includes('retention')));
  await h.stop(two);
});

test('a store that is away at the start is waited for; what the log dropped long ago is not called skipped', async () => {
  const h = new Harness();
  await publish(h.log, 0, ...many(10, () => ({})));
  h.log.trim(AT, 4);
  h.store.fault = () => 'before';
  const consumer = await h.start();
  await h.clock.advance(10_000);
  h.store.fault = () => null;
  await h.caughtUp(consumer);
  assert.deepEqual(h.offsets(), [4, 5, 6, 7, 8, 9]);
  assert.equal(consumer.metrics().skipped, 0);
  await h.stop(consumer);
});

test('a store ahead of its log ends the consumer with what to do', async () => {
  const h = new Harness();
  const { epoch } = await h.store.claim(AT);
  const nothing = { effects: [], park: [], unpark: [], dead: 0, now: 0 };
  await h.store.apply({ ...AT, epoch, expect: null, next: 500, ...nothing });
  const consumer = await h.start();
  await assert.rejects(h.drive(consumer.ended), hasCode('CONSUMER_AHEAD_OF_LOG'));
  assert.equal(consumer.metrics().consumer_running, false);
});

test('stop waits for a handler, but not for ever; its event is left for the next owner', async () => {
  const h = new Harness();
  const { handler } = h;
  h.handler = (thing, context) => (thing.id === '0-1' ? new Promise(() => {}) : handler(thing, context));
  await publish(h.log, 0, {}, {}, {});
  const one = await h.start();
  await settle();
  await h.drive(one.stop(), 100, 6_000);
  assert.deepEqual(h.offsets(), [0]);
  h.handler = handler;
  const two = await h.start();
  await h.caughtUp(two);
  assert.deepEqual(h.offsets(), [0, 1, 2]);
  await h.stop(two);
});

test('stop does not wait for ever for a dead letter that the log does not acknowledge', async () => {
  const h = new Harness();
  const send = h.log.send.bind(h.log);
  h.log.send = () => new Promise(() => {});
  await publish(h.log, 0, {}, 'poison', {});
  const one = await h.start();
  await settle();
  await h.drive(one.stop(), 100, 6_000);
  assert.deepEqual(h.offsets(), [], 'what was decided with it is left to the next owner');
  h.log.send = send;
  const two = await h.start();
  await h.caughtUp(two);
  assert.deepEqual(await h.balance(), { applied: 2, duplicates: 0, parked: 0, dead: 1, log: 3 });
  await h.stop(two);
});

test('two members share the partitions, and one takes over from the other', async () => {
  const h = new Harness(4);
  const one = await h.start();
  const two = await h.start({ store: new MemoryStore('things', h.data) });
  await h.clock.advance(100);
  assert.deepEqual([one.metrics().partitions.length, two.metrics().partitions.length], [2, 2]);
  for (let partition = 0; partition < 4; partition++) await publish(h.log, partition, ...many(10, () => ({})));
  await h.caughtUp(one);
  await h.caughtUp(two);
  await h.stop(one);
  for (let partition = 0; partition < 4; partition++) await publish(h.log, partition, {});
  await h.caughtUp(two);
  assert.deepEqual(await h.balance(), { applied: 44, duplicates: 0, parked: 0, dead: 0, log: 44 });
  await h.stop(two);
});

test('a TransientError is tried again', async () => {
  const h = new Harness();
  let calls = 0;
  h.handler = () => {
    if (++calls < 3) throw new TransientError('busy');
    return ack();
  };
  await publish(h.log, 0, {});
  const consumer = await h.start();
  await h.caughtUp(consumer);
  assert.deepEqual([h.offsets(), calls], [[0], 3]);
  await h.stop(consumer);
});
