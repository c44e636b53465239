/** The stream's part of the AsyncAPI document. */
import type { AsyncApiDocument } from '../domains/social/asyncapi.ts';
import type { JsonSchema } from '../domains/social/json-schemas.ts';
import { plainJsonSchema } from '../kit/schemas/contract.ts';
import { BrowsedRecord } from './browsed-record.ts';
import { Mark, Point, Sample } from './pulse-sample.ts';
import { ClientMessages, SUBPROTOCOL } from './stream-protocol.ts';

const TEXT = { type: 'string' };
const COUNT = { type: 'integer', minimum: 0 };
const SUBSCRIPTION = { ...TEXT, description: 'The id that `subscribe` gave it.' };
const POSITION = { ...TEXT, description: 'Where to go on once this is processed: the `from` of a later `subscribe`.' };
const ITEM = {
  type: 'object',
  required: ['topic', 'partition', 'offset'],
  properties: {
    topic: TEXT,
    partition: COUNT,
    offset: COUNT,
    event: { type: 'object', description: 'As `POST /api/v1/events` takes it, with all that was filled in.' },
    unreadable: {
      type: 'object',
      description: 'In place of `event`: why the record is none.',
      properties: { code: TEXT, reason: TEXT },
    },
  },
};
const NOTICE = {
  type: 'object',
  properties: { id: TEXT, user_id: TEXT, kind: TEXT, content_id: { type: ['string', 'null'] }, actor: TEXT, at: TEXT },
};

/** What the server says. */
const SERVER_MESSAGES: Readonly<Record<string, JsonSchema>> = {
  subscribed: message('subscribed', { subscription: SUBSCRIPTION, position: POSITION }, ['subscription']),
  events: message('events', {
    subscription: SUBSCRIPTION,
    position: POSITION,
    events: { type: 'array', minItems: 1, items: ITEM },
  }),
  'caught-up': message('caught-up', { subscription: SUBSCRIPTION, position: POSITION }),
  position: message('position', { subscription: SUBSCRIPTION, position: POSITION }),
  notifications: message('notifications', {
    subscription: SUBSCRIPTION,
    notifications: { type: 'array', items: NOTICE },
    missed: COUNT,
  }),
  pulse: message(
    'pulse',
    {
      subscription: SUBSCRIPTION,
      history: {
        type: 'array',
        description: 'In the first one: the last ten minutes, oldest first.',
        items: plainJsonSchema(Point),
      },
      sample: plainJsonSchema(Sample),
      marks: { type: 'array', description: 'New since the one before, oldest first.', items: plainJsonSchema(Mark) },
    },
    ['subscription', 'sample', 'marks'],
  ),
  tail: message('tail', {
    subscription: SUBSCRIPTION,
    seen: { ...COUNT, description: 'Records since the one before.' },
    matched: { ...COUNT, description: 'Of those, the ones that fit.' },
    skipped: { ...COUNT, description: 'Of those, the ones that are not among `records`.' },
    records: { type: 'array', description: 'Newest last.', items: plainJsonSchema(BrowsedRecord) },
  }),
  unsubscribed: message('unsubscribed', { subscription: SUBSCRIPTION }),
  error: message(
    'error',
    {
      subscription: SUBSCRIPTION,
      ended: { type: 'boolean', description: 'Whether the subscription is over.' },
      code: TEXT,
      message: TEXT,
      retriable: { type: 'boolean' },
      details: { type: 'object' },
    },
    ['code', 'message', 'retriable', 'details'],
  ),
  pong: message('pong', {}),
};

function message(type: string, properties: Readonly<Record<string, JsonSchema>>, required = Object.keys(properties)) {
  return {
    type: 'object',
    required: ['type', ...required],
    properties: { type: { const: type }, ...properties },
  };
}

/** Its messages are the channel's own: the components are those of the log. */
export function withStream(document: AsyncApiDocument): AsyncApiDocument {
  const said = Object.entries(ClientMessages).map(([name, schema]) => [name, plainJsonSchema(schema)] as const);
  const told = Object.entries(SERVER_MESSAGES);
  const operation = (action: string, names: readonly string[]) => ({
    action,
    channel: { $ref: '#/channels/stream' },
    messages: names.map((name) => ({ $ref: `#/channels/stream/messages/${name}` })),
  });
  return {
    ...document,
    channels: {
      ...document.channels,
      stream: {
        address: '/api/v1/stream',
        description: `A WebSocket with the subprotocol ${SUBPROTOCOL}; one message a text frame.`,
        messages: Object.fromEntries(
          [...said, ...told].map(([name, payload]) => [name, { name, contentType: 'application/json', payload }]),
        ),
        bindings: { ws: { method: 'GET', bindingVersion: '0.1.0' } },
      },
    },
    operations: {
      ...document.operations,
      receive_stream: operation(
        'receive',
        said.map(([name]) => name),
      ),
      send_stream: operation(
        'send',
        told.map(([name]) => name),
      ),
    },
  };
}
