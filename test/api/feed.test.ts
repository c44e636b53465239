import assert from 'node:assert/strict';
import { test } from 'node:test';
import Schema from 'typebox/schema';
import type { Document } from '../../src/kit/projections/projection-store.ts';
import { openApi } from './support/fake-platform.ts';

type Opened = ReturnType<typeof openApi>;

async function get({ app }: Opened, url: string) {
  const answer = await app.inject({ url });
  return { status: answer.statusCode, body: answer.json() };
}

/** So many posts of bob in a user's timeline, one a minute. */
function givePosts({ platform }: Opened, user: string, count: number): void {
  const posts = Array.from({ length: count }, (_, n) => [
    `post_${n}`,
    `${new Date(Date.UTC(2026, 4, 27, 14, n)).toISOString()} bob`,
  ]);
  platform.documents.set('feed', new Map([[`timeline/${user}`, Object.fromEntries(posts)]]));
}

async function schemaOf(api: Opened, path: string): Promise<object> {
  const { body } = await get(api, '/openapi.json');
  return body.paths[path].get.responses[200].content['application/json'].schema;
}

const ids = (body: { items: { content_id: string }[] }) => body.items.map(({ content_id }) => content_id);

test('GET /api/v1/users/{id}/feed answers pages, ranked', async () => {
  await using api = openApi();
  givePosts(api, 'alice', 25);
  api.platform.contents.set('post_3', { likes: 100, last_updated: '2026-05-27T15:00:00.000Z' });
  const { status, body } = await get(api, '/api/v1/users/alice/feed');
  assert.equal(status, 200);
  assert.deepEqual(Schema.Errors(await schemaOf(api, '/api/v1/users/{id}/feed'), body)[1], []);
  assert.deepEqual([body.user_id, body.items.length], ['alice', 20]);
  assert.deepEqual(body.items[0], {
    content_id: 'post_3',
    author: 'bob',
    created_at: '2026-05-27T14:03:00.000Z',
    score: Math.log2(101) + Date.UTC(2026, 4, 27, 14, 3) / 1000 / 43_200,
    engagement: { likes: 100, comments: 0, shares: 0, views: 0 },
  });
  assert.deepEqual(ids(body).slice(1, 4), ['post_24', 'post_23', 'post_22']);
  const rest = (await get(api, `/api/v1/users/alice/feed?limit=100&cursor=${body.next_cursor}`)).body;
  assert.deepEqual(ids(rest), ['post_5', 'post_4', 'post_2', 'post_1', 'post_0']);
  assert.equal(rest.next_cursor, null);
});

test('a user of whom nothing is known has an empty feed, whatever the id', async () => {
  await using api = openApi();
  for (const id of ['nobody', 'a/b', '100%', 'ü?#&', '日本', 'é'.repeat(128), '__proto__', ':id']) {
    const { status, body } = await get(api, `/api/v1/users/${encodeURIComponent(id)}/feed`);
    assert.deepEqual([status, body], [200, { user_id: id, items: [], next_cursor: null }]);
    givePosts(api, id, 1);
    assert.deepEqual(ids((await get(api, `/api/v1/users/${encodeURIComponent(id)}/feed`)).body), ['post_0']);
    api.platform.documents.delete('feed');
  }
});

test('what a feed cannot be read with is refused', async () => {
  await using api = openApi();
  for (const query of [
    'limit=0',
    'limit=101',
    'limit=x',
    'cursor=',
    'cursor=abc',
    `cursor=${'A'.repeat(401)}`,
    'after=x',
    'page=2',
  ]) {
    const { status, body } = await get(api, `/api/v1/users/alice/feed?${query}`);
    assert.deepEqual([status, body.code], [400, 'INVALID_ARGUMENT'], query);
  }
  assert.match((await get(api, '/api/v1/users/alice/feed?cursor=abc')).body.detail, /leave it out to begin at the top/);
  for (const id of ['x'.repeat(257), 'a%0Ab'])
    assert.equal((await get(api, `/api/v1/users/${id}/feed`)).body.code, 'INVALID_ARGUMENT');
});

test('?after waits for feed, for moderation where that is asked', async () => {
  await using api = openApi();
  const waited: unknown[] = [];
  const { applied } = api.platform;
  api.platform.applied = async (position: unknown, timeoutMs: number, name?: string) => {
    waited.push([position, timeoutMs, name]);
    await applied(position, timeoutMs);
  };
  const url = '/api/v1/users/alice/feed?after=user-actions:3:12';
  assert.equal((await get(api, url)).status, 200);
  const late = await get(api, `${url}&timeout_ms=10`);
  assert.deepEqual([late.status, late.body.code, late.body.retriable], [504, 'NOT_APPLIED_YET', true]);
  await get(api, '/api/v1/moderation/post_1?after=system-events:1:0');
  const position = { topic: 'user-actions', partition: 3, offset: 12 };
  assert.deepEqual(waited, [
    [position, 5_000, 'feed'],
    [position, 10, 'feed'],
    [{ topic: 'system-events', partition: 1, offset: 0 }, 5_000, 'moderation'],
  ]);
});

test('GET /api/v1/moderation/{content_id} tells what holds, and feeds go by it', async () => {
  await using api = openApi();
  givePosts(api, 'alice', 2);
  const documents = new Map<string, Document>();
  api.platform.documents.set('moderation', documents);
  documents.set('post_1', { hidden: 1, latest: '2026-05-27T15:00:00.000Z 1 hidden spam' });
  const { body } = await get(api, '/api/v1/moderation/post_1');
  assert.deepEqual(Schema.Errors(await schemaOf(api, '/api/v1/moderation/{content_id}'), body)[1], []);
  assert.deepEqual(body, {
    content_id: 'post_1',
    action: 'hidden',
    hidden_from_feeds: true,
    reason: 'spam',
    since: '2026-05-27T15:00:00.000Z',
    actions: { hidden: 1, removed: 0, restored: 0 },
  });
  assert.deepEqual(ids((await get(api, '/api/v1/users/alice/feed')).body), ['post_0']);
  documents.set('post_1', { hidden: 1, restored: 1, latest: '2026-05-27T16:00:00.000Z 0 restored ' });
  assert.deepEqual(ids((await get(api, '/api/v1/users/alice/feed')).body), ['post_1', 'post_0']);
  const missing = await get(api, '/api/v1/moderation/a%2Fb');
  assert.deepEqual([missing.status, missing.body.code, missing.body.content_id], [404, 'UNKNOWN_CONTENT', 'a/b']);
  assert.equal((await get(api, '/api/v1/moderation/a%00b')).body.code, 'INVALID_ARGUMENT');
});
