import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jumpClock } from '../../src/drills/workers/jump-clock.ts';
import { steadyClock, systemClock } from '../../src/kit/clock.ts';

const HOUR_MS = 3_600_000;
const near = (a: number, b: number) => Math.abs(a - b) < 60_000;

test('the wall clock jumps, given times and the steady clock do not; jumps add up', (t) => {
  const Before = Date;
  t.after(() => {
    globalThis.Date = Before;
  });
  const started = Date.now();
  jumpClock(HOUR_MS);
  assert.ok(near(Date.now(), started + HOUR_MS));
  assert.ok(near(Date.parse(new Date().toISOString()), started + HOUR_MS));
  assert.ok(near(systemClock.now(), started + HOUR_MS));
  assert.ok(near(steadyClock.now(), started));
  assert.equal(new Date(0).toISOString(), '1970-01-01T00:00:00.000Z');
  assert.equal(new Date('2026-01-02T03:04:05Z').getTime(), Date.UTC(2026, 0, 2, 3, 4, 5));
  jumpClock(-2 * HOUR_MS);
  assert.ok(near(Date.now(), started - HOUR_MS));
});
