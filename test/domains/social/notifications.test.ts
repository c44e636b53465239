import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { SocialEvent } from '../../../src/domains/social/events.ts';
import { settingsOf } from '../../../src/domains/social/notification-settings.ts';
import { projectNotifications } from '../../../src/domains/social/notifications.ts';
import type { Document } from '../../../src/kit/projections/projection-store.ts';
import { MemoryStore } from '../../support/memory-store.ts';
import { socialEvent } from './arbitraries.ts';
import { foldNotifications } from './folds/notifications.ts';
import { project, STORES, turns } from './interleavings.ts';
import { at, follow, profile, reaction } from './notification-events.ts';

// a content has four authors at most; names that JavaScript and byte order have opinions on
const author = fc.constantFrom('a', 'bb', '7', '__proto__');
const user = fc.oneof(author, fc.constantFrom('ccc', 'dddd', '\u{1F600}', '\uFFEE', 'like x'));
const content = fc.constantFrom('p1', 'p 2', '10', '__proto__');
const minute = fc.nat({ max: 9 });
const settings = fc.oneof(
  minute.map((m) => ({ notifications_read_until: at(m) })),
  fc.dictionary(fc.constantFrom('like', 'comment', 'share', 'follow'), fc.boolean()).map((given) => ({
    notification_preferences: given,
  })),
  fc.constantFrom<Record<string, unknown>>(
    { notifications_read_until: 'soon' },
    { notifications_read_until: 7, notification_preferences: ['like'] },
    { notification_preferences: { like: 'no' } },
    { notification_preferences: null },
    { fields: ['bio'] },
  ),
);
const event = fc.oneof(
  fc.tuple(fc.constant('post_created' as const), author, content, minute).map((args) => reaction(...args)),
  fc
    .tuple(fc.constantFrom('post_liked', 'comment_added', 'content_shared', 'story_viewed'), user, content, minute)
    .map((args) => reaction(...args)),
  fc.tuple(user, user, minute).map((args) => follow(...args)),
  fc.tuple(user, settings, minute).map((args) => profile(...args)),
);

function sorted(documents: ReadonlyMap<string, Document>): unknown {
  return [...documents]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, document]) => [key, Object.entries(document).sort()]);
}

for (const [name, open] of Object.entries(STORES)) {
  it(`every order of the partitions gives the documents of an independent fold (${name})`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 60, size: 'max' }), turns, async (events, order) => {
        await using store = await open();
        const documents = await project(store, events, order, projectNotifications);
        assert.deepEqual(sorted(documents), sorted(foldNotifications(events)));
      }),
      { numRuns: name === 'memory' ? 200 : 20 },
    );
  });
}

describe('documents are bounded', () => {
  it('to the last 100 actors and the last 500 entries of an inbox', async () => {
    const events = [
      ...Array.from({ length: 600 }, (_, i) => reaction('post_created', 'ann', `p${i}`, 0)),
      ...Array.from({ length: 600 }, (_, i) => reaction('post_liked', 'bob', `p${i}`, i)),
      ...Array.from({ length: 150 }, (_, i) => reaction('post_liked', `u${i}`, 'p7', i)),
    ];
    const documents = await project(new MemoryStore(), events, [], projectNotifications);
    const inbox = Object.keys(documents.get('inbox/ann')!);
    assert.equal(inbox.length, 500);
    assert.ok(inbox.includes('like p599') && inbox.includes('like p7') && !inbox.includes('like p6'));
    const who = Object.keys(documents.get('who/like p7')!);
    assert.equal(who.length, 100);
    assert.ok(who.includes('u149') && !who.includes('u49'));
    assert.deepEqual(sorted(documents), sorted(foldNotifications(events)));
  });

  it('and a store takes what any event gives', async () => {
    await fc.assert(
      fc.asyncProperty(socialEvent, async (one) => {
        await project(new MemoryStore(), [one], [], projectNotifications);
      }),
    );
  });
});

describe('settings', () => {
  const after = async (...events: readonly SocialEvent[]) => {
    const documents = await project(new MemoryStore(), events, [], projectNotifications);
    return settingsOf(documents.get('settings/ann') ?? null);
  };
  const all = { like: true, comment: true, share: true, follow: true };

  it('are all on, and nothing is read, until somebody says so', async () => {
    assert.deepEqual(await after(), { readUntil: null, preferences: all });
  });

  it('are those given last, whatever comes last', async () => {
    const later = profile('ann', { notification_preferences: { like: false } }, 5);
    const earlier = profile('ann', { notification_preferences: { share: false } }, 4);
    assert.deepEqual((await after(later, earlier)).preferences, { ...all, like: false });
  });

  it('can be all off', async () => {
    const off = { like: false, comment: false, share: false, follow: false };
    assert.deepEqual((await after(profile('ann', { notification_preferences: off }, 1))).preferences, off);
  });

  it('say what is read, which never goes back, nor beyond the time it was said', async () => {
    const read = (until: string, minute: number) => profile('ann', { notifications_read_until: until }, minute);
    assert.equal((await after(read(at(3), 5), read(at(2), 6))).readUntil, at(3));
    assert.equal((await after(read('9999-12-31T23:59:59Z', 5))).readUntil, at(5));
    assert.equal((await after(read('2026-05-27T16:03:00+02:00', 5))).readUntil, at(3));
  });
});
