import assert from 'node:assert/strict';
import { test } from 'node:test';
import { projectAnalytics } from '../../src/domains/social/analytics.ts';
import { project } from '../domains/social/interleavings.ts';
import { reaction, registration } from '../domains/social/notification-events.ts';
import { MemoryStore } from '../support/memory-store.ts';
import { openApi } from './support/fake-platform.ts';

const EVENTS = [
  registration('ann', 0),
  reaction('post_created', 'ann', 'p', 1),
  reaction('post_liked', 'bob', 'p', 1),
  reaction('post_liked', 'cat', 'p', 2),
  reaction('story_viewed', 'cat', 'q', 2),
  reaction('post_liked', 'cat', 'q', -24 * 60),
];

async function opened() {
  const api = openApi();
  const deltas = (event: (typeof EVENTS)[number]) =>
    projectAnalytics(event, { partition: 1, timestamp: Date.UTC(2026, 4, 28) });
  api.platform.documents.set('analytics', await project(new MemoryStore(), EVENTS, [], deltas));
  const state = { topic: 'content-interactions', epoch: 1, next: 4, parked: 0 };
  const tallies = { applied: 4, duplicates: 0, dead: 0 };
  Object.assign(api.platform.state.analytics, {
    partitions: async () => [0, 1, 2].map((partition) => ({ ...state, partition, tallies })),
  });
  return Object.assign(api, {
    async get(path: string) {
      const answer = await api.app.inject({ url: `/api/v1/analytics/${path}` });
      return { status: answer.statusCode, body: answer.json() };
    },
  });
}

test('GET minutes and days count by type', async () => {
  await using api = await opened();
  const { body } = await api.get('minutes?from=2026-05-27T16:01:30%2B02:00&to=2026-05-27T14:03:00Z');
  assert.deepEqual(
    body.periods.map(({ period, total }: { period: string; total: number }) => [period, total]),
    [
      ['2026-05-27T14:01:00Z', 2],
      ['2026-05-27T14:02:00Z', 2],
      ['2026-05-27T14:03:00Z', 0],
    ],
  );
  assert.equal(body.periods[0].counts.post_liked, 1);
  assert.equal(Object.keys(body.periods[0].counts).length, 10);
  const days = await api.get('days?from=2026-05-25&to=2026-05-27');
  assert.deepEqual(
    days.body.periods.map(({ total }: { total: number }) => total),
    [0, 1, 5],
  );
  assert.equal(days.body.error, 0);
  assert.equal((await api.get('minutes')).body.periods.length, 60);
  assert.equal((await api.get('days')).body.periods.length, 30);
});

test('GET active-users estimates each period, and all of them together', async () => {
  await using api = await opened();
  const { body } = await api.get('active-users?from=2026-05-26&to=2026-05-27');
  assert.deepEqual(body, {
    periods: [
      { period: '2026-05-26', estimate: 1, standard_error: 0.01625 },
      { period: '2026-05-27', estimate: 3, standard_error: 0.01625 },
    ],
    all: { estimate: 3, standard_error: 0.01625 },
  });
  const minutes = await api.get('active-users?by=minute&from=2026-05-27T14:01:00Z&to=2026-05-27T14:02:00Z');
  assert.deepEqual(minutes.body.all, { estimate: 3, standard_error: 0.0325 });
});

test('GET top has counts with their errors', async () => {
  await using api = await opened();
  assert.deepEqual((await api.get('top?day=2026-05-27&limit=1')).body, {
    day: '2026-05-27',
    items: [{ content_id: 'p', count: 2, error: 0 }],
    uncounted_at_most: 0,
  });
  assert.deepEqual((await api.get('top')).body.items, []);
});

test('GET funnel has its stages in order', async () => {
  await using api = await opened();
  const stages = ['registered', 'posted', 'liked'].map((stage) => ({ stage, estimate: 1, standard_error: 0.01625 }));
  assert.deepEqual((await api.get('funnel')).body, { stages });
});

test('analytics refuse ranges that are none or too long', async () => {
  await using api = await opened();
  for (const path of [
    'minutes?from=yesterday',
    'minutes?from=2026-05-27&to=2026-05-26',
    'minutes?from=2026-05-26T00:00:00Z&to=2026-05-27T00:00:00Z',
    'days?from=2025-01-01&to=2026-05-27',
    'days?from=2026-02-30',
    'active-users?from=2026-01-01&to=2026-05-27',
    'active-users?by=year',
    'active-users?by=minute&from=2026-05-27T00:00:00Z&to=2026-05-27T14:00:00Z',
    'top?limit=0',
    'top?limit=1001',
    'top?day=x',
    'funnel?from=2026-05-27',
  ]) {
    const { status, body } = await api.get(path);
    assert.deepEqual([path, status, body.code], [path, 400, 'INVALID_ARGUMENT']);
  }
});
