import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SocialEvent } from '../../src/domains/social/events.ts';
import { projectFeed } from '../../src/domains/social/feed.ts';
import { canonicalFeed } from '../../src/domains/social/feed-candidates.ts';
import { rankOf } from '../../src/domains/social/feed-page.ts';
import type { Document } from '../../src/kit/projections/projection-store.ts';
import { FeedReader } from '../../src/pipelines/feed-reader.ts';
import type { StateReader } from '../../src/pipelines/projection.ts';
import { project } from '../domains/social/interleavings.ts';
import { MemoryStore } from '../support/memory-store.ts';

const AT = Date.UTC(2026, 4, 27, 14);
const metadata = { source: '/s', schema_version: '1' };

function post(user_id: string, content_id: string, second: number): SocialEvent {
  const timestamp = new Date(AT + second * 1000).toISOString();
  return { event_id: 'e', event_type: 'post_created', user_id, content_id, timestamp, data: {}, metadata };
}

function follow(user_id: string, target_user_id: string): SocialEvent {
  const timestamp = new Date(AT).toISOString();
  return { event_id: 'e', event_type: 'follow_initiated', user_id, timestamp, data: { target_user_id }, metadata };
}

/** Documents that a test may change, and how often they were asked for. */
function reader(documents: Map<string, Document>) {
  const asked: string[][] = [];
  const state = (map: ReadonlyMap<string, Document>): StateReader => {
    const getMany = async (keys: readonly string[]) => {
      asked.push([...keys]);
      return keys.map((key) => map.get(key) ?? null);
    };
    return {
      getMany,
      keys: async () => ({ keys: [], cursor: null }),
      get: async (key) => (await getMany([key]))[0]!,
      partitions: async () => [],
      async *documents() {},
    };
  };
  const engagement = new Map<string, Document>();
  const moderation = new Map<string, Document>();
  return {
    state: { feed: state(documents), engagement: state(engagement), moderation: state(moderation) },
    engagement,
    moderation,
    asked,
  };
}

const ids = (page: { items: readonly { content_id: string }[] }) => page.items.map(({ content_id }) => content_id);
const top = { limit: 100, after: null };

test('posts of celebrities are merged in, and counted ones come first', async () => {
  const crowd = Array.from({ length: 1_001 }, (_, n) => follow(`fan_${n}`, 'star'));
  const events = [...crowd, follow('u', 'star'), follow('u', 'friend'), post('star', 's', 1), post('friend', 'f', 2)];
  // those who follow before those who post
  const order = [
    [0, 9_999],
    [2, 9_999],
  ] as const;
  const documents = await project(new MemoryStore(), events, order, projectFeed);
  assert.deepEqual(Object.keys(documents.get('timeline/u') ?? {}), ['f']);
  const { state, engagement } = reader(documents);
  const feed = new FeedReader(state);
  assert.deepEqual(ids(await feed.read('u', top)), ['f', 's']);
  engagement.set('s', { likes: 4, comments: 1, views: 10, last_updated: 'x' });
  const { items, next_cursor } = await feed.read('u', top);
  assert.deepEqual(items[0], {
    content_id: 's',
    author: 'star',
    created_at: '2026-05-27T14:00:01.000Z',
    score: Math.log2(8) + (AT / 1000 + 1) / 43_200,
    engagement: { likes: 4, comments: 1, shares: 0, views: 10 },
  });
  assert.equal(next_cursor, null);
  assert.deepEqual(await feed.read('nobody', top), { items: [], next_cursor: null });
});

test('many celebrities: what is read is what the canonical timeline has', async () => {
  const documents = new Map<string, Document>();
  const authors = Array.from({ length: 150 }, (_, n) => `star_${n}`);
  documents.set('celebrities', Object.fromEntries(authors.map((author) => [author, 'yes'])));
  documents.set('following/u', Object.fromEntries(authors.map((author) => [author, new Date(AT).toISOString()])));
  for (const [n, author] of authors.entries()) {
    const posts = Array.from({ length: 20 }, (_, k) => {
      const time = new Date(AT + ((n * 7_919 + k * 104_729) % 10_007) * 1000).toISOString();
      return [`${author}_${k}`, `${time} ${author}`];
    });
    documents.set(`posts/${author}`, Object.fromEntries(posts));
  }
  const { state } = reader(documents);
  const feed = new FeedReader(state);
  const read: string[] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = await feed.read('u', { limit: 100, after: cursor === undefined ? null : rankOf(cursor) });
    read.push(...ids(page));
    cursor = page.next_cursor;
  }
  assert.equal(read.length, 500);
  assert.deepEqual([...read].sort(), Object.keys(canonicalFeed(documents).get('timeline/u')!).sort());
});

test('hidden content is left out and pages stay full; restored content comes back', async () => {
  const events = [follow('u', 'a'), ...Array.from({ length: 300 }, (_, n) => post('a', `p_${n}`, n))];
  const { state, moderation, asked } = reader(await project(new MemoryStore(), events, [], projectFeed));
  const feed = new FeedReader(state);
  const hidden = { hidden: 1, latest: '2026-05-27T15:00:00.000Z 1 hidden spam' };
  for (let n = 1; n < 299; n++) moderation.set(`p_${n}`, hidden);
  asked.length = 0;
  assert.deepEqual(ids(await feed.read('u', { limit: 2, after: null })), ['p_299', 'p_0']);
  assert.ok(asked.length <= 8, `${asked.length} round trips`);
  moderation.set('p_7', { hidden: 1, restored: 1, latest: '2026-05-27T16:00:00.000Z 0 restored ' });
  const whole = await feed.read('u', { limit: 3, after: null });
  assert.deepEqual([ids(whole), whole.next_cursor], [['p_299', 'p_7', 'p_0'], null]);
  const first = await feed.read('u', { limit: 2, after: null });
  assert.deepEqual(ids(first), ['p_299', 'p_7']);
  const second = await feed.read('u', { limit: 2, after: rankOf(first.next_cursor!) });
  assert.deepEqual([ids(second), second.next_cursor], [['p_0'], null]);
});

test('celebrities and their posts are at most a second old, or as old as the call that asks for fresh ones', async () => {
  const documents = new Map<string, Document>([['following/u', { star: new Date(AT).toISOString() }]]);
  const { state } = reader(documents);
  let nowMs = 0;
  const feed = new FeedReader(state, () => nowMs);
  const publish = (id: string, second: number) =>
    documents.set('posts/star', {
      ...documents.get('posts/star'),
      [id]: `${new Date(AT + second * 1000).toISOString()} star`,
    });
  assert.deepEqual(ids(await feed.read('u', top)), []);
  documents.set('celebrities', { star: 'yes' });
  publish('p_1', 1);
  nowMs = 1_000;
  assert.deepEqual(ids(await feed.read('u', top)), []);
  nowMs = 1_001;
  assert.deepEqual(ids(await feed.read('u', top)), ['p_1']);
  publish('p_2', 2);
  assert.deepEqual(ids(await feed.read('u', top)), ['p_1']);
  assert.deepEqual(ids(await feed.read('u', { ...top, fresh: true })), ['p_2', 'p_1']);
  publish('p_3', 3);
  nowMs = 2_002;
  assert.deepEqual(ids(await feed.read('u', top)), ['p_3', 'p_2', 'p_1']);
});
