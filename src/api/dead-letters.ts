import Type, { type Static } from 'typebox';
import type { DeadLetterQueue, ReplayItem, ReplayRequest } from '../kit/dlq/dead-letter-queue.ts';
import { KitError } from '../kit/errors.ts';
import {
  cursorOf,
  FilterQuery,
  filterOf,
  LetterCode,
  LetterId,
  LetterJson,
  letterJson,
  MAX_REPAIR_BYTES,
  placeOf,
  REPLAY_PROBLEMS,
  RepairJson,
  ReplayItemJson,
  repairOf,
  replayItemJson,
} from './dead-letter-json.ts';
import { ContentJson, contentJson } from './record-json.ts';
import { json, Offset, Partition, problems, TopicName } from './schemas.ts';
import type { Api } from './typed.ts';

/** Below the time after which an idle connection is closed. */
const MAX_REPLAY_SECONDS = 100;
const DEFAULT_RATE = 100;

const ListQuery = Type.Object(
  {
    ...FilterQuery.properties,
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, description: '100.' })),
    cursor: Type.Optional(
      Type.String({ maxLength: 400, description: '`next` of an earlier answer, to go on behind it.' }),
    ),
    include_replayed: Type.Optional(Type.Boolean({ description: 'The same as `replayed=all`.' })),
  },
  { additionalProperties: false },
);
const List = Type.Object({
  entries: Type.Array(LetterJson, { description: 'Newest first.' }),
  next: Type.Union([Type.String(), Type.Null()], { description: 'The cursor to go on with; null at the end.' }),
  matching: Type.Integer({ minimum: 0, description: 'Of all pages.' }),
  older: Type.Integer({ minimum: 0, description: 'Open ones too old to be listed; they are still in their topic.' }),
  depth: Type.Integer({ minimum: 0, description: 'Open ones, of every topic and code.' }),
});
const Shown = Type.Object({
  ...LetterJson.properties,
  dead_letter_at: Type.Object(
    { topic: TopicName, partition: Partition, offset: Offset },
    { description: 'Where the dead letter itself lies.' },
  ),
  original: ContentJson,
});
export type DeadLetterListJson = Static<typeof List>;
export type ShownDeadLetterJson = Static<typeof Shown>;

const Replay = Type.Object(
  {
    ids: Type.Optional(Type.Array(LetterId, { minItems: 1, maxItems: 1_000 })),
    all: Type.Optional(Type.Boolean({ description: 'Every open one.' })),
    topic: Type.Optional(TopicName),
    code: Type.Optional(LetterCode),
    execute: Type.Optional(Type.Boolean({ description: 'Without it nothing is sent: the answer says what would be.' })),
    rate_per_second: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 10_000, description: '100.' })),
    repaired: Type.Optional(RepairJson),
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
  items: Type.Array(ReplayItemJson),
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
    async ({ query: { include_replayed: all = false, limit, cursor, ...query } }) => {
      const { entries, matching, more, older } = await deadLetters.list({
        ...filterOf(query),
        replayed: query.replayed ?? (all ? 'all' : 'no'),
        ...(limit === undefined ? {} : { limit }),
        ...(cursor === undefined ? {} : { after: placeOf(cursor) }),
      });
      return {
        entries: entries.map(letterJson),
        next: more ? cursorOf(entries.at(-1)!) : null,
        matching,
        older,
        depth: await deadLetters.depth(),
      };
    },
  );

  app.get(
    '/api/v1/dlq/entry',
    {
      schema: {
        tags: ['dead letters'],
        summary: 'One dead letter with its original key, value and headers',
        querystring: Type.Object({ id: LetterId }, { additionalProperties: false }),
        response: {
          200: json('The dead letter.', Shown),
          ...problems('INVALID_ARGUMENT', 'UNKNOWN_DEAD_LETTER', 'DEAD_LETTER_GONE', 'LOG_UNAVAILABLE'),
        },
      },
    },
    async ({ query: { id } }) => {
      const shown = await deadLetters.show(id);
      return { ...letterJson(shown), dead_letter_at: shown.at, original: contentJson(shown.original) };
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
          ...REPLAY_PROBLEMS,
        },
      },
    },
    async ({ body }) => {
      const request = replayRequest(body);
      const plan = await deadLetters.replay({ ...request, execute: false });
      if (body.execute !== true) return { executed: false, items: plan.map(replayItemJson) };
      assertShort(plan, request.ratePerSecond ?? DEFAULT_RATE);
      return { executed: true, items: (await deadLetters.replay({ ...request, execute: true })).map(replayItemJson) };
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
    ...(repaired === undefined ? {} : { repaired: repairOf(repaired) }),
  };
}
