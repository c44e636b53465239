import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { OffsetQuery } from '../../../src/kit/log/event-log.ts';
import { effectOf, planReset, type ResetTarget } from '../../../src/kit/log/offset-reset.ts';

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

  test('as many partitions as one request may name are planned within a moment', async () => {
    const all = Array.from({ length: 20_000 }, (_, partition) => ({ topic: 'orders', partition }));
    const ends = new Map(all.map(({ partition }) => [`orders-${partition}`, { start: 0, end: 20 }]));
    const offsets = all.map((one) => ({ ...one, offset: one.partition % 20 }));
    const start = process.cpuUsage();
    const { resets } = await planReset(byTime, all, { to: 'plan', offsets }, { committed: [], ends });
    // on the processor: other programs do not count
    assert.ok(process.cpuUsage(start).user / 1_000 < 500);
    assert.deepEqual(resets.at(-1), { topic: 'orders', partition: 19_999, from: null, to: 19 });
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
    assert.deepEqual(effectOf({ ...at, from: 15, to: 10 }), { kind: 'repeated', records: 5 });
    assert.deepEqual(effectOf({ ...at, from: 15, to: 16 }), { kind: 'skipped', records: 1 });
    assert.deepEqual(effectOf({ ...at, from: 15, to: 15 }), { kind: 'unchanged', records: 0 });
    assert.deepEqual(effectOf({ ...at, from: null, to: 15 }), { kind: 'new', records: 0 });
  });
});
