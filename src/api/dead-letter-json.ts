/** Dead letters in JSON, and how requests name some of them: what the routes about them share. */
import Type, { type Static } from 'typebox';
import type { DeadLetterFilter, ListedDeadLetter, ListPlace } from '../kit/dlq/dead-letter-filter.ts';
import type { ReplayItem } from '../kit/dlq/dead-letter-queue.ts';
import { KitError } from '../kit/errors.ts';
import { shownTime } from '../kit/schemas/formats.ts';
import type { Repair } from '../pipelines/letter-check.ts';
import { momentOf } from './past.ts';
import { Count, Offset, Partition, problems, Timestamp, TopicName } from './schemas.ts';

export const OrNull = <T extends Type.TSchema>(schema: T, description?: string) =>
  Type.Union([schema, Type.Null()], description === undefined ? {} : { description });

/** A record of 1 MiB in base64, and its envelope. */
export const MAX_REPAIR_BYTES = 1_500_000;

export const REPLAY_PROBLEMS = problems(
  ...['INVALID_JSON', 'INVALID_ARGUMENT', 'INVALID_REPLAY', 'REPLAY_IN_PROGRESS'],
  ...['BODY_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE', 'LOG_UNAVAILABLE'],
);

export const LetterId = Type.String({
  minLength: 1,
  maxLength: 600,
  description: 'group/topic/partition/offset of the original.',
  examples: ['streamsocial-engagement/content-interactions/3/1207'],
});
export const LetterCode = Type.String({ minLength: 1, maxLength: 100, examples: ['SCHEMA_MISMATCH'] });
export const Fingerprint = Type.String({ pattern: '^[0-9a-f]{16}$', examples: ['1f0c7a52be93d466'] });

export const LetterJson = Type.Object({
  id: LetterId,
  fingerprint: Fingerprint,
  group: Type.String(),
  topic: TopicName,
  partition: Partition,
  offset: Offset,
  key: Type.Union([Type.String(), Type.Null()], { description: 'As text, cut to 256 characters.' }),
  code: LetterCode,
  reason: Type.String(),
  delivery_count: Count,
  first_failed_at: Timestamp,
  captured_at: { ...Timestamp, description: 'When it was set aside.' },
  replay_count: Count,
  replayed: Type.Boolean(),
  value_bytes: Count,
});
export type DeadLetterJson = Static<typeof LetterJson>;

export function letterJson(entry: ListedDeadLetter): DeadLetterJson {
  const { id, fingerprint, group, topic, partition, offset, key, code, reason, replayed } = entry;
  return {
    id,
    fingerprint,
    group,
    topic,
    partition,
    offset,
    key,
    code,
    reason,
    delivery_count: entry.deliveryCount,
    first_failed_at: entry.firstFailedAt,
    captured_at: shownTime(entry.capturedAt),
    replay_count: entry.replayCount,
    replayed,
    value_bytes: entry.valueBytes,
  };
}

const FILTER = {
  topic: Type.Optional(TopicName),
  code: Type.Optional(LetterCode),
  group: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
  fingerprint: Type.Optional(Fingerprint),
  text: Type.Optional(
    Type.String({ minLength: 1, maxLength: 200, description: 'Somewhere in its reason, key or id, in any case.' }),
  ),
  since: Type.Optional({ ...Timestamp, description: 'Set aside then or later.' }),
  until: Type.Optional({ ...Timestamp, description: 'Set aside before.' }),
};

export const FilterQuery = Type.Object({
  ...FILTER,
  replayed: Type.Optional(Type.Enum(['no', 'only', 'all'], { description: 'Those that were replayed.' })),
});
/** In a body: of the open ones. */
export const FilterBody = Type.Object(FILTER, { additionalProperties: false });

/** @throws KitError INVALID_ARGUMENT */
export function filterOf({ since, until, ...query }: Static<typeof FilterBody>): DeadLetterFilter {
  const { topic, code, group, fingerprint, text } = query;
  return {
    ...(topic === undefined ? {} : { topic }),
    ...(code === undefined ? {} : { code }),
    ...(group === undefined ? {} : { group }),
    ...(fingerprint === undefined ? {} : { fingerprint }),
    ...(text === undefined ? {} : { text }),
    ...(since === undefined ? {} : { since: momentOf(since, 'since') }),
    ...(until === undefined ? {} : { until: momentOf(until, 'until') }),
  };
}

/** `<captured at>:<offset>:<partition>:<dead letter topic>` */
export function cursorOf({ capturedAt, at }: ListPlace): string {
  return `${capturedAt}:${at.offset}:${at.partition}:${at.topic}`;
}

/** @throws KitError INVALID_ARGUMENT */
export function placeOf(cursor: string): ListPlace {
  const parts = /^(-?\d{1,16}):(\d{1,16}):(\d{1,10}):(.+)$/.exec(cursor);
  if (parts === null) throw new KitError('INVALID_ARGUMENT', 'query cursor: must be `next` of an earlier answer');
  const [, capturedAt, offset, partition, topic] = parts;
  return {
    capturedAt: Number(capturedAt),
    at: { topic: topic!, partition: Number(partition), offset: Number(offset) },
  };
}

const Encoding = Type.Enum(['utf-8', 'base64'], { description: 'utf-8.' });

export const RepairJson = Type.Object(
  {
    value: Type.Optional(Type.String()),
    encoding: Type.Optional({ ...Encoding, description: 'Of `value`. utf-8.' }),
    key: Type.Optional(Type.String()),
    headers: Type.Optional(
      Type.Array(
        Type.Object(
          {
            name: Type.String({ maxLength: 1_000 }),
            value: Type.Union([Type.String(), Type.Null()]),
            encoding: Type.Optional(Encoding),
          },
          { additionalProperties: false },
        ),
        { maxItems: 200, description: 'All of them: they take the place of the original ones.' },
      ),
    ),
  },
  { additionalProperties: false, description: 'Takes the place of the original; for exactly one id.' },
);

export function repairOf({ value, encoding = 'utf-8', key, headers }: Static<typeof RepairJson>): Repair {
  return {
    ...(value === undefined ? {} : { value: Buffer.from(value, encoding) }),
    ...(key === undefined ? {} : { key }),
    ...(headers === undefined
      ? {}
      : {
          headers: headers.map((one) => [
            one.name,
            one.value === null ? null : Buffer.from(one.value, one.encoding ?? 'utf-8'),
          ]),
        }),
  };
}

export const ReplayItemJson = Type.Object({
  id: Type.String(),
  status: Type.Enum(['planned', 'sent', 'refused', 'failed']),
  topic: Type.String(),
  partition: Type.Integer(),
  offset: Type.Optional(Offset),
  code: Type.Optional(Type.String()),
  reason: Type.Optional(Type.String()),
});

export function replayItemJson({ id, status, topic, partition, offset, code, reason }: ReplayItem) {
  return { id, status, topic, partition, offset, code, reason };
}
