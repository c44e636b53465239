import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as format from '../../src/dashboard/format.ts';

test('numbers are written with their units', () => {
  assert.equal(format.count(52_007), '52,007');
  assert.deepEqual([0.5, 7, 999, 1_000, 52_007, 999_600, 2.5e6, 3e12].map(format.compact), [
    '0.5',
    '7',
    '999',
    '1.0k',
    '52.0k',
    '1.0M',
    '2.5M',
    '3000G',
  ]);
  assert.deepEqual([0, 0.25, 12.34, 4_321.9].map(format.rate), ['0/s', '0.3/s', '12.3/s', '4,322/s']);
  assert.deepEqual([0, 1_023, 1_536, 150 * 1024, 3 * 2 ** 30].map(format.bytes), [
    '0 B',
    '1023 B',
    '1.5 KiB',
    '150 KiB',
    '3.0 GiB',
  ]);
  assert.deepEqual([0, 0.5, 0.981, 1].map(format.percent), ['0 %', '50 %', '98.1 %', '100 %']);
  assert.deepEqual(
    [0, 1, 2_000].map((value) => format.plural(value, 'record')),
    ['0 records', '1 record', '2,000 records'],
  );
});

test('spans of time have the two largest units that matter', () => {
  const spans = [0, 0.44, 9.99, 12.6, 999, 1_500, 9_960, 59_400, 60_000, 250_000, 3_600_000, 90_061_000];
  assert.deepEqual(spans.map(format.duration), [
    '0 ms',
    '0.4 ms',
    '10.0 ms',
    '13 ms',
    '999 ms',
    '1.5 s',
    '10 s',
    '59 s',
    '1 min',
    '4 min 10 s',
    '1 h',
    '1 d 1 h',
  ]);
  assert.equal(format.duration(-1_500), '-1.5 s');
  assert.equal(format.seconds(40), '40 s');
});

test('what is not known is a dash', () => {
  for (const write of [format.count, format.compact, format.rate, format.bytes, format.duration, format.percent])
    for (const value of [null, undefined, Number.NaN, Number.POSITIVE_INFINITY])
      assert.equal(write(value), format.UNKNOWN, write.name);
  for (const write of [format.clock, format.dateTime]) assert.equal(write('no time'), format.UNKNOWN);
  assert.equal(format.ago('no time', 0), format.UNKNOWN);
});

test('times', () => {
  const at = new Date(2026, 10, 21, 14, 3, 7, 120);
  assert.equal(format.clock(at.getTime()), '14:03:07.120');
  assert.equal(format.clock(at.toISOString(), false), '14:03:07');
  assert.deepEqual(
    [1_000, 60_000, 86_400_000].map((stepMs) => format.tick(at.getTime(), stepMs)),
    ['14:03:07', '14:03', '11-21'],
  );
  assert.equal(format.dateTime(at.getTime()), '2026-11-21 14:03:07.120');
  assert.equal(format.ago(at.getTime(), at.getTime() + 400), 'just now');
  assert.equal(format.ago(at.getTime(), at.getTime() + 2_800), '2 s ago');
  assert.equal(format.ago(at.getTime(), at.getTime() + 12_000), '12 s ago');
});
