/** The ten event types for whoever writes one: schema, example, and what an event would become, without publishing it. */
import Type, { type Static } from 'typebox';
import { socialEventCodec } from '../domains/social/codec.ts';
import { exampleOf } from '../domains/social/event-examples.ts';
import { DEFINITIONS } from '../domains/social/events.ts';
import { anyEventInputSchema, cloudEventInputSchema, eventInputSchema } from '../domains/social/json-schemas.ts';
import { isKitError, KitError } from '../kit/errors.ts';
import { partitionFor } from '../kit/log/partitioner.ts';
import type { FieldError } from '../kit/schemas/contract.ts';
import type { Platform } from '../pipelines/platform.ts';
import { type EventBody, JSON_TYPES, MAX_BATCH_BYTES, MAX_EVENT_BYTES, parseJsonBody } from './event-body.ts';
import { Count, json, Partition, problems, TopicName } from './schemas.ts';
import type { Api } from './typed.ts';

const AnyObject = Type.Record(Type.String(), Type.Unknown());
const EventTypes = Type.Object({
  event_types: Type.Array(
    Type.Object({
      type: Type.String({ examples: ['post_liked'] }),
      category: Type.String({ examples: ['content_interaction'] }),
      topic: TopicName,
      key_field: Type.Enum(['user_id', 'content_id', 'subject'], {
        description: 'subject: the content where the event has one, else the user.',
      }),
      has_content: Type.Boolean({ description: 'content_id is required where true, refused where false.' }),
      schema: Type.Unsafe<Record<string, unknown>>({
        ...AnyObject,
        description: 'JSON Schema of what `POST /api/v1/events` takes.',
      }),
      example: Type.Unsafe<Record<string, unknown>>({ ...AnyObject, description: 'One that is taken.' }),
    }),
  ),
  max_event_bytes: Count,
});
export type EventTypesJson = Static<typeof EventTypes>;

const Valid = Type.Object({
  valid: Type.Literal(true),
  event: Type.Unsafe<Record<string, unknown>>({
    ...AnyObject,
    description: 'With what is filled in; id and time are those of another moment when it is published.',
  }),
  topic: TopicName,
  key: Type.String(),
  partition: Partition,
  value_bytes: Count,
});
const Invalid = Type.Object({
  valid: Type.Literal(false),
  code: Type.String({ examples: ['INVALID_EVENT'] }),
  detail: Type.String(),
  errors: Type.Array(
    Type.Object({ path: Type.String({ description: 'JSON pointer; empty: the whole.' }), message: Type.String() }),
  ),
});
const Validation = Type.Union([Valid, Invalid]);
export type ValidationJson = Static<typeof Validation>;

export function eventTypeRoutes(app: Api, { log, publisher }: Platform): void {
  const eventTypes: EventTypesJson = {
    event_types: [...DEFINITIONS.values()].map(({ type, category, topic, key, hasContent }) => ({
      type,
      category,
      topic,
      key_field: key,
      has_content: hasContent,
      schema: { ...eventInputSchema(type) },
      example: { ...exampleOf(type) },
    })),
    max_event_bytes: MAX_EVENT_BYTES,
  };

  app.get(
    '/api/v1/event-types',
    {
      schema: {
        tags: ['events'],
        summary: 'The event types, each with its topic, key, schema and an example',
        response: { 200: json('Event types.', EventTypes), ...problems() },
      },
    },
    async () => eventTypes,
  );

  app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    const options = { parseAs: 'buffer', bodyLimit: MAX_BATCH_BYTES } as const;
    scope.addContentTypeParser(JSON_TYPES, options, async (_request: unknown, body: Buffer) => parseJsonBody(body));
    scope.post(
      '/api/v1/events/validate',
      {
        bodyLimit: MAX_BATCH_BYTES,
        validatorCompiler: () => () => true,
        schema: {
          tags: ['events'],
          summary: 'Whether an event would be taken, and where it would go; nothing is published',
          body: {
            content: {
              'application/json': { schema: anyEventInputSchema() },
              'application/cloudevents+json': { schema: cloudEventInputSchema() },
            },
          },
          response: {
            200: json('Valid, or what is wrong with it.', Validation),
            ...problems(
              'INVALID_JSON',
              'INVALID_ARGUMENT',
              'EMPTY_BATCH',
              'FORBIDDEN_ORIGIN',
              'BODY_TOO_LARGE',
              'TOO_MANY_ITEMS',
              'UNSUPPORTED_MEDIA_TYPE',
              'UNKNOWN_TOPIC',
              'LOG_UNAVAILABLE',
            ),
          },
        },
      },
      async (request): Promise<ValidationJson> => {
        const body = request.body as EventBody | undefined;
        if (body === undefined) throw new KitError('UNSUPPORTED_MEDIA_TYPE', `Send one of ${JSON_TYPES.join(', ')}.`);
        if (body.kind === 'batch') throw new KitError('INVALID_ARGUMENT', 'body: one event is checked at a time');
        let event: ReturnType<typeof publisher.create>;
        try {
          event = publisher.create(body.input);
        } catch (error) {
          if (!isKitError(error)) throw error;
          const { code, message, details } = error;
          return { valid: false, code, detail: message, errors: [...((details.errors ?? []) as FieldError[])] };
        }
        const { topic, key, value } = socialEventCodec.encode(event);
        const { partitions } = (await log.describe([topic])).topics[0]!;
        return {
          valid: true,
          event: { ...event },
          topic,
          key,
          partition: partitionFor(key, partitions.length),
          value_bytes: value.length,
        };
      },
    );
  });
}
