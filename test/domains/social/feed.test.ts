import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import fc from 'fast-check';
import type { SocialEvent } from '../../../src/domains/social/events.ts';
import { FEED_LIMITS, feedDeltas, projectFeed } from '../../../src/domains/social/feed.ts';
import { canonicalFeed, newestFirst, newestOf, postOf } from '../../../src/domains/social/feed-candidates.ts';
import type { Document, ProjectionStore } from '../../../src/kit/projections/projection-store.ts';
import { RedisProjectionStore } from '../../../src/kit/projections/redis/redis-store.ts';
import { MemoryStore } from '../../support/memory-store.ts';
import { startRedis } from '../../support/redis.ts';
import { socialEvent } from './arbitraries.ts';
import { foldFeed } from './folds/feed.ts';
import { project, STORES, type Turn, turns } from './interleavings.ts';

const metadata = { source: '/s', schema_version: '1' };
const at = (minute: number): string => new Date(Date.UTC(2026, 4, 27, 14, minute)).toISOString();

function post(user_id: string, content_id: string, minute: number): SocialEvent {
  return { event_id: 'e', event_type: 'post_created', user_id, content_id, timestamp: at(minute), data: {}, metadata };
}

function follow(user_id: string, target_user_id: string, minute = 0): SocialEvent {
  const data = { target_user_id };
  return { event_id: 'e', event_type: 'follow_initiated', user_id, timestamp: at(minute), data, metadata };
}

const LIMITS = { fanOut: 2, posts: 3, following: 10, celebrities: 10 };
// of several lengths, so that they are in different partitions; names that JavaScript and byte order have opinions on
const user = fc.constantFrom('a', 'b', 'c', 'dd', 'ee', 'fff', '7', '__proto__', '\u{1F600}', '\uFFEE');
const minute = fc.nat({ max: 9 });
const event = fc.oneof(
  fc.tuple(user, fc.constantFrom('p1', 'p2', 'p3', 'p4', '10', '9', '__proto__'), minute).map((args) => post(...args)),
  fc.tuple(user, user, minute).map((args) => follow(...args)),
);
const deltas = (one: SocialEvent) => feedDeltas(one, LIMITS);

function sorted(documents: ReadonlyMap<string, Document>): unknown {
  return [...documents]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, document]) => [key, Object.entries(document).sort()]);
}

async function timelineAfter(events: readonly SocialEvent[], order: readonly Turn[] = []): Promise<string[]> {
  const documents = await project(new MemoryStore(), events, order, deltas);
  return Object.keys(canonicalFeed(documents, LIMITS).get('timeline/u') ?? {}).sort();
}

async function assertSameFeeds(open: () => Promise<ProjectionStore & AsyncDisposable>, numRuns: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 60, size: 'max' }), turns, async (events, order) => {
      await using store = await open();
      const documents = await project(store, events, order, deltas);
      assert.deepEqual(sorted(canonicalFeed(documents, LIMITS)), sorted(foldFeed(events, LIMITS)));
    }),
    { numRuns },
  );
}

describe('every order of the partitions gives the same feeds, those of an independent fold', () => {
  it('in memory', () => assertSameFeeds(STORES.memory, 500));
  it('in SQLite', () => assertSameFeeds(STORES.SQLite, 25));
  it('in Redis', async (t) => {
    const server = await startRedis(t as TestContext);
    if (server === undefined) return;
    const { host, port } = server;
    let runs = 0;
    await assertSameFeeds(async () => {
      const store = await RedisProjectionStore.open({ host, port, name: `feed-${runs++}` });
      return Object.assign(store, { [Symbol.asyncDispose]: () => store.close() });
    }, 50);
  });
});

describe("a post comes to its author's followers", () => {
  it('whichever of post and follow is first', async () => {
    assert.deepEqual(await timelineAfter([post('a', 'p', 1), follow('u', 'a')]), ['p']);
    assert.deepEqual(await timelineAfter([follow('u', 'a'), post('a', 'p', 1)]), ['p']);
  });

  it('not to others, nor to the author', async () => {
    assert.deepEqual(
      await timelineAfter([post('b', 'p', 1), follow('a', 'b'), follow('u', 'u'), post('u', 'q', 1)]),
      [],
    );
  });

  it('also when others make the author a celebrity in between', async () => {
    const crowd = [follow('v', 'a'), follow('w', 'a'), follow('x', 'a')];
    const mine = [follow('u', 'a'), post('a', 'p1', 1)];
    for (const events of [
      [...mine, ...crowd, post('a', 'p2', 2)],
      [...crowd, ...mine, post('a', 'p2', 2)],
    ])
      assert.deepEqual(await timelineAfter(events), ['p1', 'p2']);
  });

  it('of a celebrity is not copied', async () => {
    const crowd = ['u', 'v', 'w'].map((one) => follow(one, 'a'));
    const documents = await project(new MemoryStore(), [...crowd, post('a', 'p', 1)], [], deltas);
    assert.deepEqual([documents.has('timeline/u'), documents.get('celebrities')], [false, { a: 'yes' }]);
  });
});

it('documents are bounded', () => {
  assert.deepEqual(FEED_LIMITS, { fanOut: 1_000, posts: 500, following: 5_000, celebrities: 10_000 });
  const keeps = [follow('u', 'a'), post('a', 'p', 1)].flatMap(projectFeed).map(({ key, keep }) => [key, keep]);
  assert.deepEqual(keeps, [
    ['followers/a', 1_001],
    ['following/u', 5_000],
    ['timeline/u', 500],
    ['celebrities', 10_000],
    ['posts/a', 500],
    ['timeline/', 500],
  ]);
});

it('only posts and follows of others change anything, and a store takes whatever they are', async () => {
  await fc.assert(
    fc.asyncProperty(socialEvent, async (one) => {
      const made = projectFeed(one);
      if (one.event_type !== 'post_created' && one.event_type !== 'follow_initiated') assert.deepEqual(made, []);
      await project(new MemoryStore(), [one], [], projectFeed);
    }),
  );
});

it('the newest of several lists are those of all of them sorted', () => {
  const list = fc
    .dictionary(
      fc.constantFrom(...'abcdefghijklmnop'),
      fc.tuple(minute, user).map(([m, u]) => `${at(m)} ${u}`),
      { maxKeys: 16, size: 'max' },
    )
    .map(newestFirst);
  fc.assert(
    fc.property(fc.array(list, { maxLength: 12, size: 'max' }), fc.integer({ min: 1, max: 6 }), (lists, keep) => {
      const all = new Map<string, string>();
      for (const [id, value] of lists.flat().reverse())
        if (Buffer.compare(Buffer.from(value), Buffer.from(all.get(id) ?? '')) > 0) all.set(id, value);
      assert.deepEqual(newestOf(lists, keep), newestFirst(Object.fromEntries(all)).slice(0, keep));
    }),
  );
});

it('an entry tells content, author and time', () => {
  const [made] = projectFeed(post('bob the author', 'p', 3));
  const [entry] = newestFirst(made!.max!);
  assert.deepEqual(postOf(entry!), {
    content_id: 'p',
    author: 'bob the author',
    created_at: '2026-05-27T14:03:00.000Z',
  });
});
