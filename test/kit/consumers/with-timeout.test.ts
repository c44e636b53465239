import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HandlerContext } from '../../../src/kit/consumers/consumer-options.ts';
import { withTimeout } from '../../../src/kit/consumers/middleware/with-timeout.ts';
import { ack } from '../../../src/kit/consumers/verdict.ts';
import { TransientError } from '../../../src/kit/retry/error-handler.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const context = { attempt: 1, signal: new AbortController().signal } as HandlerContext;

test('a call that takes too long fails as transient, and its signal is aborted', async () => {
  const clock = new ManualClock();
  let signal: AbortSignal | undefined;
  const slow = withTimeout(
    (_, given) => {
      signal = given.signal;
      return new Promise(() => {});
    },
    100,
    clock,
  );
  const outcome = assert.rejects(Promise.resolve(slow(null, context)), TransientError);
  await clock.advance(100);
  await outcome;
  assert.equal(signal?.aborted, true);
});

test('verdicts in time pass through, without a promise where there was none, and leave no timer', async () => {
  const clock = new ManualClock();
  assert.deepEqual(withTimeout(() => ack(), 100, clock)(null, context), ack());
  assert.deepEqual(await withTimeout(async () => ack(), 100, clock)(null, context), ack());
  assert.equal(clock.pending, 0);
});
