import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Histogram } from '../../../src/kit/monitoring/histogram.ts';

describe('Histogram', () => {
  test('is all zeros while empty', () => {
    const histogram = new Histogram();
    assert.deepEqual([histogram.count, histogram.meanMs, histogram.maxMs, histogram.quantileMs(0.99)], [0, 0, 0, 0]);
  });

  test('property: a quantile is at most 1.6 % (and half a microsecond) off the exact one', () => {
    const values = fc.array(fc.double({ min: 0, max: 4_000_000, noNaN: true }), { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (all, quantile) => {
        const histogram = new Histogram();
        for (const value of all) histogram.record(value);
        const exact = all.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(quantile * all.length) - 1)]!;
        const found = histogram.quantileMs(quantile);
        assert(found >= exact - 0.0006 && found <= exact * 1.016 + 0.0006, `${found} for ${exact}`);
        assert.equal(histogram.count, all.length);
        assert.equal(histogram.maxMs, Math.max(...all));
      }),
    );
  });

  test('takes what is out of range as the nearest it can hold', () => {
    const histogram = new Histogram();
    histogram.record(-5);
    assert.equal(histogram.quantileMs(1), 0);
    histogram.record(1e12);
    assert.equal(histogram.quantileMs(1), (2 ** 32 - 1) / 1000);
  });
});
