/** What an edited copy would meet: the codec is tested over HTTP (test/api/failures.test.ts), here the handlers behind it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ShownDeadLetter } from '../../src/kit/dlq/dead-letter-queue.ts';
import { partitionFor } from '../../src/kit/log/partitioner.ts';
import { checkLetter } from '../../src/pipelines/letter-check.ts';
import type { Projection } from '../../src/pipelines/projection.ts';

const TOPIC = 'content-interactions';
const VALUE = Buffer.from('{"event_type":"post_liked","user_id":"u_1","content_id":"post_1"}');
const LETTER: ShownDeadLetter = {
  id: `g/${TOPIC}/0/7`,
  fingerprint: '0123456789abcdef',
  group: 'g',
  topic: TOPIC,
  partition: 0,
  offset: 7,
  key: 'post_1',
  code: 'NOT_JSON',
  reason: 'the value is not JSON',
  deliveryCount: 1,
  firstFailedAt: '2026-05-27T14:00:00.000Z',
  replayCount: 0,
  replayed: false,
  valueBytes: 1,
  capturedAt: Date.UTC(2026, 4, 27),
  at: { topic: `${TOPIC}.dlq`, partition: 0, offset: 3 },
  original: { key: Buffer.from('post_1'), value: Buffer.from('x'), headers: [] },
};

function handler(name: Projection['name'], project: Projection['project'], topics = [TOPIC]): Projection {
  return { name, group: name, topics, store: undefined as never, project, folded: null };
}

test('handlers that read the topic are asked, and what they would not take is told', () => {
  const handlers = [
    handler('engagement', () => [{ key: 'post_1', add: { likes: 1 } }]),
    handler('analytics', () => [{ key: 'post_1', add: { likes: 0.5 } }]),
    handler('notifications', () => {
      throw new TypeError('no such field');
    }),
    handler('sessions', () => [], ['system-events']),
  ];
  const check = checkLetter(LETTER, { value: VALUE }, handlers, 6);
  assert.deepEqual([check.valid, check.code, check.errors], [false, null, []]);
  assert.deepEqual(check.handlers, ['engagement', 'analytics', 'notifications']);
  assert.deepEqual(
    check.refusals.map((refusal) => [refusal.handler, refusal.code]),
    [
      ['analytics', 'INVALID_DELTA'],
      ['notifications', 'HANDLER_FAILED'],
    ],
  );
  assert.equal(checkLetter(LETTER, { value: VALUE }, handlers.slice(0, 1), 6).valid, true);
});

test('an event without an id has that of its first place, as a replay of it has; another key is another partition', () => {
  const check = checkLetter(LETTER, { value: VALUE }, [], 6);
  assert.equal(check.event?.event_id, `${TOPIC}/0/7`);
  assert.equal(check.partition, 0);
  const moved = { value: Buffer.from(String(VALUE).replace('post_1', 'post_2')), key: 'post_2' };
  assert.equal(checkLetter(LETTER, moved, [], 6).partition, partitionFor('post_2', 6));
});
