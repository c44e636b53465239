import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Harness, publish, TOPIC } from './harness.ts';

const AT = { topic: TOPIC, partition: 0 };
const near = (found: number | undefined, exact: number) =>
  assert.ok(found !== undefined && Math.abs(found - exact) <= exact * 0.016 + 0.01, `${found} for ${exact}`);

test('end to end is from the record to its stored effect, for every effect and nothing else', async () => {
  const h = new Harness();
  const now = h.clock.now();
  const at = (timestamp: number, id: string) => ({
    key: Buffer.from(id),
    value: Buffer.from(JSON.stringify({ id, key: id, fates: id === 'dead' ? ['dead'] : [] })),
    headers: [],
    timestamp,
  });
  const records = [
    ...Array.from({ length: 60 }, (_, index) => at(now - 20, `a${index}`)),
    ...Array.from({ length: 40 }, (_, index) => at(now - 3_000, `b${index}`)),
    // neither a client's record without a time nor one that has no effect
    at(-1, 'unstamped'),
    at(now - 900_000, 'dead'),
  ];
  const consumer = await h.start();
  assert.equal(h.clock.now(), now);
  await h.log.append({ ...AT, records });
  await h.caughtUp(consumer);
  const { endToEnd, processing } = consumer.latencies;
  const { p50_ms, p99_ms } = endToEnd.latency(performance.now())!;
  near(p50_ms, 20);
  near(p99_ms, 3_000);
  assert.equal(
    endToEnd.counts(performance.now()).reduce((sum, count) => sum + count, 0),
    100,
  );
  assert.equal(
    processing.counts(performance.now()).reduce((sum, count) => sum + count, 0),
    102,
  );
  await h.stop(consumer);
});

test('what was in the log before it was followed, or is folded once more, is not measured', async () => {
  const h = new Harness();
  const one = (id: string, timestamp: number) => ({
    ...AT,
    records: [
      { key: Buffer.from(id), value: Buffer.from(JSON.stringify({ id, key: id, fates: [] })), headers: [], timestamp },
    ],
  });
  const measured = () => consumer.latencies.endToEnd.counts(performance.now()).reduce((sum, count) => sum + count, 0);
  await h.log.append(one('old', 1));
  const consumer = await h.start();
  await h.caughtUp(consumer);
  assert.equal(measured(), 0, 'it came before the start');
  await h.log.append(one('new', h.clock.now()));
  await h.caughtUp(consumer);
  assert.equal(measured(), 1);
  // an outage of the store: what came meanwhile has waited for it
  h.store.fault = () => 'before';
  await h.log.append(one('waits', h.clock.now()));
  await h.clock.advance(20_000);
  h.store.fault = () => null;
  await h.caughtUp(consumer);
  assert.equal(measured(), 2);
  assert.ok(consumer.latencies.endToEnd.latency(performance.now())!.p99_ms >= 20_000);
  h.data.lose();
  await h.clock.advance(20_000);
  await h.caughtUp(consumer);
  assert.equal((await h.store.get('old'))?.count, 1, 'all is folded again');
  assert.equal(measured(), 2);
  await h.log.append(one('newer', h.clock.now()));
  await h.caughtUp(consumer);
  assert.equal(measured(), 3);
  await h.stop(consumer);
});

test('an effect that needed a retry has waited for it', async () => {
  const h = new Harness();
  const consumer = await h.start();
  await h.log.append({
    ...AT,
    records: [
      {
        key: Buffer.from('k'),
        value: Buffer.from(JSON.stringify({ id: 'x', key: 'k', fates: ['retry'] })),
        headers: [],
        timestamp: h.clock.now(),
      },
    ],
  });
  assert.equal(consumer.latencies.endToEnd.latency(performance.now()), null);
  const startedAt = h.clock.now();
  await h.caughtUp(consumer);
  const waited = h.clock.now() - startedAt;
  const { p50_ms } = consumer.latencies.endToEnd.latency(performance.now())!;
  assert.ok(p50_ms > 0 && p50_ms <= waited * 1.016 + 1, `${p50_ms} of ${waited}`);
  await h.stop(consumer);
});

test('the oldest record that waits is known while it is at hand', async () => {
  const h = new Harness();
  await publish(h.log, 0, {}, { id: 'slow' }, {}, {});
  const { promise: entered, resolve: enter } = Promise.withResolvers<void>();
  const { promise: leaving, resolve: leave } = Promise.withResolvers<void>();
  const { handler } = h;
  h.handler = async (thing, context) => {
    if (thing.id === 'slow') {
      enter();
      await leaving;
    }
    return handler(thing, context);
  };
  const consumer = await h.start({ limits: { maxChunkRecords: 1 } });
  await h.drive(entered);
  assert.deepEqual(consumer.metrics().partitions[0], { ...AT, position: 1, end_offset: 4, lag: 3, waiting_since: 1 });
  leave();
  await h.caughtUp(consumer);
  assert.equal(consumer.metrics().partitions[0]?.waiting_since, null);
  assert.equal(consumer.generation, 1);
  await h.stop(consumer);
});
