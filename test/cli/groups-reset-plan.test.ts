import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { asCsv, durationMs, effectOf, fromCsv, planReset, type ResetTarget } from '../../src/cli/groups-reset-plan.ts';
import type { OffsetQuery } from '../../src/kit/log/event-log.ts';

const at = { topic: 'orders', partition: 0 };
const byTime = { listOffsets: async (queries: readonly OffsetQuery[]) => queries.map(({ at: time }) => Number(time)) };

async function plan(target: ResetTarget, current: number | null, start = 10, end = 20) {
  const committed = current === null ? [] : [{ ...at, offset: current }];
  const { resets, warnings } = await planReset(byTime, [at], target, {
    committed,
    ends: new Map([['orders-0', { start, end }]]),
  });
  return { ...resets[0]!, warnings };
}

describe('the plan of a reset', () => {
  const cases: [target: ResetTarget, current: number | null, to: number][] = [
    [{ to: 'earliest' }, 15, 10],
    [{ to: 'latest' }, 15, 20],
    [{ to: 'current' }, 15, 15],
    [{ to: 'current' }, null, 20],
    [{ to: 'offset', offset: 12 }, 15, 12],
    [{ to: 'shift', by: -2 }, 15, 13],
    [{ to: 'shift', by: 3 }, 15, 18],
    [{ to: 'time', timeMs: 17 }, 15, 17],
    [{ to: 'plan', offsets: [{ ...at, offset: 11 }] }, null, 11],
  ];
  for (const [target, current, to] of cases) {
    test(`${JSON.stringify(target)} from ${current} goes to ${to}`, async () => {
      assert.deepEqual(await plan(target, current), { ...at, from: current, to, warnings: [] });
    });
  }

  test('what lies outside of the log is moved to its nearer end, in the words of kafka-consumer-groups.sh', async () => {
    assert.deepEqual((await plan({ to: 'offset', offset: 99 }, 15)).warnings, [
      'New offset (99) is higher than latest offset for topic partition orders-0. Value will be set to 20.',
    ]);
    assert.deepEqual((await plan({ to: 'current' }, 3)).warnings, [
      'New offset (3) is lower than earliest offset for topic partition orders-0. Value will be set to 10.',
    ]);
  });

  test('nothing can be shifted that was not committed', async () => {
    await assert.rejects(plan({ to: 'shift', by: 1 }, null), { code: 'NO_COMMITTED_OFFSET', message: /orders-0/ });
  });

  test('never leads out of the log, and warns when it would have', async () => {
    const target = fc.oneof(
      fc.record({ to: fc.constantFrom('earliest' as const, 'latest' as const, 'current' as const) }),
      fc.record({ to: fc.constant('offset' as const), offset: fc.nat(100) }),
      fc.record({ to: fc.constant('shift' as const), by: fc.integer({ min: -100, max: 100 }) }),
    );
    await fc.assert(
      fc.asyncProperty(target, fc.nat(100), fc.nat(50), fc.nat(50), async (to, current, start, length) => {
        const result = await plan(to, current, start, start + length);
        assert.ok(result.to >= start && result.to <= start + length);
        const plain = to.to === 'offset' ? to.offset : to.to === 'shift' ? current + to.by : null;
        if (plain !== null) assert.equal(result.warnings.length, plain === result.to ? 0 : 1);
      }),
    );
  });

  test('says how many records come again or never', () => {
    assert.equal(effectOf({ ...at, from: 15, to: 10 }), '5 records repeated');
    assert.equal(effectOf({ ...at, from: 15, to: 16 }), '1 record skipped');
    assert.equal(effectOf({ ...at, from: 15, to: 15 }), 'unchanged');
    assert.equal(effectOf({ ...at, from: null, to: 15 }), 'new');
  });
});

describe('offsets as CSV', () => {
  test('are read as they were written', () => {
    const offset = fc.record(
      {
        topic: fc.stringMatching(/^[A-Za-z0-9._-]{1,20}$/),
        partition: fc.nat(1_000),
        offset: fc.maxSafeNat().map((n) => n % 1e15),
      },
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(
        fc.uniqueArray(offset, { selector: ({ topic, partition }) => `${topic}-${partition}` }),
        (offsets) => {
          assert.deepEqual(fromCsv(`${asCsv(offsets)}\n`), offsets);
        },
      ),
    );
  });

  test('are refused with the line that does not fit', () => {
    assert.throws(() => fromCsv('orders,0,1\norders,1\n'), { code: 'USAGE', message: /Line 2 .*: orders,1$/ });
    assert.throws(() => fromCsv('orders,0,1\norders,0,2\n'), { code: 'USAGE', message: /orders-0 is there twice/ });
  });
});

test('durations of ISO 8601', () => {
  const good: [string, number][] = [
    ['PT1H30M', 5_400_000],
    ['P1DT12H', 129_600_000],
    ['PT0.5S', 500],
    ['P2D', 172_800_000],
    ['pt10m', 600_000],
  ];
  for (const [text, ms] of good) assert.equal(durationMs(text), ms, text);
  for (const text of ['', 'P', 'PT', 'P1DT', '1H', 'PT1X', 'P1M', '-PT1H', `P${'9'.repeat(30)}D`])
    assert.equal(durationMs(text), null, text);
});
