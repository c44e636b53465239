import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { SocialEvent } from '../../../src/domains/social/events.ts';
import {
  type Listed,
  listed,
  type Notification,
  pageOf,
  placeOf,
  subjectsIn,
} from '../../../src/domains/social/notification-list.ts';
import { settingsOf } from '../../../src/domains/social/notification-settings.ts';
import { projectNotifications } from '../../../src/domains/social/notifications.ts';
import { isKitError } from '../../../src/kit/errors.ts';
import { MemoryStore } from '../../support/memory-store.ts';
import { project } from './interleavings.ts';
import { at, follow, profile, reaction } from './notification-events.ts';

async function listOf(user: string, events: readonly SocialEvent[]): Promise<Listed[]> {
  const documents = await project(new MemoryStore(), events, [], projectNotifications);
  const subjects = subjectsIn(documents.get(`inbox/${user}`) ?? null);
  const who = new Map(subjects.map((subject) => [subject, documents.get(`who/${subject}`) ?? null]));
  return listed(user, who, settingsOf(documents.get(`settings/${user}`) ?? null));
}

async function shown(user: string, events: readonly SocialEvent[]): Promise<readonly Notification[]> {
  return pageOf(await listOf(user, events), { limit: 100, after: null, unreadOnly: false }).items;
}

async function textsOf(user: string, events: readonly SocialEvent[]): Promise<string[]> {
  return (await shown(user, events)).map(({ text }) => text);
}

const post = reaction('post_created', 'me', 'p');
const likes = (...users: string[]) => users.map((user, minute) => reaction('post_liked', user, 'p', minute));

describe('a notification', () => {
  it('names the last two, and counts the others', async () => {
    assert.deepEqual(await textsOf('me', [post, ...likes('ann')]), ['ann liked your post p']);
    assert.deepEqual(await textsOf('me', [post, ...likes('ann', 'bob')]), ['bob and ann liked your post p']);
    assert.deepEqual(await textsOf('me', [post, ...likes('ann', 'bob', 'cat')]), [
      'cat, bob and 1 other liked your post p',
    ]);
    assert.deepEqual(await textsOf('me', [post, ...likes('ann', 'bob', 'cat', 'dan', 'dan')]), [
      'dan, cat and 2 others liked your post p',
    ]);
  });

  it('says that there are more where not all are kept', async () => {
    const crowd = Array.from({ length: 130 }, (_, i) => `u${i}`);
    const [one] = await shown('me', [post, ...likes(...crowd)]);
    const { text, actors, actor_count, more } = one!;
    assert.equal(text, 'u129, u128 and 98+ others liked your post p');
    assert.deepEqual([actors.length, actor_count, more], [10, 100, true]);
  });

  it('is not made by the user themselves', async () => {
    assert.deepEqual(await textsOf('me', [post, ...likes('me')]), []);
    const [one] = await shown('me', [post, ...likes('ann', 'me')]);
    assert.deepEqual([one?.text, one?.at], ['ann liked your post p', at(0)]);
    assert.deepEqual(await textsOf('me', [follow('me', 'me')]), []);
  });

  it('of every kind, newest first', async () => {
    const events = [
      post,
      reaction('post_liked', 'ann', 'p', 1),
      reaction('comment_added', 'bob', 'p', 4),
      reaction('content_shared', 'cat', 'p', 2),
      reaction('story_viewed', 'dan', 'p', 9),
      follow('eve', 'me', 3),
      reaction('post_liked', 'ann', "somebody else's", 9),
    ];
    assert.deepEqual(await textsOf('me', events), [
      'bob commented on your post p',
      'eve followed you',
      'cat shared your post p',
      'ann liked your post p',
    ]);
    assert.equal((await shown('me', events))[1]!.content_id, null);
  });

  it('is left out where its kind is off, and read up to the time that was said', async () => {
    const events = [post, ...likes('ann'), follow('bob', 'me', 5), follow('cat', 'me', 2)];
    const quiet = profile('me', { notification_preferences: { like: false } }, 9);
    assert.deepEqual(await textsOf('me', [...events, quiet]), ['bob and cat followed you']);
    const read = profile('me', { notifications_read_until: at(4) }, 9);
    const list = await listOf('me', [...events, read]);
    assert.deepEqual(
      list.map(({ unread }) => unread),
      [true, false],
    );
    assert.equal(pageOf(list, { limit: 10, after: null, unreadOnly: true }).items.length, 1);
  });
});

describe('pages', () => {
  const events = fc.array(
    fc
      .tuple(fc.constantFrom('post_liked', 'comment_added'), fc.nat({ max: 30 }), fc.nat({ max: 5 }))
      .map(([type, content, minute]) => reaction(type, 'ann', `p${content}`, minute)),
    { maxLength: 60, size: 'max' },
  );
  const posts = Array.from({ length: 31 }, (_, i) => reaction('post_created', 'me', `p${i}`));

  it('follow one another without gap or repetition', async () => {
    await fc.assert(
      fc.asyncProperty(events, fc.integer({ min: 1, max: 7 }), async (made, limit) => {
        const list = await listOf('me', [...posts, ...made]);
        const seen = [];
        for (let cursor: string | null | undefined; cursor !== null; ) {
          const after = cursor === undefined ? null : placeOf(cursor);
          const page = pageOf(list, { limit, after, unreadOnly: false });
          assert.ok(page.items.length <= limit);
          assert.equal(page.unread_count, list.length);
          seen.push(...page.items);
          cursor = page.next_cursor;
        }
        assert.deepEqual(seen, await shown('me', [...posts, ...made]));
      }),
      { numRuns: 50 },
    );
  });

  it('refuse a cursor that is none', () => {
    for (const cursor of ['', 'x', 'AAAA', Buffer.from('2026-05-27 like p').toString('base64url'), '!!'])
      assert.throws(
        () => placeOf(cursor),
        (error) => isKitError(error, 'INVALID_ARGUMENT'),
      );
  });
});
