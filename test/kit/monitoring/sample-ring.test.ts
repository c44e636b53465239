import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SampleRing } from '../../../src/kit/monitoring/sample-ring.ts';

const push = (ring: SampleRing, atMs: number, values: Record<string, number | null>) =>
  ring.push(atMs, new Map(Object.entries(values)));

test('keeps the newest, one time axis for all series, null where nothing is known', () => {
  const ring = new SampleRing({ capacity: 3, maxSeries: 10 });
  push(ring, 1, { a: 10 });
  push(ring, 2, { a: 20, b: 2 });
  push(ring, 3, { a: null, b: 3 });
  assert.deepEqual(ring.times(0), [1, 2, 3]);
  assert.deepEqual(ring.values('a', 0), [10, 20, null]);
  assert.deepEqual(ring.values('b', 0), [null, 2, 3]);
  push(ring, 4, { b: 4 });
  assert.deepEqual(
    [ring.times(0), ring.values('a', 0), ring.values('b', 3)],
    [
      [2, 3, 4],
      [20, null, null],
      [3, 4],
    ],
  );
  assert.deepEqual(ring.values('never', 0), [null, null, null]);
});

test('is bounded: series without a value go, and no more than so many are kept', () => {
  const ring = new SampleRing({ capacity: 2, maxSeries: 2 });
  push(ring, 1, { a: 1, b: 1, c: 1 });
  assert.deepEqual(ring.keys(''), ['a', 'b']);
  for (const at of [2, 3, 4]) push(ring, at, { b: at });
  assert.deepEqual(ring.keys(''), ['b']);
  push(ring, 5, { b: 5, c: 5 });
  assert.deepEqual(ring.values('c', 0), [null, 5]);
});

test('the greatest of each step', () => {
  const ring = new SampleRing({ capacity: 4, maxSeries: 1 });
  for (const [at, a] of [
    [1, 9],
    [2, 3],
    [3, 5],
    [4, null],
    [5, 1],
  ] as const)
    push(ring, at, { a });
  assert.deepEqual(ring.maxima('a', 1, 2, 3), [3, 5, 1]);
  assert.deepEqual(ring.maxima('a', 4, 1, 1), [1]);
  assert.deepEqual(ring.maxima('b', 1, 2, 2), [null, null]);
});
