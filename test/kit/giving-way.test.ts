import assert from 'node:assert/strict';
import { test } from 'node:test';
import { givingWay, type Interruptible } from '../../src/kit/giving-way.ts';
import { distributionReports } from '../../src/kit/log/distribution.ts';
import { generatedKeys } from '../../src/kit/log/generated-keys.ts';

function* busy(steps: number): Interruptible<string> {
  for (let step = 0; step < steps; step++) {
    for (const until = performance.now() + 1; performance.now() < until; );
    yield;
  }
  return 'done';
}

function interruptions(work: Interruptible<unknown>): number {
  let count = 0;
  while (work.next().done !== true) count++;
  return count;
}

test('others get their turn every few milliseconds, and who has gone is not computed for', async () => {
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  assert.equal(await givingWay(busy(60)), 'done');
  clearInterval(timer);
  assert.ok(turns >= 10, `${turns} turns in 60 ms of work`);
  const gone = new AbortController();
  setTimeout(() => gone.abort(new Error('gone')), 5);
  await assert.rejects(givingWay(busy(10_000), gone.signal), /gone/);
});

test('a plan can be interrupted often at its bounds, long keys and rare ones included', () => {
  let seed = 1;
  const random = () => {
    seed = (seed * 48_271) % 0x7fffffff;
    return seed / 0x7fffffff;
  };
  const traffic = { keys: 50_000, records: 200_000, skew: 0 };
  assert.ok(interruptions(generatedKeys(traffic, random)) >= 150);
  const long = new Map(Array.from({ length: 5_000 }, (_, key) => [`${'k'.repeat(1_000)}${key}`, 1]));
  assert.ok(interruptions(distributionReports(long, [10_000, 9_999])) >= 150, 'every 32 KiB of keys');
});
