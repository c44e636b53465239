/** Publishing over HTTP. The hot path: bytes -> JSON -> publisher; the publisher is the one that checks events. */
import type { FastifyReply } from 'fastify';
import Type from 'typebox';
import { anyEventInputSchema, cloudEventInputSchema } from '../domains/social/json-schemas.ts';
import { KitError } from '../kit/errors.ts';
import type { Platform } from '../pipelines/platform.ts';
import {
  type EventBody,
  JSON_TYPES,
  MAX_BATCH_BYTES,
  MAX_ITEMS,
  NDJSON_TYPES,
  parseJsonBody,
  parseNdjsonBody,
} from './event-body.ts';
import { problemOf, statusOf } from './problems.ts';
import { type Outcome, type Place, PublishOnce } from './publish-once.ts';
import { Count, json, Offset, Partition, problems, TopicName } from './schemas.ts';
import type { Api } from './typed.ts';

const EventId = Type.String({ examples: ['0197142c-7a00-7c3e-9b52-0f6f2f8e8a11'] });
const Stored = Type.Object({ event_id: EventId, topic: TopicName, partition: Partition, offset: Offset });
const Results = Type.Object({
  results: Type.Array(
    Type.Union([
      Type.Object({ status: Type.Enum([200, 201]), ...Stored.properties }),
      Type.Object({
        status: Type.Integer({ minimum: 400, maximum: 599 }),
        code: Type.String(),
        detail: Type.String(),
        retriable: Type.Boolean(),
      }),
    ]),
    { description: 'One for each event, in the order of the request.' },
  ),
  accepted: Count,
  duplicates: Count,
  failed: Count,
});

const EVENT = { event_type: 'post_liked', user_id: 'u_42', content_id: 'post_991', timestamp: '2026-05-27T14:00:00Z' };
const CLOUD_EVENT = {
  specversion: '1.0',
  id: '0197142c-7a00-7c3e-9b52-0f6f2f8e8a11',
  source: '/mobile',
  type: 'post_liked',
  userid: 'u_42',
  subject: 'post_991',
  time: '2026-05-27T14:00:00Z',
};
const REQUEST_BODY = {
  'application/json': {
    schema: {
      oneOf: [anyEventInputSchema(), { type: 'array', maxItems: MAX_ITEMS, items: anyEventInputSchema() }],
      examples: [EVENT],
    },
  },
  'application/cloudevents+json': { schema: { ...cloudEventInputSchema(), examples: [CLOUD_EVENT] } },
  'application/cloudevents-batch+json': {
    schema: { type: 'array', maxItems: MAX_ITEMS, items: cloudEventInputSchema() },
  },
  'application/x-ndjson': {
    schema: {
      type: 'string',
      description: 'One event a line, in either form.',
      examples: [`${JSON.stringify(EVENT)}\n`],
    },
  },
};

const DESCRIPTION = `One event is answered with 201 once it is durable. The same event_id, or the same Idempotency-Key,
again is answered with 200 and the first answer, and counted once; with another content it is a conflict (409).
A batch (an array, or NDJSON) is answered with 200 when every event is stored, else with 207; each event has its own
status. When none is stored and all may be repeated, the answer is 503 with the results beside it.
An event takes 64 KiB, a batch 1 MiB and ${MAX_ITEMS} events at most.`;

const schema = {
  tags: ['events'],
  summary: 'Publish one event, or a batch',
  description: DESCRIPTION.replaceAll('\n', ' '),
  headers: Type.Object({
    'idempotency-key': Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 256,
        description: 'Of one event; the event_id does the same without it.',
      }),
    ),
  }),
  body: { content: REQUEST_BODY },
  response: {
    200: json('Stored before, or a batch of which all is stored.', Type.Union([Stored, Results])),
    201: {
      ...(json('Stored: durable on the log.', Stored) as object),
      headers: { location: { type: 'string', description: 'Where the record can be read.' } },
    },
    207: json('A batch of which some is stored.', Results),
    ...problems(
      'INVALID_JSON',
      'INVALID_EVENT',
      'INVALID_ID',
      'UNKNOWN_EVENT_TYPE',
      'TIMESTAMP_IN_FUTURE',
      'INVALID_ARGUMENT',
      'EMPTY_BATCH',
      'FORBIDDEN_ORIGIN',
      'IDEMPOTENCY_CONFLICT',
      'IDEMPOTENCY_PENDING',
      'BODY_TOO_LARGE',
      'TOO_MANY_ITEMS',
      'UNSUPPORTED_MEDIA_TYPE',
      'QUEUE_FULL',
      'LOG_UNAVAILABLE',
      'ACK_PENDING',
      'DELIVERY_TIMEOUT',
    ),
  },
};

export function eventRoutes(app: Api, platform: Platform): void {
  const once = new PublishOnce(platform.publisher, platform.idempotency);

  app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    const options = { parseAs: 'buffer', bodyLimit: MAX_BATCH_BYTES } as const;
    scope.addContentTypeParser(JSON_TYPES, options, async (_request: unknown, body: Buffer) => parseJsonBody(body));
    scope.addContentTypeParser(NDJSON_TYPES, options, async (_request: unknown, body: Buffer) => parseNdjsonBody(body));

    scope.post(
      '/api/v1/events',
      { bodyLimit: MAX_BATCH_BYTES, schema, validatorCompiler: () => () => true },
      async (request, reply) => {
        const body = request.body as EventBody | undefined;
        const key = request.headers['idempotency-key'];
        if (body === undefined)
          throw new KitError('UNSUPPORTED_MEDIA_TYPE', `Send one of ${[...JSON_TYPES, ...NDJSON_TYPES].join(', ')}.`);
        if (body.kind === 'single') return answerSingle(await once.publish(body.input, checkedKey(key)), reply);
        if (key !== undefined)
          throw new KitError(
            'INVALID_ARGUMENT',
            'header Idempotency-Key: is for one event; in a batch give each an event_id',
          );
        return answerBatch(await once.publishMany(body.items), reply);
      },
    );
  });
}

function checkedKey(key: string | string[] | undefined): string | null {
  if (key === undefined) return null;
  if (typeof key === 'string' && key !== '' && Buffer.byteLength(key) <= 256) return key;
  throw new KitError('INVALID_ARGUMENT', 'header Idempotency-Key: must be 1 to 256 bytes');
}

function answerSingle(outcome: Outcome, reply: FastifyReply): Place {
  if (!outcome.ok) throw outcome.error;
  const { topic, partition, offset } = outcome.place;
  reply.code(outcome.repeated ? 200 : 201);
  reply.header('location', `/api/v1/events?topic=${topic}&partition=${partition}&offset=${offset}&max=1`);
  return outcome.place;
}

function answerBatch(outcomes: readonly Outcome[], reply: FastifyReply) {
  const failures = outcomes.filter((outcome) => !outcome.ok);
  const duplicates = outcomes.filter((outcome) => outcome.ok && outcome.repeated).length;
  const results = outcomes.map(resultOf);
  const counts = { accepted: outcomes.length - failures.length - duplicates, duplicates, failed: failures.length };
  const [first] = failures;
  if (
    failures.length === outcomes.length &&
    first !== undefined &&
    failures.every(({ error }) => statusOf(error) === 503)
  ) {
    throw new KitError(first.error.code, first.error.message, {
      retriable: first.error.retriable,
      details: { ...first.error.details, results, ...counts },
    });
  }
  reply.code(failures.length === 0 ? 200 : 207);
  return { results, ...counts };
}

function resultOf(outcome: Outcome) {
  if (outcome.ok) return { status: outcome.repeated ? 200 : 201, ...outcome.place };
  const { type: _type, title: _title, ...problem } = problemOf(outcome.error);
  return problem;
}
