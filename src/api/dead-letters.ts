import Type, { type Static } from 'typebox';
import type { DeadLetterEntry } from '../kit/dlq/dead-letter.ts';
import type { DeadLetterQueue, ReplayItem, ReplayRequest } from '../kit/dlq/dead-letter-queue.ts';
import { KitError } from '../kit/errors.ts';
import { ContentJson, contentJson } from './record-json.ts';
import { Count, json, Offset, Partition, problems, Timestamp, TopicName } from './schemas.ts';
import type { Api } from './typed.ts';

/** A record of 1 MiB in base64, and its envelope. */
const MAX_REPAIR_BYTES = 1_500_000;
/** Below the time after which an idle connection is closed. */
const MAX_REPLAY_SECONDS = 100;
const DEFAULT_RATE = 100;

const Id = Type.String({
  minLength: 1,
  maxLength: 600,
  description: 'group/topic/partition/offset of the original.',
  examples: ['streamsocial-engagement/content-interactions/3/1207'],
});
const Code = Type.String({ minLength: 1, maxLength: 100, examples: ['SCHEMA_MISMATCH'] });

const Entry = Type.Object({
  id: Id,
  group: Type.String(),
  topic: TopicName,
  partition: Partition,
  offset: Offset,
  key: Type.Union([Type.String(), Type.Null()], { description: 'As text, cut to 256 characters.' }),
  code: Code,
  reason: Type.String(),
  delivery_count: Count,
  first_failed_at: Timestamp,
  replay_count: Count,
  replayed: Type.Boolean(),
  value_bytes: Count,
});

const ListQuery = Type.Object(
  {
    topic: Type.Optional(TopicName),
    code: Type.Optional(Code),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, description: '100.' })),
    include_replayed: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);
const List = Type.Object({
  entries: Type.Array(Entry, { description: 'Newest first.' }),
  matching: Count,
  older: Type.Integer({ minimum: 0, description: 'Open ones too old to be listed; they are still in their topic.' }),
  depth: Type.Integer({ minimum: 0, description: 'Open ones, of every topic and code.' }),
});

const Replay = Type.Object(
  {
    ids: Type.Optional(Type.Array(Id, { minItems: 1, maxItems: 1_000 })),
    all: Type.Optional(Type.Boolean({ description: 'Every open one.' })),
    topic: Type.Optional(TopicName),
    code: Type.Optional(Code),
    execute: Type.Optional(Type.Boolean({ description: 'Without it nothing is sent: the answer says what would be.' })),
    rate_per_second: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 10_000, description: '100.' })),
    repaired: Type.Optional(
      Type.Object(
        {
          value: Type.Optional(Type.String()),
          encoding: Type.Optional(Type.Enum(['utf-8', 'base64'], { description: 'Of `value`. utf-8.' })),
          key: Type.Optional(Type.String()),
        },
        { additionalProperties: false, description: 'Takes the place of the original; for exactly one id.' },
      ),
    ),
  },
  {
    additionalProperties: false,
    examples: [
      { ids: ['streamsocial-engagement/content-interactions/3/1207'], execute: true, repaired: { value: '{}' } },
    ],
  },
);
const ReplayAnswer = Type.Object({
  executed: Type.Boolean(),
  items: Type.Array(
    Type.Object({
      id: Type.String(),
      status: Type.Enum(['planned', 'sent', 'refused', 'failed']),
      topic: Type.String(),
      partition: Type.Integer(),
      offset: Type.Optional(Offset),
      code: Type.Optional(Type.String()),
      reason: Type.Optional(Type.String()),
    }),
  ),
});

export function deadLetterRoutes(app: Api, deadLetters: DeadLetterQueue): void {
  app.get(
    '/api/v1/dlq',
    {
      schema: {
        tags: ['dead letters'],
        summary: 'Dead letters, newest first',
        querystring: ListQuery,
        response: { 200: json('Dead letters.', List), ...problems('INVALID_ARGUMENT', 'LOG_UNAVAILABLE') },
      },
    },
    async ({ query: { include_replayed: includeReplayed, ...filter } }) => {
      const { entries, matching, older } = await deadLetters.list({
        ...filter,
        ...(includeReplayed === undefined ? {} : { includeReplayed }),
      });
      return { entries: entries.map(entryJson), matching, older, depth: await deadLetters.depth() };
    },
  );

  app.get(
    '/api/v1/dlq/entry',
    {
      schema: {
        tags: ['dead letters'],
        summary: 'One dead letter with its original key, value and headers',
        querystring: Type.Object({ id: Id }, { additionalProperties: false }),
        response: {
          200: json('The dead letter.', Type.Object({ ...Entry.properties, original: ContentJson })),
          ...problems('INVALID_ARGUMENT', 'UNKNOWN_DEAD_LETTER', 'DEAD_LETTER_GONE', 'LOG_UNAVAILABLE'),
        },
      },
    },
    async ({ query: { id } }) => {
      const shown = await deadLetters.show(id);
      return { ...entryJson(shown), original: contentJson(shown.original) };
    },
  );

  app.post(
    '/api/v1/dlq/replay',
    {
      bodyLimit: MAX_REPAIR_BYTES,
      schema: {
        tags: ['dead letters'],
        summary: 'Send dead letters to their topics again; says what it would do unless `execute` is true',
        body: Replay,
        response: {
          200: json('What was done, oldest first.', ReplayAnswer),
          ...problems(
            'INVALID_JSON',
            'INVALID_ARGUMENT',
            'INVALID_REPLAY',
            'REPLAY_IN_PROGRESS',
            'BODY_TOO_LARGE',
            'UNSUPPORTED_MEDIA_TYPE',
            'LOG_UNAVAILABLE',
          ),
        },
      },
    },
    async ({ body }) => {
      const request = replayRequest(body);
      const plan = await deadLetters.replay({ ...request, execute: false });
      if (body.execute !== true) return { executed: false, items: plan.map(itemJson) };
      assertShort(plan, request.ratePerSecond ?? DEFAULT_RATE);
      return { executed: true, items: (await deadLetters.replay({ ...request, execute: true })).map(itemJson) };
    },
  );
}

function assertShort(plan: readonly ReplayItem[], ratePerSecond: number): void {
  const seconds = plan.filter(({ status }) => status === 'planned').length / ratePerSecond;
  if (seconds <= MAX_REPLAY_SECONDS) return;
  throw new KitError(
    'INVALID_REPLAY',
    `This would take ${Math.ceil(seconds)} s, and one request may take ${MAX_REPLAY_SECONDS}: choose fewer, or a higher rate_per_second.`,
  );
}

function replayRequest({
  rate_per_second: ratePerSecond,
  repaired,
  execute: _,
  ...selection
}: Static<typeof Replay>): ReplayRequest {
  return {
    ...selection,
    ...(ratePerSecond === undefined ? {} : { ratePerSecond }),
    ...(repaired === undefined ? {} : { repaired: repairedRecord(repaired) }),
  };
}

function repairedRecord({ value, encoding = 'utf-8', key }: NonNullable<Static<typeof Replay>['repaired']>) {
  return {
    ...(value === undefined ? {} : { value: Buffer.from(value, encoding) }),
    ...(key === undefined ? {} : { key }),
  };
}

function entryJson(entry: DeadLetterEntry): Static<typeof Entry> {
  const { id, group, topic, partition, offset, key, code, reason, replayed } = entry;
  return {
    id,
    group,
    topic,
    partition,
    offset,
    key,
    code,
    reason,
    delivery_count: entry.deliveryCount,
    first_failed_at: entry.firstFailedAt,
    replay_count: entry.replayCount,
    replayed,
    value_bytes: entry.valueBytes,
  };
}

function itemJson({ id, status, topic, partition, offset, code, reason }: ReplayItem) {
  return { id, status, topic, partition, offset, code, reason };
}
