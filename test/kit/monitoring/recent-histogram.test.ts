import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { latencyOf, RecentHistogram } from '../../../src/kit/monitoring/recent-histogram.ts';

const near = (found: number, exact: number) =>
  assert.ok(found >= exact - 0.001 && found <= exact * 1.016 + 0.001, `${found} for ${exact}`);

describe('RecentHistogram', () => {
  test('knows nothing before the first value, and nothing of what is more than ten seconds old', () => {
    const histogram = new RecentHistogram();
    assert.equal(histogram.latency(5), null);
    histogram.record(7, 1_000);
    near(histogram.latency(10_999)!.p99_ms, 7);
    assert.equal(histogram.latency(11_000), null);
    histogram.record(3, 500_000);
    near(histogram.latency(500_001)!.p50_ms, 3);
  });

  test('counts a value as often as it is said, and a negative one as 0', () => {
    const histogram = new RecentHistogram();
    histogram.record(-5, 0, 98);
    histogram.record(1_000, 10, 2);
    const { p50_ms, p99_ms } = histogram.latency(20)!;
    assert.equal(p50_ms, 0);
    near(p99_ms, 1_000);
  });

  test('of several together', () => {
    const [fast, slow, empty] = [new RecentHistogram(), new RecentHistogram(), new RecentHistogram()];
    fast!.record(1, 100, 60);
    slow!.record(900, 100, 40);
    const { p50_ms, p99_ms } = latencyOf([fast!, slow!, empty!], 200)!;
    near(p50_ms, 1);
    near(p99_ms, 900);
    assert.equal(latencyOf([empty!], 200), null);
  });

  test('property: percentiles are those of the values of the last ten seconds', () => {
    const step = fc.record({
      value: fc.integer({ min: 0, max: 100_000 }),
      pauseMs: fc.integer({ min: 0, max: 3_000 }),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), (steps) => {
        const histogram = new RecentHistogram();
        const all: { value: number; second: number }[] = [];
        let now = 0;
        for (const { value, pauseMs } of steps) {
          now += pauseMs;
          histogram.record(value, now);
          all.push({ value, second: Math.floor(now / 1_000) });
        }
        const recent = all.filter(({ second }) => second > Math.floor(now / 1_000) - 10).map(({ value }) => value);
        const exact = recent.toSorted((a, b) => a - b)[Math.ceil(0.5 * recent.length) - 1]!;
        near(histogram.latency(now)!.p50_ms, exact);
      }),
    );
  });
});
