import assert from 'node:assert/strict';
import { test } from 'node:test';
import { projectNotifications } from '../../src/domains/social/notifications.ts';
import { project } from '../domains/social/interleavings.ts';
import { at, follow, profile, reaction } from '../domains/social/notification-events.ts';
import { MemoryStore } from '../support/memory-store.ts';
import { openApi } from './support/fake-platform.ts';

async function opened(...events: Parameters<typeof project>[1]) {
  const api = openApi();
  api.platform.documents.set('notifications', await project(new MemoryStore(), events, [], projectNotifications));
  return Object.assign(api, {
    async ask(method: 'GET' | 'POST' | 'PUT', url: string, payload?: object) {
      const answer = await api.app.inject({ method, url, ...(payload === undefined ? {} : { payload }) });
      return { status: answer.statusCode, body: answer.json() };
    },
  });
}

const POSTS = [reaction('post_created', 'ann', 'p'), reaction('post_created', 'a/b ü?', 'q')];

test('GET notifications lists, pages and counts', async () => {
  await using api = await opened(
    ...POSTS,
    reaction('post_liked', 'bob', 'p', 1),
    reaction('comment_added', 'cat', 'p', 2),
    follow('dan', 'ann', 3),
    profile('ann', { notifications_read_until: at(1) }, 4),
  );
  const first = await api.ask('GET', '/api/v1/users/ann/notifications?limit=2');
  assert.equal(first.status, 200);
  assert.deepEqual(
    first.body.items.map(({ text }: { text: string }) => text),
    ['dan followed you', 'cat commented on your post p'],
  );
  assert.deepEqual([first.body.user_id, first.body.unread_count], ['ann', 2]);
  const second = await api.ask('GET', `/api/v1/users/ann/notifications?limit=2&cursor=${first.body.next_cursor}`);
  assert.deepEqual(second.body, {
    user_id: 'ann',
    items: [
      {
        kind: 'like',
        content_id: 'p',
        at: at(1),
        unread: false,
        text: 'bob liked your post p',
        actors: ['bob'],
        actor_count: 1,
        more: false,
      },
    ],
    unread_count: 2,
    next_cursor: null,
  });
  const unread = await api.ask('GET', '/api/v1/users/ann/notifications?unread=true');
  assert.equal(unread.body.items.length, 2);
});

test('GET notifications takes any user id, and knows nothing of strangers', async () => {
  await using api = await opened(...POSTS, reaction('post_liked', 'bob', 'q', 1));
  const answer = await api.ask('GET', `/api/v1/users/${encodeURIComponent('a/b ü?')}/notifications`);
  assert.deepEqual([answer.body.user_id, answer.body.items.length], ['a/b ü?', 1]);
  const stranger = await api.ask('GET', '/api/v1/users/zoe/notifications');
  assert.deepEqual(stranger.body, { user_id: 'zoe', items: [], unread_count: 0, next_cursor: null });
});

test('notifications refuse what they cannot answer', async () => {
  await using api = await opened();
  const url = '/api/v1/users/ann/notifications';
  for (const query of ['limit=0', 'limit=101', 'limit=x', 'cursor=!', 'unread=maybe', 'after=here', 'other=1'])
    assert.deepEqual([query, (await api.ask('GET', `${url}?${query}`)).body.code], [query, 'INVALID_ARGUMENT']);
  assert.equal((await api.ask('GET', `/api/v1/users/${'x'.repeat(300)}/notifications`)).body.code, 'INVALID_ARGUMENT');
  const late = await api.ask('GET', `${url}?after=user-actions:0:7&timeout_ms=10`);
  assert.deepEqual([late.status, late.body.code], [504, 'NOT_APPLIED_YET']);
  for (const body of [{ until: 'yesterday' }, { until: 7 }, { other: 1 }])
    assert.equal((await api.ask('POST', `${url}/read`, body)).body.code, 'INVALID_ARGUMENT');
  for (const body of [{}, { like: true }, { like: 1, comment: true, share: true, follow: true }])
    assert.equal(
      (await api.ask('PUT', '/api/v1/users/ann/notification-preferences', body)).body.code,
      'INVALID_ARGUMENT',
    );
});

test('what is read, and what is wanted, are events on the log', async () => {
  await using api = await opened();
  const read = await api.ask('POST', '/api/v1/users/ann/notifications/read', { until: '2026-05-27T14:00:00Z' });
  assert.equal(read.status, 201);
  const { topic, partition, offset } = read.body;
  assert.equal(topic, 'user-actions');
  assert.equal((await api.ask('POST', '/api/v1/users/ann/notifications/read')).status, 201);
  const preferences = { like: false, comment: true, share: true, follow: true };
  const wanted = await api.ask('PUT', '/api/v1/users/ann/notification-preferences', preferences);
  assert.deepEqual([wanted.status, wanted.body.offset], [201, offset + 2]);
  const { records } = await api.platform.log.read({ topic, partition, offset });
  const [first, second, third] = records.map(({ value }) => JSON.parse(String(value)));
  assert.deepEqual(first, {
    fields: ['notifications_read_until'],
    notifications_read_until: '2026-05-27T14:00:00Z',
  });
  assert.match(second.notifications_read_until, /Z$/);
  assert.deepEqual(third, { fields: ['notification_preferences'], notification_preferences: preferences });
});

test('GET notification-preferences says what is wanted and read', async () => {
  await using api = await opened(
    profile('ann', { notification_preferences: { like: false }, notifications_read_until: at(1) }, 4),
  );
  assert.deepEqual((await api.ask('GET', '/api/v1/users/ann/notification-preferences')).body, {
    user_id: 'ann',
    preferences: { like: false, comment: true, share: true, follow: true },
    read_until: at(1),
  });
  assert.equal((await api.ask('GET', '/api/v1/users/zoe/notification-preferences')).body.read_until, null);
});
