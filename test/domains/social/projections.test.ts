import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { projectActivity } from '../../../src/domains/social/activity.ts';
import { project } from '../../../src/domains/social/engagement.ts';
import { isContentInteraction } from '../../../src/domains/social/events.ts';
import { socialEvent } from './arbitraries.ts';

it('one event is one delta of one projection', () => {
  fc.assert(
    fc.property(socialEvent, (event) => {
      const deltas = [...project(event), ...projectActivity(event)];
      assert.equal(deltas.length, 1);
      const [delta] = deltas;
      assert.equal(delta?.key, isContentInteraction(event) ? event.content_id : event.event_type);
      assert.deepEqual(Object.values(delta?.add ?? {}), [1]);
      assert.match(Object.values(delta?.max ?? {}).join(), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    }),
  );
});

it('each interaction has its counter', () => {
  const common = { event_id: 'e', user_id: 'u', content_id: 'c', timestamp: '2026-05-27T16:00:00+02:00' };
  const metadata = { source: '/s', schema_version: '1' };
  const counters = (['post_liked', 'content_shared', 'comment_added', 'story_viewed'] as const).map(
    (event_type) => project({ ...common, event_type, data: {}, metadata })[0],
  );
  const max = { last_updated: '2026-05-27T14:00:00.000Z' };
  assert.deepEqual(
    counters,
    ['likes', 'shares', 'comments', 'views'].map((name) => ({ key: 'c', add: { [name]: 1 }, max })),
  );
});
