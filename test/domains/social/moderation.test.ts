import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import type { SocialEvent } from '../../../src/domains/social/events.ts';
import {
  isHidden,
  type ModerationAction,
  moderationOf,
  projectModeration,
} from '../../../src/domains/social/moderation.ts';
import { MemoryStore } from '../../support/memory-store.ts';
import { socialEvent } from './arbitraries.ts';
import { foldModeration } from './folds/moderation.ts';
import { project, STORES, turns } from './interleavings.ts';

function moderated(action: ModerationAction, minute: number, reason?: string, content_id = 'c'): SocialEvent {
  return {
    event_id: 'e',
    event_type: 'content_moderated',
    user_id: 'moderator',
    content_id,
    timestamp: new Date(Date.UTC(2026, 4, 27, 14, minute)).toISOString(),
    data: reason === undefined ? { action } : { action, reason },
    metadata: { source: '/s', schema_version: '1' },
  };
}

async function after(...events: SocialEvent[]) {
  return (await project(new MemoryStore(), events, [], projectModeration)).get('c') ?? null;
}

it('hidden and removed content is hidden, until it is restored', async () => {
  assert.equal(isHidden(null), false);
  assert.equal(isHidden(await after(moderated('hidden', 1))), true);
  assert.equal(isHidden(await after(moderated('removed', 1))), true);
  assert.equal(isHidden(await after(moderated('restored', 1))), false);
  assert.equal(isHidden(await after(moderated('hidden', 1), moderated('restored', 2))), false);
  assert.equal(isHidden(await after(moderated('hidden', 1), moderated('restored', 2), moderated('removed', 3))), true);
});

it('the later event time wins, whichever comes first; of one millisecond the strictest', async () => {
  assert.equal(isHidden(await after(moderated('restored', 2), moderated('hidden', 1))), false);
  for (const actions of [
    ['restored', 'hidden', 'removed'],
    ['removed', 'restored', 'hidden'],
  ] as const) {
    const document = await after(...actions.map((action) => moderated(action, 1)));
    assert.equal(moderationOf(document)?.action, 'removed');
  }
});

it('tells what holds, why, since when, and how often what was done', async () => {
  const document = await after(
    moderated('hidden', 1, 'spam'),
    moderated('hidden', 3, 'two\nlines 1 restored'),
    moderated('restored', 2),
  );
  assert.deepEqual(moderationOf(document), {
    action: 'hidden',
    hidden_from_feeds: true,
    reason: 'two\nlines 1 restored',
    since: '2026-05-27T14:03:00.000Z',
    actions: { hidden: 2, removed: 0, restored: 1 },
  });
  assert.equal(moderationOf(null), null);
});

it('a reason of any length and any characters can be kept', async () => {
  const document = await after(moderated('removed', 1, `${'x'.repeat(199)}😀${'\ud800'.repeat(9_000)}`));
  assert.equal(moderationOf(document)?.reason, `${'x'.repeat(199)}\ufffd`);
});

const event = fc
  .tuple(
    fc.constantFrom<ModerationAction>('hidden', 'removed', 'restored'),
    fc.nat({ max: 5 }),
    fc.option(fc.string({ unit: 'binary', maxLength: 4 }), { nil: undefined }),
    fc.constantFrom('c', 'dd', 'eee'),
  )
  .map((args) => moderated(...args));

for (const [name, open] of Object.entries(STORES)) {
  it(`is what an independent fold says, in every order of the partitions (${name})`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(event, socialEvent), { maxLength: 40, size: 'max' }),
        turns,
        async (events, order) => {
          await using store = await open();
          assert.deepEqual(await project(store, events, order, projectModeration), foldModeration(events));
        },
      ),
      { numRuns: name === 'memory' ? 100 : 10 },
    );
  });
}
