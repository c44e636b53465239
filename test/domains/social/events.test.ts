import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import Type from 'typebox';
import { CATEGORIES, DEFINITIONS, EVENT_SCHEMAS, EVENT_TYPES } from '../../../src/domains/social/events.ts';
import { taxonomy, validateTenCoreEvents } from '../../../src/domains/social/taxonomy.ts';
import { socialTopicSpecs } from '../../../src/domains/social/topics.ts';
import { isKitError } from '../../../src/kit/errors.ts';

function reasonsOf(check: () => void): string[] {
  try {
    check();
  } catch (error) {
    assert.ok(isKitError(error, 'TAXONOMY_INVALID'));
    return error.details.reasons as string[];
  }
  return [];
}

describe('validateTenCoreEvents', () => {
  it('passes the contract as it is', () => validateTenCoreEvents());

  it('names every reason', () => {
    const { post_liked, ...nine } = EVENT_SCHEMAS;
    const reasons = reasonsOf(() =>
      validateTenCoreEvents(
        { ...nine, user_registered: Type.Object({ event_type: Type.Literal('other') }) },
        { ...CATEGORIES, system_event: { topic: 'user-actions', key: 'user_id', types: ['content_moderated'] } },
      ),
    );
    for (const expected of [
      'there are 9 event types, not 10',
      'topics are shared between categories: user-actions, content-interactions, user-actions',
      'content_interaction: post_liked has no schema',
      'session_expired is in 0 categories, not 1',
      'user_registered: its schema is for "other"',
      'user_registered: unknown fields beside data are not refused',
      'user_registered: unknown fields inside data are not kept',
      'user_registered: event_id is not required',
    ]) {
      assert.ok(reasons.includes(expected), `${expected}\nnot in\n${reasons.join('\n')}`);
    }
  });

  it('finds a type that is keyed by a content id it does not have', () => {
    const { content_interaction, ...others } = CATEGORIES;
    const types = [...content_interaction.types, 'session_expired'] as const;
    const reasons = reasonsOf(() =>
      validateTenCoreEvents(EVENT_SCHEMAS, { ...others, content_interaction: { ...content_interaction, types } }),
    );
    assert.deepEqual(reasons, [
      'content_interaction: session_expired is keyed by content_id but does not require it',
      'session_expired is in 2 categories, not 1',
    ]);
  });
});

it('the taxonomy is ten types in three categories', () => {
  const { event_types, categories } = taxonomy();
  assert.equal(event_types, 10);
  assert.deepEqual(
    Object.values(categories).map(({ topic, key, types }) => [topic, key, types.length]),
    [
      ['user-actions', 'user_id', 4],
      ['content-interactions', 'content_id', 4],
      ['system-events', 'subject', 2],
    ],
  );
  assert.deepEqual([...DEFINITIONS.keys()].sort(), [...EVENT_TYPES].sort());
});

it('topics have the partitions of their preset', () => {
  const partitions = (preset: 'local' | 'curriculum') => socialTopicSpecs(preset, 3).map((spec) => spec.partitions);
  assert.deepEqual(partitions('local'), [12, 6, 3]);
  assert.deepEqual(partitions('curriculum'), [1000, 500, 3]);
  const [spec] = socialTopicSpecs('local', 3);
  assert.equal(spec?.replicationFactor, 3);
  assert.equal(spec?.config?.['min.insync.replicas'], '2');
});
