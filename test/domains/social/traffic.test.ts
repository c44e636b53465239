import assert from 'node:assert/strict';
import { it } from 'node:test';
import { socialEventCodec as codec } from '../../../src/domains/social/codec.ts';
import { EVENT_TYPES } from '../../../src/domains/social/events.ts';
import {
  EXHAUSTING_SHARE,
  generateTraffic,
  MAX_ATTEMPTS,
  type TrafficItem,
  type TrafficOptions,
  TYPE_SHARES,
} from '../../../src/domains/social/traffic.ts';

const NOW = Date.parse('2026-05-27T14:00:00Z');
const DAY_MS = 86_400_000;
const options: TrafficOptions = { seed: 7, events: 10_000, now: NOW };
const traffic = (more: Partial<TrafficOptions> = {}): TrafficItem[] => [...generateTraffic({ ...options, ...more })];
const events = (items: readonly TrafficItem[]) => items.flatMap((item) => (item.kind === 'event' ? [item] : []));
const poisons = (items: readonly TrafficItem[]) => items.flatMap((item) => (item.kind === 'poison' ? [item] : []));
const near = (actual: number, expected: number, within: number): void =>
  assert.ok(Math.abs(actual - expected) <= within, `${actual} is not within ${within} of ${expected}`);

it('repeats exactly for a seed, and differs for another', () => {
  assert.deepEqual(traffic(), traffic());
  assert.notDeepEqual(traffic(), traffic({ seed: 8 }));
});

it('makes as many items as asked for, each event valid, with an id of its own', () => {
  const items = traffic();
  assert.equal(items.length, 10_000);
  const ids = events(items).map(({ input }) => codec.accept(input, { now: NOW, newId: () => 'none' }).event_id);
  assert.equal(new Set(ids).size, ids.length);
  for (const id of ids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

it('shows all ten types, in their shares', () => {
  assert.deepEqual(
    traffic({ events: 10, poisonShare: 0 }).map((item) => item.kind === 'event' && item.input.event_type),
    EVENT_TYPES,
  );
  near(
    Object.values(TYPE_SHARES).reduce((a, b) => a + b),
    1,
    1e-9,
  );
  const items = events(traffic({ poisonShare: 0 }));
  for (const type of EVENT_TYPES) {
    near(items.filter(({ input }) => input.event_type === type).length / items.length, TYPE_SHARES[type], 0.02);
  }
});

it('follows day and night in ascending order within the last 24 hours', () => {
  const times = events(traffic()).map(({ input }) => Date.parse(String(input.timestamp)));
  for (const [i, time] of times.entries()) assert.ok(time >= (times[i - 1] ?? NOW - DAY_MS) && time <= NOW);
  const inHours = (from: number, to: number): number =>
    times.filter((time) => new Date(time).getUTCHours() >= from && new Date(time).getUTCHours() < to).length;
  assert.ok(inHours(17, 19) > 5 * inHours(5, 7));
});

it('has popular and unpopular content', () => {
  const perContent = new Map<unknown, number>();
  for (const { input } of events(traffic())) {
    if (input.content_id !== undefined) perContent.set(input.content_id, (perContent.get(input.content_id) ?? 0) + 1);
  }
  const counts = [...perContent.values()].sort((a, b) => b - a);
  const total = counts.reduce((a, b) => a + b);
  assert.ok(counts[0]! > total * 0.05);
  assert.ok(counts.slice(0, counts.length / 10).reduce((a, b) => a + b) > total * 0.4);
});

it('poisons the stated share of content interactions, in all four ways', () => {
  const items = traffic({ poisonShare: 0.1 });
  near(poisons(items).length / items.length, 0.1 * 0.83, 0.02);
  const codes = poisons(items).map(({ topic, record }) => {
    assert.equal(topic, 'content-interactions');
    const decoded = codec.decode({ ...record, topic, partition: 0, offset: 0 });
    return decoded.ok ? 'readable' : decoded.code;
  });
  assert.deepEqual([...new Set(codes)].sort(), ['MISSING_KEY', 'NOT_JSON', 'NULL_VALUE', 'SCHEMA_MISMATCH']);
  assert.equal(poisons(traffic({ poisonShare: 0 })).length, 0);
});

it('makes the stated share of content interactions flaky; some for good', () => {
  const items = events(traffic({ flakyShare: 0.2, events: 20_000 }));
  const flaky = items.filter(({ flakyAttempts }) => flakyAttempts > 0);
  near(flaky.length / items.length, 0.2 * 0.83, 0.02);
  near(
    flaky.filter(({ flakyAttempts }) => flakyAttempts === MAX_ATTEMPTS).length / flaky.length,
    EXHAUSTING_SHARE,
    0.02,
  );
  assert.ok(flaky.every(({ flakyAttempts, input }) => flakyAttempts <= MAX_ATTEMPTS && input.content_id !== undefined));
  assert.ok(events(traffic({ flakyShare: 0 })).every(({ flakyAttempts }) => flakyAttempts === 0));
});
