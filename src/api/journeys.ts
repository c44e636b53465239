/** One event followed through the system, and what it is related to. */
import type { FastifyReply } from 'fastify';
import Type, { type Static } from 'typebox';
import { KitError } from '../kit/errors.ts';
import type { LogRecord, PartitionOffset } from '../kit/log/event-log.ts';
import { type FindOptions, placeOf } from '../pipelines/journey/event-finder.ts';
import { JourneyJson, RelationsJson } from '../pipelines/journey/journey-json.ts';
import type { FollowedEvent } from '../pipelines/journey/journeys.ts';
import type { Platform } from '../pipelines/platform.ts';
import { checkedId } from './checked-id.ts';
import type { Closing } from './closing.ts';
import { whileAsked } from './past.ts';
import { encodeBytes, RecordJson, recordJson } from './record-json.ts';
import { Count, json, problems } from './schemas.ts';
import type { Api } from './typed.ts';

/** Of the value, in the journey; all of it is in the log. */
const MAX_VALUE_BYTES = 64 * 1024;
const MAX_RECORDS = 5_000_000;

const Content = Type.Object({
  ...RecordJson.properties,
  value_bytes: Count,
  cut: Type.Boolean({ description: 'Whether only the beginning of the value is here.' }),
});
const JourneyAnswer = Type.Object({
  ...JourneyJson.properties,
  record: Type.Union([Content, Type.Null()], { description: 'The original, as far as is known.' }),
});

export type JourneyAnswer = Static<typeof JourneyAnswer>;
export type RelationsAnswer = Static<typeof RelationsJson>;

const Params = Type.Object({ event_id: Type.String({ description: 'Percent-encoded.' }) });
const Position = Type.String({ maxLength: 300, examples: ['content-interactions:3:1207'] });
const Effort = {
  at: Type.Optional({ ...Position, description: 'Where one of its records is, for whoever knows it.' }),
  further: Type.Optional(
    Type.Boolean({
      description:
        'Looks through the log for up to 20 s, on from where the last search for this id stopped; also for more records of an event that is known.',
    }),
  ),
};
const PROBLEMS = problems(
  'INVALID_ARGUMENT',
  'UNKNOWN_EVENT',
  'TOO_MANY_SEARCHES',
  'LOG_UNAVAILABLE',
  'STORE_UNAVAILABLE',
);
const TAGS = { tags: ['journeys'] };
const DESCRIPTION =
  `The log has no index of ids: an event is looked for where places are known (what handlers did lately, answers to
repeated requests, dead letters), around the time in a UUIDv7, and then in the newest records. \`searched\` tells what was looked at, in an answer and in
UNKNOWN_EVENT.`.replaceAll('\n', ' ');

export function journeyRoutes(app: Api, platform: Platform, closing: Closing): void {
  const { journeys } = platform;
  const optionsOf = (
    reply: FastifyReply,
    { at, further = false }: { at?: string; further?: boolean },
  ): FindOptions => ({
    signal: whileAsked(reply, closing),
    effort: further ? 'further' : 'normal',
    hint: at === undefined ? undefined : checkedPlace(at),
  });

  app.get(
    '/api/v1/journeys/:event_id',
    {
      schema: {
        ...TAGS,
        summary: 'What became of one event, step by step',
        description: DESCRIPTION,
        params: Params,
        querystring: Type.Object(Effort, { additionalProperties: false }),
        response: { 200: json('The journey.', JourneyAnswer), ...PROBLEMS },
      },
    },
    async ({ params: { event_id }, query }, reply) => {
      const options = optionsOf(reply, query);
      return answerOf(await closing.orClosing(journeys.ofEvent(checkedId(event_id, 'event_id'), options)));
    },
  );

  // an id of `.` or `..` cannot stand in a path, and a record may have no id
  app.get(
    '/api/v1/journeys',
    {
      schema: {
        ...TAGS,
        summary: 'The same by the place of a record, or by an id that cannot stand in a path',
        querystring: Type.Object(
          { ...Effort, position: Type.Optional(Position), event_id: Type.Optional(Type.String()) },
          { additionalProperties: false },
        ),
        response: { 200: json('The journey.', JourneyAnswer), ...PROBLEMS },
      },
    },
    async ({ query }, reply) => {
      const { position, event_id } = query;
      const options = optionsOf(reply, query);
      if ((position === undefined) === (event_id === undefined))
        throw new KitError('INVALID_ARGUMENT', 'query: either position or event_id');
      if (event_id !== undefined)
        return answerOf(await closing.orClosing(journeys.ofEvent(checkedId(event_id, 'event_id'), options)));
      return answerOf(await closing.orClosing(journeys.ofPlace(checkedPlace(position!), options)));
    },
  );

  app.get(
    '/api/v1/journeys/:event_id/relations',
    {
      schema: {
        ...TAGS,
        summary: 'What caused an event, what it caused, and what else is of its correlation',
        params: Params,
        querystring: Type.Object(
          {
            max_records: Type.Optional(
              Type.Integer({ minimum: 1, maximum: MAX_RECORDS, description: 'To look at. 100,000.' }),
            ),
          },
          { additionalProperties: false },
        ),
        response: { 200: json('Relations.', RelationsJson), ...PROBLEMS },
      },
    },
    async ({ params: { event_id }, query: { max_records: maxRecords } }, reply) =>
      closing.orClosing(
        journeys.relationsOf(checkedId(event_id, 'event_id'), {
          signal: whileAsked(reply, closing),
          ...(maxRecords === undefined ? {} : { maxRecords, maxMs: 20_000 }),
        }),
      ),
  );
}

function checkedPlace(text: string): PartitionOffset {
  const place = placeOf(text);
  if (place !== null) return place;
  throw new KitError('INVALID_ARGUMENT', 'query: a position must be topic:partition:offset');
}

function answerOf({ journey, record }: FollowedEvent): JourneyAnswer {
  return { ...journey, record: record === null ? null : contentOf(record) };
}

function contentOf(record: LogRecord): Static<typeof Content> {
  const bytes = record.value?.length ?? 0;
  if (record.value === null || bytes <= MAX_VALUE_BYTES)
    return { ...recordJson(record), value_bytes: bytes, cut: false };
  const { value, encoding } = encodeBytes(record.value);
  return {
    ...recordJson({ ...record, value: null }),
    value: value!.slice(0, MAX_VALUE_BYTES),
    encoding,
    value_bytes: bytes,
    cut: true,
  };
}
