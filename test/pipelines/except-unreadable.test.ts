import assert from 'node:assert/strict';
import { test } from 'node:test';
import { socialEventCodec } from '../../src/domains/social/codec.ts';
import type { DeadLetter } from '../../src/kit/dlq/dead-letter.ts';
import type { LogRecord } from '../../src/kit/log/event-log.ts';
import { exceptUnreadable } from '../../src/pipelines/except-unreadable.ts';

const place = { topic: 'content-interactions', partition: 0, timestamp: 1 };

function readable(offset: number): LogRecord {
  const event = socialEventCodec.accept(
    { event_type: 'post_liked', user_id: 'u_1', content_id: 'c_1', timestamp: '2026-01-01T00:00:00Z' },
    { now: Date.parse('2026-01-02T00:00:00Z'), newId: () => `id-${offset}` },
  );
  const { key, value, headers } = socialEventCodec.encode(event);
  return { ...place, offset, key: Buffer.from(key), value, headers };
}

const unreadable: LogRecord = { ...place, offset: 1, key: Buffer.from('c_1'), value: Buffer.from('{'), headers: [] };

test('what nobody can read is left to the group that reports it, what a handler gives up is captured', async () => {
  const captured: number[] = [];
  const prepared: (readonly string[])[] = [];
  const sink = exceptUnreadable({
    prepare: async (topics) => void prepared.push(topics),
    capture: async (letters) => void captured.push(...letters.map(({ record }) => record.offset)),
  });
  const letter = (record: LogRecord): DeadLetter => {
    return { record, group: 'g', code: 'X', reason: 'x', deliveryCount: 1, firstFailedAt: 1 };
  };
  await sink.prepare(['content-interactions']);
  await sink.capture([letter(readable(0)), letter(unreadable), letter(readable(2))]);
  await sink.capture([letter(unreadable)]);
  assert.deepEqual([prepared, captured], [[['content-interactions']], [0, 2]]);
});
