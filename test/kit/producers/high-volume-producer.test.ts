import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Clock, systemClock } from '../../../src/kit/clock.ts';
import { partitionFor } from '../../../src/kit/log/partitioner.ts';
import { HighVolumeProducer } from '../../../src/kit/producers/high-volume-producer.ts';
import { FakeLog, NEVER, unavailable } from '../../support/fake-log.ts';
import { settle } from '../../support/manual-clock.ts';
import { record, sendAll, setUp, TOPIC, warmUp, watch } from './producer-setup.ts';

describe('topics', () => {
  test('sends before the number of partitions is known keep their order; it is asked for once', async () => {
    const { clock, log, producer } = setUp({ partitions: 3 });
    sendAll(producer, ['a', 'b']);
    await Promise.resolve();
    sendAll(producer, ['c']);
    await clock.advance(0);
    assert.deepEqual(log.values(TOPIC, partitionFor('k', 3)), ['a', 'b', 'c']);
    assert.equal(log.describes, 1);
  });

  test('a topic that is unknown or cannot be asked for fails its records only', async () => {
    const { clock, log, producer } = setUp();
    const unknown = watch(producer.send({ ...record('x'), topic: 'nowhere' }));
    const known = watch(producer.send(record('x')));
    await clock.advance(0);
    assert.deepEqual([unknown.code, known.offset], ['UNKNOWN_TOPIC', 0]);
    log.setTopic({ name: 'nowhere', partitions: 1 });
    log.describeFailure = unavailable(false);
    const unasked = watch(producer.send({ ...record('x'), topic: 'nowhere' }));
    await clock.advance(0);
    assert.equal(unasked.code, 'LOG_UNAVAILABLE');
    log.describeFailure = null;
    const now = watch(producer.send({ ...record('x'), topic: 'nowhere' }));
    await clock.advance(0);
    assert.equal(now.offset, 0);
  });

  test('the number of partitions is asked for again after UNKNOWN_PARTITION and when it is old', async () => {
    const { clock, log, producer } = setUp({ partitions: 1 });
    await warmUp(producer);
    log.setTopic({ name: TOPIC, partitions: 3 });
    const early = watch(producer.send(record('x', 'k', { partition: 2 })));
    await clock.advance(0);
    assert.equal(early.code, 'UNKNOWN_PARTITION');
    producer.send(record('x'));
    await clock.advance(0);
    const late = watch(producer.send(record('x', 'k', { partition: 2 })));
    await clock.advance(0);
    assert.equal(late.partition, 2);
    log.setTopic({ name: TOPIC, partitions: 5 });
    await clock.advance(300_001);
    producer.send(record('x'));
    await clock.advance(0);
    const grown = watch(producer.send(record('x', 'k', { partition: 4 })));
    await clock.advance(0);
    assert.equal(grown.partition, 4);
  });
});

describe('flush and close', () => {
  test('flush waits for what was sent before it, and for nothing later', async () => {
    const { clock, producer } = setUp({ fate: () => ({ delayMs: 100 }) });
    sendAll(producer, ['a', 'b']);
    let flushed = false;
    void producer.flush().then(() => {
      flushed = true;
    });
    await clock.advance(50);
    const later = sendAll(producer, ['c']);
    assert.equal(flushed, false);
    await clock.advance(50);
    assert.equal(flushed, true);
    assert.equal(later[0]?.offset, undefined);
    await clock.advance(100);
    await producer.flush();
  });

  test('a second flush waits for the records of the first', async () => {
    const { clock, producer } = setUp({
      partitions: 2,
      fate: ({ partition }) => ({ delayMs: partition === 0 ? 100 : 10 }),
    });
    const flushed: number[] = [];
    for (const partition of [0, 1]) {
      producer.send(record('x', 'k', { partition }));
      void producer.flush().then(() => flushed.push(partition));
    }
    await clock.advance(50);
    assert.deepEqual(flushed, []);
    await clock.advance(50);
    assert.deepEqual(flushed, [0, 1]);
  });

  test('close drains, then refuses', async () => {
    const { clock, log, producer } = setUp({ fate: () => ({ delayMs: 100 }), maxQueuedRecords: 2 });
    const outcomes = sendAll(producer, ['a', 'b', 'c']);
    const closed = producer.close();
    assert.equal(producer.close(), closed);
    await clock.advance(300);
    await closed;
    assert.deepEqual(
      outcomes.map(({ offset }) => offset),
      [0, 1, 2],
    );
    await assert.rejects(producer.send(record('late')), { code: 'PRODUCER_CLOSED' });
    assert.deepEqual(log.values(TOPIC, 0), ['a', 'b', 'c']);
    assert.equal(clock.pending, 0);
  });

  test('close does not wait for an append that never answers', async () => {
    const { clock, producer } = setUp({ fate: () => NEVER });
    const [hung] = sendAll(producer, ['hung'], { ackTimeoutMs: 60_000 });
    const closed = producer.close({ timeoutMs: 1_000 });
    await clock.advance(1_000);
    await closed;
    assert.equal(hung?.code, 'PRODUCER_CLOSED');
    assert.equal(hung.error?.details.maybeStored, true);
    assert.equal(clock.pending, 0);
  });

  test('close fails what is left after its time, and leaves no timer behind', async () => {
    const { clock, producer } = setUp({ fate: () => ({ error: unavailable(false) }), maxQueuedRecords: 2 });
    const [tried] = sendAll(producer, ['tried']);
    await clock.advance(1);
    const left = sendAll(producer, ['queued', 'waiting for room']);
    const closed = producer.close({ timeoutMs: 3_000 });
    await clock.advance(3_000);
    await closed;
    for (const outcome of [tried, ...left]) assert.equal(outcome?.code, 'PRODUCER_CLOSED');
    assert.equal(tried?.error?.details.maybeStored, false);
    assert.equal(clock.pending, 0);
    const { messages_sent, messages_failed, queue_size } = producer.metrics();
    assert.deepEqual([messages_sent, messages_failed, queue_size], [0, 3, 0]);
  });
});

describe('metrics', () => {
  test('bear the agreed names and tell what happened', async () => {
    const { clock, producer } = setUp({ fate: () => ({ delayMs: 20 }) });
    assert.deepEqual(Object.keys(producer.metrics()), [
      'messages_sent',
      'messages_failed',
      'bytes_sent',
      'success_rate',
      'throughput_msg_sec',
      'throughput_bytes_sec',
      'avg_latency_ms',
      'p50_latency_ms',
      'p99_latency_ms',
      'runtime_seconds',
      'queue_size',
      'active_connections',
    ]);
    for (let count = 0; count < 10; count++) {
      const headers = [['ce_id', Buffer.from('12345')]] as const;
      producer.send(record('123456789', 'k', { headers }));
      await settle();
      assert.equal(producer.metrics().active_connections, 1);
      await clock.advance(1_000);
    }
    producer.send(record('x', 'k', { partition: 5 })).catch(() => {});
    await clock.advance(0);
    const metrics = producer.metrics();
    assert.equal(metrics.messages_sent, 10);
    assert.equal(metrics.messages_failed, 1);
    assert.equal(metrics.bytes_sent, 200);
    assert.equal(metrics.success_rate, 10 / 11);
    assert.equal(metrics.runtime_seconds, 10);
    assert.equal(metrics.avg_latency_ms, 20);
    assert.equal(metrics.p50_latency_ms, 20);
    assert.equal(metrics.p99_latency_ms, 20);
    assert(metrics.throughput_msg_sec >= 0.9 && metrics.throughput_msg_sec <= 1.1, `${metrics.throughput_msg_sec}`);
    assert.equal(metrics.active_connections, 0);
    await clock.advance(11_000);
    assert.equal(producer.metrics().throughput_msg_sec, 0);
  });

  test('latency is measured below a millisecond on the system clock', async () => {
    const clock: Clock = systemClock;
    const log = new FakeLog({ clock, topics: [{ name: TOPIC, partitions: 1 }] });
    const producer = new HighVolumeProducer({ log, clock });
    await producer.send(record('x'));
    const { avg_latency_ms } = producer.metrics();
    assert(avg_latency_ms > 0 && avg_latency_ms < 1_000);
    await producer.close();
  });
});
