import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Clock } from '../../src/kit/clock.ts';
import { KitError } from '../../src/kit/errors.ts';
import type { EventLog } from '../../src/kit/log/event-log.ts';
import type { PartitionState, ProjectionStore } from '../../src/kit/projections/projection-store.ts';
import type { Projection } from '../../src/pipelines/projection.ts';
import { untilQuiet } from '../../src/pipelines/quiet.ts';

const TOPIC = 'content-interactions';
const END = 1_000;

/** Time passes when somebody waits. */
function impatientClock(): Clock {
  let now = 0;
  return {
    now: () => now,
    after(delayMs, callback) {
      now += delayMs;
      queueMicrotask(callback);
      return () => {};
    },
  };
}

/** One partition, which holds a thousand records; `look` says how it is, or throws. */
function scene(look: (nowMs: number) => { applied: number; parked?: number }) {
  const clock = impatientClock();
  const partitions = async (): Promise<PartitionState[]> => {
    const { applied, parked = 0 } = look(clock.now());
    const tallies = { applied, duplicates: 0, dead: 0 };
    return [{ topic: TOPIC, partition: 0, epoch: 1, next: applied + parked, tallies, parked }];
  };
  const store = { partitions } as ProjectionStore;
  const log = {
    describe: async () => ({ topics: [{ name: TOPIC, partitions: [{}] }] }),
    listOffsets: async () => [END],
  } as unknown as EventLog;
  const projections = [{ name: 'engagement', store, topics: [TOPIC] } as unknown as Projection];
  const wait = (signal = new AbortController().signal) =>
    untilQuiet({ log, projections, signal, clock, onProgress: async () => {} });
  return { clock, wait };
}

describe('the wait for a quiet moment', () => {
  test('goes on for as long as something moves, and ends when nothing is parked', async () => {
    const { clock, wait } = scene((now) => {
      const applied = Math.min(END, Math.floor(now / 1_000));
      return { applied, parked: END - applied };
    });
    await wait();
    assert.ok(clock.now() >= END * 1_000, `${clock.now()} ms`);
  });

  test('gives up two minutes after the last movement, and says who is late', async () => {
    const { clock, wait } = scene((now) => ({ applied: Math.min(300, Math.floor(now / 1_000)) }));
    await assert.rejects(wait(), { code: 'NOT_QUIET', message: /^engagement: .* nothing has moved for 120 s/ });
    assert.ok(clock.now() > 419_000 && clock.now() < 421_000, `${clock.now()} ms`);
  });

  test('ends after half an hour although something moves', async () => {
    const { clock, wait } = scene((now) => ({ applied: now }));
    const always = scene((now) => ({ applied: Math.max(END, now), parked: 1 }));
    await wait();
    await assert.rejects(always.wait(), { code: 'NOT_QUIET' });
    assert.ok(clock.now() < 5_000 && always.clock.now() >= 30 * 60_000);
  });

  test('says why the store was away, once that has lasted too long', async () => {
    const away = new KitError('STORE_UNAVAILABLE', 'Redis at h:1: connect ECONNREFUSED', { retriable: true });
    const { wait } = scene((now) => {
      if (now > 60_000) throw away;
      return { applied: 10 };
    });
    await assert.rejects(wait(), away);
  });

  test('is over at once when it is stopped', async () => {
    const { clock, wait } = scene(() => ({ applied: 10 }));
    await assert.rejects(wait(AbortSignal.abort()), { code: 'SHUTTING_DOWN' });
    assert.equal(clock.now(), 0);
  });
});
