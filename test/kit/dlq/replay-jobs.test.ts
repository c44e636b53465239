import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Fate, ReplayJobs, type SentAgain } from '../../../src/kit/dlq/replay-jobs.ts';
import { KitError } from '../../../src/kit/errors.ts';
import { hasCode } from '../consumers/harness.ts';
import { letterWorld } from './letters.ts';

function jobWorld() {
  const world = letterWorld();
  const fates = new Map<number, Fate>();
  const fatesOf = async (sent: readonly SentAgain[]) => sent.map(({ offset }) => fates.get(offset) ?? 'pending');
  const jobs = new ReplayJobs({ queue: world.queue, fatesOf, clock: world.clock });
  return { ...world, world, jobs, fates };
}

test('a plan sends nothing; a job goes on by itself at its rate, and is followed to what became of each event', async () => {
  const { capture, clock, jobs, fates, sent } = jobWorld();
  for (let offset = 0; offset < 10; offset++) await capture(offset);
  const plan = await jobs.plan({ code: 'GONE', ratePerSecond: 2 });
  assert.deepEqual([plan.planned, plan.refused, plan.durationMs, sent.length], [10, 0, 5_000, 0]);

  const started = await jobs.start({ code: 'GONE', ratePerSecond: 2 });
  assert.deepEqual([started.state, started.planned], ['RUNNING', 10]);
  await assert.rejects(jobs.start({ all: true }), hasCode('REPLAY_IN_PROGRESS'));
  await clock.advance(2_000);
  const half = await jobs.report(started.id);
  assert.deepEqual([half.state, half.sent, sent.length, half.fates.pending], ['RUNNING', 5, 5, 5]);
  assert.ok(Math.abs(half.sentPerSecond! - 2.5) < 0.01 && half.etaMs === 2_000, JSON.stringify(half));

  for (const [offset, fate] of (['applied', 'applied', 'parked', 'dead', 'unknown'] as const).entries())
    fates.set(offset, fate);
  await clock.advance(10_000);
  const done = await jobs.report(started.id);
  assert.deepEqual([done.state, done.sent, done.etaMs], ['DONE', 10, null]);
  assert.deepEqual(done.fates, { pending: 5, parked: 1, applied: 2, dead: 1, unknown: 1 });
  assert.deepEqual(done.deadAgain, ['g/things/0/3']);
  fates.set(2, 'applied');
  for (let offset = 5; offset < 10; offset++) fates.set(offset, 'applied');
  assert.deepEqual((await jobs.report(started.id)).fates, { pending: 0, parked: 0, applied: 8, dead: 1, unknown: 1 });
  assert.deepEqual(jobs.reports()[0]!.fates.applied, 8);
});

test('a cancelled job sends no more and can be followed by another for the rest', async () => {
  const { capture, clock, jobs, sent, queue } = jobWorld();
  for (let offset = 0; offset < 10; offset++) await capture(offset);
  const { id } = await jobs.start({ all: true, ratePerSecond: 1 });
  await clock.advance(2_500);
  assert.equal((await jobs.cancel(id)).state, 'CANCELLED');
  await clock.advance(60_000);
  assert.equal(sent.length, 3);
  assert.equal(await queue.depth(), 7);
  const rest = await jobs.start({ all: true, ratePerSecond: 1_000 });
  await clock.advance(1_000);
  assert.deepEqual([(await jobs.report(rest.id)).state, sent.length], ['DONE', 10]);
  assert.deepEqual(
    jobs.reports().map(({ state }) => state),
    ['DONE', 'CANCELLED'],
  );
  await assert.rejects(jobs.report('none'), hasCode('UNKNOWN_REPLAY'));
});

test('a job that is cancelled while it sends ends with that send, however slow its rate', async () => {
  const { capture, clock, jobs, world } = jobWorld();
  await capture(0);
  await capture(1);
  const sending = Promise.withResolvers<void>();
  world.onSend = () => sending.promise;
  const { id } = await jobs.start({ all: true, ratePerSecond: 0.001 });
  await clock.advance(0);
  const cancelled = jobs.cancel(id);
  sending.resolve();
  assert.deepEqual([(await cancelled).state, (await cancelled).sent], ['CANCELLED', 1]);
  assert.equal(clock.pending, 0);
});

test('what may not be sent again is refused; a log that fails ends the job, which says why', async () => {
  const { capture, clock, jobs, world, sent } = jobWorld();
  await capture(0);
  for (let round = 0; round < 3; round++) {
    await jobs.start({ ids: ['g/things/0/0'] });
    await clock.advance(1_000);
  }
  const { id } = await jobs.start({ ids: ['g/things/0/0', 'g/things/0/0', 'g/none/0/0'] });
  await clock.advance(1_000);
  const refused = await jobs.report(id);
  assert.deepEqual([refused.state, refused.planned, refused.refused, sent.length], ['DONE', 0, 2, 3]);
  assert.deepEqual(
    refused.problems.map(({ code }) => code),
    ['REPLAY_LIMIT', 'UNKNOWN_DEAD_LETTER'],
  );

  for (let offset = 1; offset < 5; offset++) await capture(offset);
  world.onSend = () => {
    if (sent.length === 5) throw new KitError('LOG_UNAVAILABLE', 'no quorum', { retriable: true });
  };
  const failing = await jobs.start({ all: true, ratePerSecond: 1_000 });
  await clock.advance(1_000);
  const failed = await jobs.report(failing.id);
  assert.deepEqual([failed.state, failed.sent, failed.failed], ['FAILED', 2, 1]);
  assert.deepEqual(failed.error, { code: 'LOG_UNAVAILABLE', message: 'no quorum' });
});

test('closing ends a job within a second, even where a send hangs, and no other begins', async () => {
  const { capture, clock, jobs, world } = jobWorld();
  await capture(0);
  const hanging = Promise.withResolvers<void>();
  world.onSend = () => hanging.promise;
  const { id } = await jobs.start({ all: true });
  await clock.advance(0);
  const closing = jobs.close();
  await clock.advance(1_000);
  await closing;
  const report = await jobs.report(id);
  assert.deepEqual([report.state, report.cancelling], ['RUNNING', true]);
  hanging.reject(new KitError('PRODUCER_CLOSED', 'closed', { retriable: true }));
  await clock.advance(1);
  assert.equal((await jobs.report(id)).state, 'FAILED');
  await assert.rejects(jobs.start({ all: true }), hasCode('SHUTTING_DOWN'));
});
