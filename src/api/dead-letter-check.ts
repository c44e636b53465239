/** An edited copy of a dead letter, checked before it is sent; and failures made on purpose. */
import Type, { type Static } from 'typebox';
import type { Platform } from '../pipelines/platform.ts';
import { PROJECTION_NAMES } from '../pipelines/projection.ts';
import { TEST_FAILURE_KINDS } from '../pipelines/test-failures.ts';
import { LetterId, MAX_REPAIR_BYTES, OrNull, RepairJson, repairOf } from './dead-letter-json.ts';
import { Count, json, Offset, Partition, problems, TopicName } from './schemas.ts';
import type { Api } from './typed.ts';

const Handler = Type.Enum(PROJECTION_NAMES);

const Body = Type.Object(
  { id: LetterId, ...RepairJson.properties },
  {
    additionalProperties: false,
    description: 'What is absent stays as the original has it.',
    examples: [{ id: 'streamsocial-engagement/content-interactions/3/1207', value: '{}' }],
  },
);
const Check = Type.Object({
  valid: Type.Boolean({ description: 'Consumers can read it, and no handler refuses it.' }),
  code: OrNull(Type.String(), 'Of what keeps it from being read.'),
  reason: OrNull(Type.String()),
  errors: Type.Array(
    Type.Object({
      where: Type.Enum(['value', 'header', 'key', 'topic']),
      path: Type.String({ description: 'A JSON pointer into the value, or the name of a header.' }),
      message: Type.String(),
    }),
  ),
  refusals: Type.Array(Type.Object({ handler: Handler, code: Type.String(), reason: Type.String() }), {
    description: 'By handlers that can read it and would give it up all the same.',
  }),
  handlers: Type.Array(Handler, { description: 'That were asked: those that read the topic.' }),
  event: OrNull(Type.Object({ event_id: Type.String(), event_type: Type.String(), user_id: Type.String() })),
  partition: { ...Partition, description: 'Where it would be sent.' },
});
export type LetterCheckJson = Static<typeof Check>;

const TestBody = Type.Object({ kind: Type.Enum(TEST_FAILURE_KINDS) }, { additionalProperties: false });
const Test = Type.Object({
  kind: Type.Enum(TEST_FAILURE_KINDS),
  content_id: Type.String(),
  event_id: OrNull(Type.String(), 'Of one that can be read.'),
  topic: TopicName,
  partition: Partition,
  offset: Offset,
  letter_id: Type.String({ description: 'What its dead letter is called, once it is one.' }),
  behind: { ...Count, description: 'Healthy events of the same key, sent behind it.' },
});
export type TestFailureJson = Static<typeof Test>;

export function deadLetterCheckRoutes(app: Api, platform: Pick<Platform, 'failures'>): void {
  app.post(
    '/api/v1/dlq/validate',
    {
      bodyLimit: MAX_REPAIR_BYTES,
      schema: {
        tags: ['dead letters'],
        summary: 'Check an edited copy of a dead letter as consumers would; nothing is sent',
        body: Body,
        response: {
          200: json('What they would say.', Check),
          ...problems(
            'INVALID_JSON',
            'INVALID_ARGUMENT',
            'BODY_TOO_LARGE',
            'UNSUPPORTED_MEDIA_TYPE',
            'UNKNOWN_DEAD_LETTER',
            'DEAD_LETTER_GONE',
            'UNKNOWN_TOPIC',
            'LOG_UNAVAILABLE',
          ),
        },
      },
    },
    async ({ body: { id, ...repair } }) => platform.failures.check(id, repairOf(repair)),
  );

  app.post(
    '/api/v1/dlq/test-poison',
    {
      schema: {
        tags: ['dead letters'],
        summary: 'Make a failure to look at: a real record that cannot be read, or whose handling fails',
        description:
          'It goes to content-interactions, about a content of its own, with the header `streamsocial-test`.',
        body: TestBody,
        response: {
          201: json('It is in the log.', Test),
          ...problems(
            'INVALID_JSON',
            'INVALID_ARGUMENT',
            'UNSUPPORTED_MEDIA_TYPE',
            'QUEUE_FULL',
            'DELIVERY_TIMEOUT',
            'PRODUCER_CLOSED',
            'LOG_UNAVAILABLE',
          ),
        },
      },
    },
    async ({ body: { kind } }, reply): Promise<TestFailureJson> => {
      const { contentId, eventId, letterId, ...sent } = await platform.failures.test(kind);
      reply.code(201);
      return { ...sent, content_id: contentId, event_id: eventId, letter_id: letterId };
    },
  );
}
