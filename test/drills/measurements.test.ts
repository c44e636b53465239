import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { PublishOperation } from '../../src/drills/history/history.ts';
import { Measurements } from '../../src/drills/measurements.ts';

function ack(invokedMs: number, completedMs: number, partition = 0): PublishOperation {
  return {
    kind: 'publish',
    process: 'load',
    sequence: 0,
    eventId: 'e',
    topic: 't',
    key: 'k',
    partition,
    offset: 0,
    outcome: 'acked',
    code: null,
    invokedMs,
    completedMs,
  };
}

function of(...entries: Parameters<Measurements['add']>[0][]): Measurements {
  const measured = new Measurements();
  for (const entry of entries) measured.add(entry);
  return measured;
}

/** An event every 10 ms to each of two partitions, acknowledged after 5 ms; those in the outage at its end. */
function outage(fromMs: number, toMs: number, partition: number): Measurements {
  const measured = new Measurements();
  for (let atMs = 0; atMs < 20_000; atMs += 10) {
    for (const each of [0, 1]) {
      const hit = each === partition && atMs >= fromMs && atMs < toMs;
      measured.add(ack(atMs, hit ? toMs + 5 : atMs + 5, each));
    }
  }
  return measured;
}

describe('what the load saw', () => {
  test('the longest gap is that of the one partition that stood still, though another went on', () => {
    assert.equal(outage(5_000, 9_000, 1).longestGapMs(0, 20_000), 4_005);
  });

  test('a partition without anything to acknowledge has no gap', () => {
    assert.equal(of(ack(0, 5), ack(60_000, 60_005)).longestGapMs(0, 100_000), 5);
  });

  test('a gap before or after the time asked for does not count', () => {
    assert.equal(outage(5_000, 9_000, 1).longestGapMs(10_000, 20_000), 5);
    assert.equal(outage(5_000, 9_000, 1).longestGapMs(0, 4_000), 5);
  });

  test('recovery lasts until the last event that waited long is acknowledged', () => {
    const measured = outage(5_000, 9_000, 0);
    assert.equal(measured.recoveryMs(4_900, 20_000), 4_105);
    assert.equal(measured.recoveryMs(4_900, 5_000), 0, 'no event sent before the fault waited');
    assert.equal(outage(5_000, 5_500, 0).recoveryMs(4_900, 20_000), 0, 'half a second is service as usual');
  });

  test('throughput counts acknowledgements of the time asked for, whenever they were sent', () => {
    const measured = of(ack(0, 500), ack(0, 1_500), ack(0, 1_999), ack(1_900, 2_000));
    assert.equal(measured.throughput(1_000, 2_000), 2);
  });

  test('publishes without an acknowledgement are counted apart', () => {
    const refused = { ...ack(0, 1), outcome: 'failed' as const, code: 'QUEUE_FULL' };
    const unknown = { ...ack(0, 1), outcome: 'unknown' as const, completedMs: null };
    const measured = of(ack(0, 1), refused, unknown);
    assert.deepEqual([measured.acknowledged, measured.unacknowledged], [1, 2]);
  });

  test('the timeline has a bucket for every quarter second, with a hole in the latency where nothing was acknowledged', () => {
    const timeline = of(ack(1_000, 1_010), ack(1_600, 1_700), {
      kind: 'apply',
      process: 'consumer',
      group: 'g',
      topic: 't',
      partition: 0,
      epoch: 1,
      expect: null,
      next: 2,
      offsets: [0, 1],
      parked: [],
      unparked: [],
      dead: 0,
      invokedMs: 1_690,
      completedMs: 1_800,
      outcome: 'ok',
    }).timeline(250);
    assert.deepEqual(
      timeline.map(({ atMs, acked, applied, p99Ms }) => [atMs, acked, applied, p99Ms]),
      [
        [0, 1, 0, 10],
        [250, 0, 0, null],
        [500, 1, 0, 100],
        [750, 0, 2, null],
      ],
    );
  });
});

test('the longest standstill of a partition, from the first moment to the last', () => {
  const applied = (partition: number, completedMs: number, outcome: 'ok' | 'fenced' = 'ok') =>
    ({
      kind: 'apply',
      process: 'consumer-1',
      group: 'g',
      topic: 't',
      partition,
      epoch: 1,
      expect: 0,
      next: 1,
      offsets: [0],
      parked: [],
      unparked: [],
      dead: 0,
      invokedMs: completedMs,
      completedMs,
      outcome,
    }) as const;
  const steady = [100, 200, 300, 400].map((atMs) => applied(0, atMs));
  assert.equal(of(...steady).longestStandstillMs(50, 450), 100);
  assert.equal(of(...steady, applied(1, 250)).longestStandstillMs(50, 450), 200, 'from the first moment');
  assert.equal(of(...steady, applied(1, 150)).longestStandstillMs(50, 450), 300, 'to the last');
  assert.equal(of(...steady, applied(1, 150), applied(1, 300, 'fenced')).longestStandstillMs(50, 450), 300, 'refused');
  assert.equal(of(...steady, applied(1, 20)).longestStandstillMs(50, 450), 400, 'never again');
});
