import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { estimateOf, hashOf, registerOf, standardErrorOf } from '../../../src/kit/projections/hyperloglog.ts';
import type { Document } from '../../../src/kit/projections/projection-store.ts';
import { naiveSketch } from '../../domains/social/folds/analytics.ts';

function sketchOf(items: Iterable<string>, precision: number): Document {
  const sketch: Record<string, string> = {};
  for (const item of items) {
    for (const [name, letter] of Object.entries(registerOf(hashOf(item), precision)))
      if (letter > (sketch[name] ?? '')) sketch[name] = letter;
  }
  return sketch;
}

function* users(count: number, seed: number): Generator<string> {
  for (let i = 0; i < count; i++) yield `u${seed}:${i}`;
}

describe('HyperLogLog', () => {
  it('has the registers of a computation bit by bit', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' })), fc.integer({ min: 4, max: 16 }), (items, precision) => {
        assert.deepEqual(sketchOf(items, precision), naiveSketch(items, precision));
      }),
    );
  });

  it('has ranks up to the end of the hash', () => {
    assert.deepEqual(registerOf({ high: 0, low: 0 }, 4), { r0: '}' });
    assert.deepEqual(registerOf({ high: 0, low: 1 }, 4), { r0: '|' });
    assert.deepEqual(registerOf({ high: 0xffffffff, low: 0 }, 16), { r1ekf: 'A' });
    assert.deepEqual(registerOf({ high: 0x000f0000, low: 0x80000000 }, 16), { rf: 'Q' });
  });

  for (const precision of [10, 12]) {
    it(`is within three standard errors of the truth, and without bias, at precision ${precision}`, () => {
      for (const count of [0, 1, 2, 10, 100, 1_000, 2_500, 5_000, 20_000]) {
        const runs = count > 5_000 ? 4 : 20;
        let sum = 0;
        for (let seed = 0; seed < runs; seed++) {
          const estimate = estimateOf([sketchOf(users(count, seed), precision)], precision);
          const off = Math.abs(estimate - count);
          assert.ok(off <= Math.max(1, 3 * standardErrorOf(precision) * count), `${estimate} instead of ${count}`);
          sum += estimate;
        }
        const bias = Math.abs(sum / runs - count);
        assert.ok(bias <= Math.max(0.5, (3 * standardErrorOf(precision) * count) / Math.sqrt(runs)), `bias ${bias}`);
      }
    });
  }

  it('estimates the union of sketches as the sketch of the union, and passes other fields over', () => {
    const sketches = [0, 1, 2].map((part) => sketchOf([...users(3_000, 0)].slice(part * 800, part * 800 + 1_400), 12));
    const whole = estimateOf([sketchOf(users(3_000, 0), 12)], 12);
    assert.equal(estimateOf([...sketches, null, { period: '2026-05-27', rzzz: 'Z', r1: 7, r2: 'BB' }], 12), whole);
    assert.equal(estimateOf([], 12), 0);
  });

  it('grows with every register', () => {
    const sketch: Record<string, string> = {};
    let last = 0;
    for (const item of users(5_000, 3)) {
      for (const [name, letter] of Object.entries(registerOf(hashOf(item), 10)))
        if (letter > (sketch[name] ?? '')) sketch[name] = letter;
      if (item.endsWith('00')) {
        const estimate = estimateOf([sketch], 10);
        assert.ok(estimate >= last);
        last = estimate;
      }
    }
  });

  it('refuses other precisions', () => {
    for (const precision of [3, 17, 10.5, Number.NaN])
      assert.throws(() => registerOf(hashOf('a'), precision), RangeError);
    assert.equal(standardErrorOf(10), 0.0325);
    assert.equal(standardErrorOf(12), 0.01625);
  });
});
