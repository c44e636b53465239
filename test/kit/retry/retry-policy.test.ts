import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { KitError } from '../../../src/kit/errors.ts';
import { ErrorHandler, TransientError } from '../../../src/kit/retry/error-handler.ts';
import { RetryPolicy } from '../../../src/kit/retry/retry-policy.ts';

test('delays double up to the maximum; jitter takes a random share of them', () => {
  const highest = new RetryPolicy({ random: () => 1 });
  assert.equal(highest.attempts, 5);
  assert.deepEqual(
    [1, 2, 3, 4, 8, 9, 1_000].map((failed) => highest.delayMs(failed)),
    [200, 400, 800, 1_600, 25_600, 30_000, 30_000],
  );
  const delay = fc.record({
    failed: fc.integer({ min: 1, max: 10_000 }),
    random: fc.double({ min: 0, max: 0.999, noNaN: true }),
  });
  fc.assert(
    fc.property(delay, ({ failed, random }) => {
      const delayMs = new RetryPolicy({ baseMs: 10, maxMs: 500, random: () => random }).delayMs(failed);
      return delayMs >= 0 && delayMs <= 500;
    }),
  );
});

test('errors are classified in one place, and by the owner first', () => {
  const errors = new ErrorHandler();
  assert.equal(errors.classify(new KitError('STORE_UNAVAILABLE', '', { retriable: true })), 'systemic');
  assert.equal(errors.classify(new KitError('LOG_UNAVAILABLE', '', { retriable: true })), 'systemic');
  assert.equal(errors.classify(new TransientError('busy')), 'transient');
  assert.equal(errors.classify(new KitError('INVALID_EVENT', '')), 'poison');
  for (const unknown of [new Error('?'), 'text', undefined]) assert.equal(errors.classify(unknown), 'transient');
  const own = new ErrorHandler((error) => (error instanceof RangeError ? 'poison' : undefined));
  assert.deepEqual([own.classify(new RangeError()), own.classify(new Error())], ['poison', 'transient']);
});
