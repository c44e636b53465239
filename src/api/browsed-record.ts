/** A record for people: cut where it is large, with what it is as a CloudEvent, and why it cannot be read where it cannot. */
import Type, { type Static } from 'typebox';
import { socialEventCodec } from '../domains/social/codec.ts';
import { SOCIAL_TOPICS } from '../domains/social/topics.ts';
import type { Header, LogRecord } from '../kit/log/event-log.ts';
import { contentMode, readBinaryAttributes, readStructured } from '../kit/schemas/cloud-events.ts';
import { isJsonObject, jsonOf } from '../kit/schemas/record-json.ts';
import { encodeBytes, RecordJson } from './record-json.ts';
import { Count } from './schemas.ts';

const Bytes = Type.Union([Count, Type.Null()], { description: 'Null for a null.' });

export const BrowsedRecord = Type.Object({
  ...RecordJson.properties,
  key_bytes: Bytes,
  value_bytes: Bytes,
  cut: Type.Boolean({ description: 'Key, value or headers are shown in part; the sizes are of the whole.' }),
  event: Type.Union(
    [
      Type.Object({
        mode: Type.Enum(['binary', 'structured', 'plain'], {
          description: "CloudEvents' content mode; plain: an event as JSON without CloudEvents.",
        }),
        attributes: Type.Record(Type.String(), Type.String()),
      }),
      Type.Null(),
    ],
    { description: 'Null where the record is no event, or too large to be looked into here.' },
  ),
  readable: Type.Union([Type.Boolean(), Type.Null()], {
    description:
      'Whether consumers can read it; null on topics of other events, and for values that are too large for a list.',
  }),
  unreadable_because: Type.Union([Type.Object({ code: Type.String(), reason: Type.String() }), Type.Null()]),
});
export type BrowsedRecordJson = Static<typeof BrowsedRecord>;

export interface Shown {
  /** Bytes of a value, and an eighth of it of a key or a header. */
  readonly maxBytes: number;
  readonly maxHeaders: number;
  /** Larger values are not parsed. */
  readonly maxParsedBytes: number;
}

export const IN_A_LIST: Shown = { maxBytes: 2_048, maxHeaders: 64, maxParsedBytes: 64 * 1024 };
export const ALONE: Shown = { maxBytes: 2 * 1024 * 1024, maxHeaders: 1_000, maxParsedBytes: 2 * 1024 * 1024 };

const MAX_ATTRIBUTE_CHARS = 1_024;
const MAX_ATTRIBUTES = 64;
/** Of an event as plain JSON, and what CloudEvents call them. */
const PLAIN_FIELDS = [
  ['event_id', 'id'],
  ['event_type', 'type'],
  ['timestamp', 'time'],
  ['user_id', 'userid'],
  ['content_id', 'contentid'],
] as const;
const KNOWN_TOPICS = new Set(SOCIAL_TOPICS.flatMap((topic) => [topic, `${topic}.dlq`, `${topic}.retry`]));

export function browsedRecord(record: LogRecord, shown: Shown): BrowsedRecordJson {
  const { topic, partition, offset, timestamp, headers } = record;
  const small = Math.max(256, shown.maxBytes >> 3);
  const key = cutBytes(record.key, small);
  const value = cutBytes(record.value, shown.maxBytes);
  const some = headers.slice(0, shown.maxHeaders).map(([name, bytes]: Header) => ({ name, ...cutBytes(bytes, small) }));
  return {
    topic,
    partition,
    offset,
    timestamp,
    key: key.value,
    key_encoding: key.encoding,
    headers: some.map(({ name, value, encoding }) => ({ name, value, encoding })),
    value: value.value,
    encoding: value.encoding,
    key_bytes: record.key?.length ?? null,
    value_bytes: record.value?.length ?? null,
    cut: key.cut || value.cut || headers.length > some.length || some.some(({ cut }) => cut),
    ...decoded(record, shown.maxParsedBytes),
  };
}

/** UTF-8 is cut between characters. */
function cutBytes(bytes: Buffer | null, maxBytes: number) {
  if (bytes === null || bytes.length <= maxBytes) return { ...encodeBytes(bytes), cut: false };
  let end = maxBytes;
  while (end > maxBytes - 4 && (bytes[end]! & 0xc0) === 0x80) end -= 1;
  const text = encodeBytes(bytes.subarray(0, end));
  return { ...(text.encoding === 'utf-8' ? text : encodeBytes(bytes.subarray(0, maxBytes))), cut: true };
}

type Decoded = Pick<BrowsedRecordJson, 'event' | 'readable' | 'unreadable_because'>;

function decoded(record: LogRecord, maxParsedBytes: number): Decoded {
  const event = eventOf(record, maxParsedBytes);
  const isSmall = (record.value?.length ?? 0) <= maxParsedBytes;
  if (!isSmall || !KNOWN_TOPICS.has(record.topic)) return { event, readable: null, unreadable_because: null };
  const read = socialEventCodec.decode(record);
  if (read.ok) return { event, readable: true, unreadable_because: null };
  const { code, reason } = read;
  return { event, readable: false, unreadable_because: { code, reason: reason.slice(0, MAX_ATTRIBUTE_CHARS) } };
}

function eventOf(record: LogRecord, maxParsedBytes: number): BrowsedRecordJson['event'] {
  const mode = contentMode(record);
  if (mode === 'binary') return { mode, attributes: shortened(readBinaryAttributes(record).attributes) };
  if ((record.value?.length ?? 0) > maxParsedBytes) return null;
  const read = jsonOf(record);
  if (!read.ok || !isJsonObject(read.json)) return null;
  const { json } = read;
  if (mode === 'structured' || 'specversion' in json)
    return { mode: 'structured', attributes: shortened(readStructured(json).event.attributes) };
  if (typeof json.event_type !== 'string') return null;
  const attributes = PLAIN_FIELDS.flatMap(([field, name]) => {
    const text = json[field];
    return typeof text === 'string' ? [[name, text]] : [];
  });
  return { mode, attributes: shortened(Object.fromEntries(attributes)) };
}

function shortened(attributes: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(attributes)
      .slice(0, MAX_ATTRIBUTES)
      .map(([name, text]) => [name, text.slice(0, MAX_ATTRIBUTE_CHARS)]),
  );
}

/** The event type, of any of the three forms; null for what is none, or too large to be looked into. */
export function eventTypeOf(record: LogRecord, maxParsedBytes: number): string | null {
  return eventOf(record, maxParsedBytes)?.attributes.type ?? null;
}
