import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isKitError, KitError } from '../../../src/kit/errors.ts';
import { partitionFor } from '../../../src/kit/log/partitioner.ts';
import { type AppendFate, NEVER, tooLarge, unavailable } from '../../support/fake-log.ts';
import { settle } from '../../support/manual-clock.ts';
import { record, sendAll, setUp, TOPIC, warmUp, watch } from './producer-setup.ts';

describe('batches', () => {
  test('an idle lane sends at once; what comes while a batch is out travels together', async () => {
    const { clock, log, producer } = setUp({ fate: () => ({ delayMs: 5 }) });
    const first = watch(producer.send(record('0')));
    await settle();
    assert.deepEqual(log.tried, [{ partition: 0, records: 1 }]);
    const others = sendAll(producer, ['1', '2', '3']);
    await settle();
    assert.equal(log.appends, 1);
    await clock.advance(10);
    assert.deepEqual(log.tried.at(-1), { partition: 0, records: 3 });
    assert.deepEqual(
      [first, ...others].map(({ offset }) => offset),
      [0, 1, 2, 3],
    );
  });

  test('callers that an acknowledgement wakes join the next batch, beside those that came while it was out', async () => {
    const { clock, log, producer } = setUp({ fate: () => ({ delayMs: 2 }) });
    await Promise.all([warmUp(producer), clock.advance(2)]);
    const caller = async () => {
      for (let round = 0; round < 10; round++) {
        await producer.send(record('x'));
        for (let hop = 0; hop < 20; hop++) await null;
      }
    };
    const early = Array.from({ length: 25 }, caller);
    await clock.advance(1);
    const late = Array.from({ length: 25 }, caller);
    await clock.advance(50);
    await Promise.all([...early, ...late]);
    assert.equal(log.records(TOPIC, 0).length, 501);
    assert.deepEqual(
      log.tried.slice(1, 4).map(({ records }) => records),
      [25, 50, 50],
    );
  });

  test('never exceed maxBatchRecords and maxBatchBytes; a larger record travels alone', async () => {
    const { clock, log, producer } = setUp({ maxBatchRecords: 4, maxBatchBytes: 400 });
    await warmUp(producer);
    sendAll(producer, ['a', 'b', 'c', 'd', 'e']);
    sendAll(producer, ['x'.repeat(150), 'y'.repeat(150), 'z'.repeat(900), 'w']);
    await clock.advance(0);
    assert.deepEqual(
      log.tried.slice(1).map(({ records }) => records),
      [4, 2, 1, 1, 1],
    );
  });

  test('keys go where Java puts them, an explicit partition is obeyed', async () => {
    const { clock, log, producer } = setUp({ partitions: 7 });
    const keys = ['user_1', 'user_2', 'é', 'post_991', ''];
    const sent = keys.map((key) => watch(producer.send(record(key, key))));
    const explicit = watch(producer.send(record('here', 'user_1', { partition: 6 })));
    await clock.advance(0);
    assert.deepEqual(
      sent.map(({ partition }) => partition),
      keys.map((key) => partitionFor(key, 7)),
    );
    assert.equal(explicit.partition, 6);
    assert.equal(log.values(TOPIC, 6).at(-1), 'here');
  });

  test('records without a key stay together in a batch, and go round the partitions batch by batch', async () => {
    const { clock, log, producer } = setUp({ partitions: 3 });
    for (let round = 0; round < 6; round++) {
      producer.send(record('a', null));
      producer.send(record('b', null));
      await clock.advance(0);
    }
    assert.deepEqual(
      log.tried.map(({ records }) => records),
      [2, 2, 2, 2, 2, 2],
    );
    assert.deepEqual(
      [0, 1, 2].map((partition) => log.records(TOPIC, partition).length),
      [4, 4, 4],
    );
  });

  test('records without a key leave a partition that stalls', async () => {
    const { clock, producer } = setUp({
      partitions: 3,
      fate: ({ partition }) => (partition === 1 ? { error: unavailable(false) } : {}),
    });
    const stuck = watch(producer.send(record('stuck', 'k', { partition: 1 })));
    await clock.advance(10);
    const free: ReturnType<typeof watch>[] = [];
    for (let count = 0; count < 20; count++) {
      free.push(watch(producer.send(record('free', null))));
      await clock.advance(1);
    }
    assert.equal(stuck.code, undefined);
    assert(free.filter(({ offset }) => offset !== undefined).length >= 19);
  });
});

describe('retries', () => {
  test('the same batch is tried again, with growing pauses, until it is in; later records wait', async () => {
    const attemptsAt: number[] = [];
    const { clock, log, producer } = setUp({
      fate: ({ records }, attempt) => {
        if (String(records[0]?.value) === 'first') attemptsAt.push(clock.now());
        return attempt < 6 ? { error: unavailable(false) } : {};
      },
    });
    const startedAt = clock.now();
    const first = watch(producer.send(record('first')));
    await settle();
    sendAll(producer, ['second']);
    await clock.advance(5_000);
    assert.equal(first.offset, 0);
    // Half of the pause is fixed and half of it random (0.5 here): 75 % of 100, 200, 400, 800, 1,000.
    assert.deepEqual(
      attemptsAt.map((at) => at - startedAt),
      [0, 75, 225, 525, 1125, 1875],
    );
    await clock.advance(5_000);
    assert.deepEqual(log.values(TOPIC, 0), ['first', 'second']);
  });

  test('a lost acknowledgement makes no duplicate', async () => {
    const { clock, log, producer } = setUp({
      fate: (_, attempt) => (attempt === 1 ? { store: true, error: unavailable(true) } : {}),
    });
    const outcomes = sendAll(producer, ['a', 'b']);
    await clock.advance(1_000);
    assert.deepEqual(
      outcomes.map(({ offset }) => offset),
      [0, 1],
    );
    assert.deepEqual(log.values(TOPIC, 0), ['a', 'b']);
  });

  test('property: order per key, no loss, no duplicate, no changed batch, whatever fails', async () => {
    const fates: fc.Arbitrary<AppendFate> = fc.oneof(
      { weight: 3, arbitrary: fc.constant({}) },
      fc.record({ delayMs: fc.integer({ min: 1, max: 400 }) }),
      fc.constant({ error: unavailable(false) }),
      fc.record({ delayMs: fc.integer({ min: 1, max: 3_000 }), error: fc.constant(unavailable(false)) }),
      fc.record({
        delayMs: fc.integer({ min: 1, max: 3_000 }),
        store: fc.constant(true),
        error: fc.constant(unavailable(true)),
      }),
    );
    const bursts = fc.array(
      fc.record({
        keys: fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 30 }),
        pauseMs: fc.integer({ min: 0, max: 500 }),
      }),
      { minLength: 1, maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(bursts, fc.array(fates, { minLength: 1, maxLength: 40 }), async (plan, script) => {
        let step = 0;
        const { clock, log, producer } = setUp({
          partitions: 3,
          maxBatchRecords: 7,
          maxQueuedRecords: 25,
          fate: () => (step < script.length ? script[step++]! : {}),
        });
        const sends: { key: string; value: string; outcome: ReturnType<typeof watch> }[] = [];
        for (const { keys, pauseMs } of plan) {
          for (const number of keys) {
            const key = `key-${number}`;
            const value = `${key} ${sends.length}`;
            sends.push({ key, value, outcome: watch(producer.send(record(value, key))) });
            const { messages_sent, messages_failed, queue_size } = producer.metrics();
            assert.equal(messages_sent + messages_failed + queue_size, sends.length);
          }
          await clock.advance(pauseMs);
        }
        await clock.advance(110_000);
        const stored = [0, 1, 2].flatMap((partition) => log.values(TOPIC, partition));
        for (const { key, value, outcome } of sends) {
          assert.equal(outcome.partition, partitionFor(key, 3));
          assert.equal(log.values(TOPIC, outcome.partition)[outcome.offset!], value);
        }
        assert.equal(stored.length, sends.length);
        for (const key of new Set(sends.map((send) => send.key))) {
          assert.deepEqual(
            stored.filter((value) => value.startsWith(`${key} `)),
            sends.filter((send) => send.key === key).map(({ value }) => value),
          );
        }
        assert.equal(clock.pending, 0, 'a timer was left behind');
      }),
      { numRuns: 60 },
    );
  });
});

describe('giving up', () => {
  test('after deliveryTimeoutMs: what was tried may be stored, what waited is not; then the lane goes on', async () => {
    let down = true;
    const { clock, log, producer } = setUp({ fate: () => (down ? { error: unavailable(true) } : {}) });
    const startedAt = clock.now();
    const tried = watch(producer.send(record('tried')));
    await clock.advance(10);
    const waited = watch(producer.send(record('waited')));
    await clock.advance(119_980);
    assert.equal(tried.code, undefined);
    await clock.advance(10);
    assert.equal(clock.now() - startedAt, 120_000);
    assert.equal(tried.code, 'DELIVERY_TIMEOUT');
    assert.equal(tried.error?.retriable, true);
    assert.equal(tried.error?.details.maybeStored, true);
    assert(isKitError(tried.error?.cause, 'LOG_UNAVAILABLE'));
    await clock.advance(10);
    assert.equal(waited.code, 'DELIVERY_TIMEOUT');
    await clock.advance(1_000);
    assert.equal(producer.health().stalledSinceMs, null, 'with nothing to send there is no stall');
    down = false;
    const after = watch(producer.send(record('after')));
    await clock.advance(2_000);
    assert.equal(after.offset, 0);
    assert.deepEqual(log.values(TOPIC, 0), ['after']);
    assert.equal(producer.metrics().messages_failed, 2);
  });

  test('an append that never answers still fails its records, and those behind it, in time', async () => {
    const { clock, log, producer } = setUp({ fate: () => NEVER, deliveryTimeoutMs: 1_000 });
    const hung = watch(producer.send(record('hung')));
    await clock.advance(500);
    const behind = watch(producer.send(record('behind')));
    await clock.advance(500);
    assert.equal(hung.error?.details.maybeStored, true);
    assert.equal(behind.code, undefined);
    await clock.advance(500);
    assert.equal(behind.code, 'DELIVERY_TIMEOUT');
    assert.equal(behind.error?.details.maybeStored, false);
    const later = watch(producer.send(record('later')));
    await clock.advance(1_000);
    assert.equal(later.code, 'DELIVERY_TIMEOUT');
    assert.equal(log.appends, 1, 'one append per partition at a time, even if it hangs');
  });

  test('an answer that comes after giving up changes no figure and holds nothing up', async () => {
    const { clock, log, producer } = setUp({ deliveryTimeoutMs: 1_000 });
    for (const fate of [{ delayMs: 1_500 }, { delayMs: 1_500, error: unavailable(true) }]) {
      log.fate = () => fate;
      const late = watch(producer.send(record('late')));
      await clock.advance(1_400);
      log.fate = () => ({});
      const next = watch(producer.send(record('next')));
      await clock.advance(100);
      assert.equal(late.code, 'DELIVERY_TIMEOUT');
      assert.notEqual(next.offset, undefined);
    }
    const { messages_sent, messages_failed, queue_size } = producer.metrics();
    assert.deepEqual([messages_sent, messages_failed, queue_size], [2, 2, 0]);
    assert.equal(clock.pending, 0);
  });

  test('once the guilty record is found, batches are large again', async () => {
    const { clock, log, producer } = setUp({
      fate: ({ records }) => (records.some(({ value }) => String(value) === 'bad') ? { error: tooLarge() } : {}),
    });
    sendAll(producer, ['bad', 'a', 'b', 'c']);
    await clock.advance(0);
    sendAll(producer, Array.from({ length: 50 }, String));
    await clock.advance(0);
    assert.equal(log.tried.at(-1)?.records, 50);
  });

  test('errors that no retry helps reject at once, as they are', async () => {
    const refusal = new KitError('UNKNOWN_TOPIC', 'gone');
    const { clock, log, producer } = setUp({ fate: () => ({ error: refusal }) });
    const outcome = watch(producer.send(record('x')));
    await clock.advance(0);
    assert.equal(outcome.error, refusal);
    assert.equal(log.appends, 1);
  });

  test('an error that is none of the port’s becomes APPEND_FAILED', async () => {
    const { clock, log, producer } = setUp();
    log.append = () => {
      throw new TypeError('broken adapter');
    };
    const outcome = watch(producer.send(record('x')));
    await clock.advance(0);
    assert.equal(outcome.code, 'APPEND_FAILED');
    assert(outcome.error?.cause instanceof TypeError);
  });

  test('property: of a batch only the guilty records fail, the others are stored in order', async () => {
    const batch = fc.array(fc.boolean(), { minLength: 1, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(batch, fc.integer({ min: 1, max: 40 }), async (guilty, logMaxRecords) => {
        const { clock, log, producer } = setUp({
          fate: ({ records }) => {
            if (records.some(({ value }) => String(value).startsWith('guilty'))) return { error: tooLarge() };
            return records.length > logMaxRecords ? { error: new KitError('BATCH_TOO_LARGE', 'scripted') } : {};
          },
        });
        const outcomes = sendAll(
          producer,
          guilty.map((bad, index) => `${bad ? 'guilty' : 'good'} ${index}`),
        );
        await clock.advance(0);
        for (let turn = 0; turn < 200 && producer.metrics().queue_size > 0; turn++) await settle();
        assert.deepEqual(
          outcomes.map(({ code }) => code === 'RECORD_TOO_LARGE'),
          guilty,
        );
        assert.deepEqual(
          log.values(TOPIC, 0),
          guilty.flatMap((bad, index) => (bad ? [] : [`good ${index}`])),
        );
      }),
      { numRuns: 60 },
    );
  });
});
