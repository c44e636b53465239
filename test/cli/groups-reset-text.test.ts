import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { asCsv, durationMs, fromCsv } from '../../src/cli/groups-reset-text.ts';

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
