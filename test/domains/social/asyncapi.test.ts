import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { asyncApiDocument } from '../../../src/domains/social/asyncapi.ts';
import { EVENT_TYPES } from '../../../src/domains/social/events.ts';
import { anyEventInputSchema, eventInputSchema } from '../../../src/domains/social/json-schemas.ts';

const document = asyncApiDocument({
  version: '1.2.3',
  bootstrap: '127.0.0.1:9092',
  preset: 'curriculum',
  replicationFactor: 3,
});

function references(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, part]) => (name === '$ref' ? [String(part)] : references(part)));
}
function resolve(reference: string): unknown {
  return reference
    .replace('#/', '')
    .split('/')
    .reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], document);
}

describe('AsyncAPI document', () => {
  it('is plain JSON of version 3.1.0 whose references all resolve', () => {
    assert.equal(document.asyncapi, '3.1.0');
    assert.deepEqual(JSON.parse(JSON.stringify(document)), document);
    assert.doesNotMatch(JSON.stringify(document), /"~/);
    const all = references(document);
    assert.ok(all.length >= 30);
    for (const reference of all) assert.notEqual(resolve(reference), undefined, reference);
  });

  it('has what the specification requires of each object', () => {
    assert.deepEqual([document.info.title, document.info.version], ['StreamSocial event log', '1.2.3']);
    assert.deepEqual(document.servers, { log: { host: '127.0.0.1:9092', protocol: 'kafka' } });
    for (const [name, operation] of Object.entries(document.operations)) {
      assert.ok(operation.action === 'send' || operation.action === 'receive');
      const channel = references(operation.channel ? { $: operation.channel } : {})[0];
      // "the messages MUST be a subset of the messages of the channel, by reference into it"
      for (const message of references(operation.messages)) assert.ok(message.startsWith(`${channel}/messages/`), name);
    }
  });

  it('has a channel per topic and a message per type, in exactly one channel', () => {
    const channels = Object.values(document.channels);
    assert.deepEqual(
      channels.map(({ address, bindings }) => [
        address,
        (bindings as { kafka: Record<string, unknown> }).kafka.partitions,
      ]),
      [
        ['user-actions', 1000],
        ['content-interactions', 500],
        ['system-events', 3],
      ],
    );
    assert.deepEqual(
      channels.flatMap(({ messages }) => Object.keys(messages as object)).sort(),
      [...EVENT_TYPES].sort(),
    );
    assert.deepEqual(Object.keys(document.components.messages).sort(), [...EVENT_TYPES].sort());
  });

  it('names no server when it knows none', () => assert.ok(!('servers' in asyncApiDocument({ version: '1' }))));
});

describe('input schemas', () => {
  it('require only what cannot be filled in', () => {
    assert.deepEqual(eventInputSchema('post_liked').required.toSorted(), ['content_id', 'event_type', 'user_id']);
    assert.deepEqual(eventInputSchema('follow_initiated').required.toSorted(), ['data', 'event_type', 'user_id']);
    assert.equal((anyEventInputSchema().oneOf as unknown[]).length, 10);
  });
});
