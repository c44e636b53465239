import assert from 'node:assert/strict';
import { test } from 'node:test';
import { condense, PulseHistory } from '../../../src/pipelines/pulse/pulse-history.ts';
import type { PulseSample } from '../../../src/pipelines/pulse/pulse-report.ts';
import { RecentRates } from '../../../src/pipelines/pulse/recent-rates.ts';
import { group, PRODUCER, point } from './reports.ts';

test('a point has the mean of rates, the highest of lags and latencies, and null for what was never known', () => {
  const { at, producer, groups, end_to_end } = condense([
    point({
      producer: { ...PRODUCER, per_second: 100, p50_ms: 1, p99_ms: 9 },
      groups: [group({ per_second: 50, lag: 7, lag_seconds: 2 }), group({ group: 'left' })],
      end_to_end: { p50_ms: 3, p99_ms: 40 },
    }),
    point({
      at: '2026-05-27T14:00:01.000Z',
      producer: { ...PRODUCER, per_second: 200 },
      groups: [group({ per_second: 51, lag: 3, lag_seconds: null }), group({ group: 'new', per_second: null })],
    }),
  ]);
  assert.equal(at, '2026-05-27T14:00:01.000Z');
  assert.deepEqual(producer, { per_second: 150, errors_per_second: 0, p50_ms: 1, p99_ms: 9 });
  assert.deepEqual(groups, [
    { group: 'g', per_second: 50.5, errors_per_second: 0, lag: 7, lag_seconds: 2 },
    { group: 'new', per_second: null, errors_per_second: 0, lag: 0, lag_seconds: 0 },
  ]);
  assert.deepEqual(end_to_end, { p50_ms: 3, p99_ms: 40 });
});

test('ten minutes are kept, however long it goes on and however often it is sampled', () => {
  const history = new PulseHistory();
  for (let ms = 0; ms < 30 * 60_000; ms += 500)
    history.add(point({ at: new Date(ms).toISOString() }) as PulseSample, ms);
  const { points } = history;
  assert.equal(points.length, 300);
  const spanMs = Date.parse(points.at(-1)!.at) - Date.parse(points[0]!.at);
  assert.equal(spanMs, 299 * 2_000);
});

test('rates are over about a second, and begin anew with a counter', () => {
  const rates = new RecentRates();
  const read = (value: number, atMs: number) => rates.perSecond('n', value, atMs);
  assert.equal(read(100, 0), null);
  assert.equal(read(150, 500), 100);
  assert.equal(read(250, 1_000), 150);
  assert.equal(read(250, 1_500), 100);
  assert.equal(read(250, 1_500), 100);
  assert.equal(read(10, 2_000), null);
  assert.equal(read(15, 2_500), 10);
  rates.forgetBefore(2_500);
  assert.equal(read(16, 3_000), 6);
  rates.forgetBefore(60_000);
  assert.equal(read(16, 70_000), null);
});
