import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import type { SocialEvent } from '../../../src/domains/social/events.ts';
import { projectSessions } from '../../../src/domains/social/sessions.ts';
import { MemoryStore } from '../../support/memory-store.ts';
import { socialEvent } from './arbitraries.ts';
import { foldSessions } from './folds/sessions.ts';
import { project, STORES, turns } from './interleavings.ts';

function expired(user_id: string, minute: number, reason?: string): SocialEvent {
  return {
    event_id: 'e',
    event_type: 'session_expired',
    user_id,
    timestamp: new Date(Date.UTC(2026, 4, 27, 14, minute)).toISOString(),
    data: reason === undefined ? {} : { reason },
    metadata: { source: '/s', schema_version: '1' },
  };
}

it('counts, and keeps when and why the last one expired, by event time', async () => {
  const events = [expired('u', 1, 'idle'), expired('u', 3, 'signed out'), expired('u', 2), expired('v', 1)];
  assert.deepEqual(
    [...(await project(new MemoryStore(), events, [], projectSessions))],
    [
      [
        'u',
        {
          expired: 3,
          last_expired_at: '2026-05-27T14:03:00.000Z',
          last_reason: '2026-05-27T14:03:00.000Z signed out',
        },
      ],
      ['v', { expired: 1, last_expired_at: '2026-05-27T14:01:00.000Z', last_reason: '2026-05-27T14:01:00.000Z ' }],
    ],
  );
});

const event = fc
  .tuple(
    fc.constantFrom('u', 'vv', 'www'),
    fc.nat({ max: 5 }),
    fc.option(fc.oneof(fc.string({ unit: 'binary', maxLength: 4 }), fc.constant('\ud800'.repeat(300))), {
      nil: undefined,
    }),
  )
  .map((args) => expired(...args));

for (const [name, open] of Object.entries(STORES)) {
  it(`is what an independent fold says, in every order of the partitions (${name})`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(event, socialEvent), { maxLength: 40, size: 'max' }),
        turns,
        async (events, order) => {
          await using store = await open();
          assert.deepEqual(await project(store, events, order, projectSessions), foldSessions(events));
        },
      ),
      { numRuns: name === 'memory' ? 100 : 10 },
    );
  });
}
