import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { NEVER, unavailable } from '../../support/fake-log.ts';
import { settle } from '../../support/manual-clock.ts';
import { record, sendAll, setUp, TOPIC, warmUp, watch } from './producer-setup.ts';

describe('bounds', () => {
  test('a full queue: `reject` refuses with retryAfterMs, `wait` waits first come first served', async () => {
    const { clock, log, producer } = setUp({
      fate: () => ({ delayMs: 100 }),
      maxQueuedRecords: 3,
      maxWaitingCallers: 2,
    });
    await clock.advance(100);
    const held = sendAll(producer, ['a', 'b', 'c']);
    const refused = watch(producer.send(record('no'), { whenFull: 'reject' }));
    const waiting = sendAll(producer, ['d', 'e']);
    const tooMany = watch(producer.send(record('no')));
    await settle();
    for (const { code, error } of [refused, tooMany]) {
      assert.equal(code, 'QUEUE_FULL');
      assert.equal(error?.retriable, true);
      assert(Number.isInteger(error?.details.retryAfterMs));
    }
    assert.equal(producer.metrics().queue_size, 5);
    await clock.advance(300);
    assert.deepEqual(
      [...held, ...waiting].map(({ offset }) => offset),
      [0, 1, 2, 3, 4],
    );
    assert.deepEqual(log.values(TOPIC, 0), ['a', 'b', 'c', 'd', 'e']);
    assert.equal(producer.metrics().messages_failed, 2);
  });

  test('bytes are bounded, of those that wait for room too', async () => {
    const { clock, producer } = setUp({ fate: () => ({ delayMs: 100 }), maxQueuedBytes: 1_000 });
    const half = 'x'.repeat(499);
    const [first, second] = sendAll(producer, [half, half]);
    const waiting = sendAll(producer, [half, half]);
    const [tooMany] = sendAll(producer, ['y']);
    const tooBig = watch(producer.send(record('z'.repeat(1_000))));
    await clock.advance(500);
    assert.equal(tooMany?.code, 'QUEUE_FULL');
    assert.equal(tooBig.code, 'RECORD_TOO_LARGE');
    assert.deepEqual(
      [first, second, ...waiting].map((outcome) => outcome?.offset),
      [0, 1, 2, 3],
    );
  });

  test('a small record does not overtake a larger one that waits for room', async () => {
    const { clock, log, producer } = setUp({ fate: () => ({ delayMs: 100 }), maxQueuedBytes: 1_000 });
    sendAll(producer, ['x'.repeat(600), 'y'.repeat(600), 'z']);
    await clock.advance(500);
    assert.deepEqual(
      log.values(TOPIC, 0).map((value) => value[0]),
      ['x', 'y', 'z'],
    );
  });

  test('thousands that wait for room and then fail do not exhaust the stack', async () => {
    const { clock, producer } = setUp({ maxQueuedRecords: 1, maxWaitingCallers: 10_000 });
    await warmUp(producer);
    const outcomes = [watch(producer.send(record('x')))];
    for (let count = 0; count < 10_000; count++) {
      outcomes.push(watch(producer.send(record('x', 'k', { partition: 99 }))));
    }
    await clock.advance(0);
    assert.equal(outcomes.filter(({ code }) => code === 'UNKNOWN_PARTITION').length, 10_000);
  });

  test('limits and partitions are checked', async () => {
    const { producer } = setUp();
    await assert.rejects(producer.send(record('x', 'k', { partition: -1 })), { code: 'INVALID_ARGUMENT' });
    assert.throws(() => setUp({ maxQueuedRecords: 0 }), { code: 'INVALID_ARGUMENT' });
    assert.throws(() => setUp({ deliveryTimeoutMs: 2 ** 31 }), { code: 'INVALID_ARGUMENT' });
  });
});

describe('callers that wait only so long', () => {
  test('ACK_PENDING for what the log has, withdrawal for what waited; health tells since when', async () => {
    let down = true;
    const { clock, log, producer } = setUp({ fate: () => (down ? { error: unavailable(true) } : {}) });
    assert.deepEqual(producer.health(), { stalledSinceMs: null, stalledLanes: [], lastErrorCode: null });
    const startedAt = clock.now();
    const tried = watch(producer.send(record('tried'), { ackTimeoutMs: 4_000 }));
    await clock.advance(10);
    const waited = watch(producer.send(record('waited'), { ackTimeoutMs: 4_000 }));
    const patient = watch(producer.send(record('patient')));
    await clock.advance(4_000);
    assert.equal(tried.code, 'ACK_PENDING');
    assert.equal(tried.error?.details.maybeStored, true);
    assert.equal(waited.code, 'LOG_UNAVAILABLE');
    assert.equal(waited.error?.details.maybeStored, false);
    assert.equal(waited.error?.retriable, true);
    assert.deepEqual(producer.health(), {
      stalledSinceMs: startedAt,
      stalledLanes: [{ topic: TOPIC, partition: 0 }],
      lastErrorCode: 'LOG_UNAVAILABLE',
    });
    down = false;
    await clock.advance(2_000);
    assert.equal(patient.offset, 1);
    assert.deepEqual(log.values(TOPIC, 0), ['tried', 'patient']);
    assert.equal(producer.health().stalledSinceMs, null);
    const { messages_sent, messages_failed, queue_size } = producer.metrics();
    assert.deepEqual([messages_sent, messages_failed, queue_size], [2, 1, 0]);
    assert.equal(clock.pending, 0);
  });

  test('an append without any answer counts as a stall after a second', async () => {
    const { clock, producer } = setUp({ fate: () => NEVER });
    const startedAt = clock.now();
    producer.send(record('x')).catch(() => {});
    await clock.advance(999);
    assert.equal(producer.health().stalledSinceMs, null);
    await clock.advance(1);
    assert.equal(producer.health().stalledSinceMs, startedAt);
  });

  test('a caller that waits for room gives up its place', async () => {
    const { clock, log, producer } = setUp({ fate: () => ({ delayMs: 100 }), maxQueuedRecords: 1 });
    const first = watch(producer.send(record('first')));
    const impatient = watch(producer.send(record('impatient'), { ackTimeoutMs: 50 }));
    const patient = watch(producer.send(record('patient')));
    await clock.advance(300);
    assert.deepEqual([first.offset, impatient.code, patient.offset], [0, 'LOG_UNAVAILABLE', 1]);
    assert.deepEqual(log.values(TOPIC, 0), ['first', 'patient']);
  });
});
