import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { isKitError } from '../../../src/kit/errors.ts';
import { type Fields, toDocument } from '../../../src/kit/projections/deltas.ts';
import { countInto, topOf } from '../../../src/kit/projections/space-saving.ts';

const counts = fc.array(fc.tuple(fc.constantFrom(...'abcdefghij'), fc.integer({ min: 1, max: 5 })), { maxLength: 200 });

it('counts within its bounds: neither too low nor by more than the error too high, and misses nothing heavy', () => {
  fc.assert(
    fc.property(counts, fc.integer({ min: 1, max: 8 }), (stream, capacity) => {
      const fields: Fields = new Map();
      countInto(fields, 'top', capacity, stream);
      const top = topOf(toDocument(fields));
      assert.ok(top.length <= capacity);
      let total = 0;
      const exact = new Map<string, number>();
      for (const [item, by] of stream) {
        exact.set(item, (exact.get(item) ?? 0) + by);
        total += by;
      }
      for (const { item, count, error } of top) {
        const truth = exact.get(item)!;
        assert.ok(count - error <= truth && truth <= count && error <= total / capacity);
      }
      for (const [item, truth] of exact) {
        assert.ok(truth <= total / capacity || top.some((one) => one.item === item), item);
      }
      assert.equal(
        top.reduce((sum, { count }) => sum + count, 0),
        total,
      );
    }),
  );
});

it('splits do not matter', () => {
  fc.assert(
    fc.property(counts, fc.integer({ min: 0, max: 200 }), fc.integer({ min: 1, max: 8 }), (stream, at, capacity) => {
      const whole: Fields = new Map();
      countInto(whole, 'top', capacity, stream);
      const parts: Fields = new Map();
      countInto(parts, 'top', capacity, stream.slice(0, at));
      countInto(parts, 'top', capacity, stream.slice(at));
      assert.deepEqual(toDocument(parts), toDocument(whole));
    }),
  );
});

it('lists the heaviest first, of equal counts the lesser name, and nothing but items', () => {
  const document = {
    period: 'd1',
    'top/b': '3 1',
    'top/\uFF5E': '7 0',
    'top/a': '3 0',
    'top/\u{1F600}': '7 2',
    other: 1,
  };
  assert.deepEqual(
    topOf(document).map(({ item, count, error }) => [item, count, error]),
    [
      ['\uFF5E', 7, 0],
      ['\u{1F600}', 7, 2],
      ['a', 3, 0],
      ['b', 3, 1],
    ],
  );
  assert.deepEqual(topOf(null), []);
});

it('refuses a count beyond the integers that are exact', () => {
  const fields: Fields = new Map();
  countInto(fields, 'top', 1, [['a', Number.MAX_SAFE_INTEGER]]);
  assert.throws(
    () => countInto(fields, 'top', 1, [['b', 1]]),
    (error) => isKitError(error, 'INVALID_DELTA') && error.details.key === 'top',
  );
});
