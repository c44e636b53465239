/**
 * Between social events and the log's records: CloudEvents binary mode out; binary mode, structured mode and a plain
 * JSON event in, so that `kafka-console-producer` is as good a source as we are. `docs/events.md` shows all three.
 */
import { firstPlaceOf } from '../../kit/dlq/dead-letter.ts';
import { KitError } from '../../kit/errors.ts';
import type { Header, LogRecord } from '../../kit/log/event-log.ts';
import {
  contentMode,
  header,
  headerCache,
  readBinaryAttributes,
  readStructured,
  SPEC_VERSION,
  utf8Text,
} from '../../kit/schemas/cloud-events.ts';
import type { Decoded, EventCodec, Outgoing, Stamp } from '../../kit/schemas/event-codec.ts';
import { epochMs, timeOfRecord } from '../../kit/schemas/formats.ts';
import { isJsonObject, jsonOf, poison } from '../../kit/schemas/record-json.ts';
import { DEFINITIONS, EVENT_TYPES, type EventDefinition, type SocialEvent, subjectOf } from './events.ts';
import { type Checked, checkCloudEvent, checkDraft, type Fallback, refuse, schemaUri } from './incoming.ts';

/** How far an event's time may lie ahead of our clock. */
export const MAX_AHEAD_MS = 24 * 60 * 60 * 1000;

const SPECVERSION_HEADER = header('ce_specversion', SPEC_VERSION);
const CONTENT_TYPE_HEADER = header('content-type', 'application/json');
const TYPE_HEADERS = new Map(EVENT_TYPES.map((type) => [type, header('ce_type', type)] as const));
const sourceHeader = headerCache('ce_source');
const schemaHeader = headerCache('ce_dataschema');

export const socialEventCodec: EventCodec<SocialEvent> = { accept, idOf: (event) => event.event_id, encode, decode };

/**
 * Plain JSON or the CloudEvents JSON format (told by `specversion`). An absent event id, time, data or metadata is filled in.
 *
 * @throws KitError UNKNOWN_EVENT_TYPE (`details.event_types`), INVALID_ID, INVALID_EVENT (`details.errors`), TIMESTAMP_IN_FUTURE
 */
function accept(input: unknown, stamp: Stamp): SocialEvent {
  const checked = checkInput(input, 'refused', {
    id: () => stamp.newId(),
    timestamp: () => new Date(stamp.now).toISOString(),
  });
  if (!checked.ok) {
    const { code, message, errors } = checked;
    throw new KitError(code, message, {
      details: code === 'UNKNOWN_EVENT_TYPE' ? { event_types: EVENT_TYPES, errors } : { errors },
    });
  }
  const { timestamp } = checked.event;
  if (epochMs(timestamp) > stamp.now + MAX_AHEAD_MS) {
    const limit = new Date(stamp.now + MAX_AHEAD_MS).toISOString();
    throw new KitError('TIMESTAMP_IN_FUTURE', `timestamp ${timestamp} is more than 24 h ahead: the limit is ${limit}`, {
      details: { timestamp, limit, errors: [{ path: '/timestamp', message: `must not be after ${limit}` }] },
    });
  }
  return checked.event;
}

function checkInput(
  input: unknown,
  extraAttributes: 'ignored' | 'refused',
  fallback: Fallback,
  isCloudEvent?: boolean,
): Checked {
  if (!isJsonObject(input)) return refuse([{ path: '', message: 'must be a JSON object' }]);
  if (!isCloudEvent && !('specversion' in input)) return checkDraft(input, fallback);
  const { event, errors } = readStructured(input);
  return errors.length > 0 ? refuse(errors) : checkCloudEvent(event, fallback, extraAttributes);
}

function encode(event: SocialEvent): Outgoing {
  const { event_id, event_type, user_id, timestamp, data, metadata } = event;
  const { topic, key } = DEFINITIONS.get(event_type)!;
  const subject = subjectOf(event);
  const subjectBytes = Buffer.from(subject);
  const headers: Header[] = [
    SPECVERSION_HEADER,
    ['ce_id', Buffer.from(event_id)],
    sourceHeader(metadata.source),
    TYPE_HEADERS.get(event_type)!,
    ['ce_time', Buffer.from(timestamp)],
    ['ce_subject', subjectBytes],
    schemaHeader(schemaUri(event_type, metadata.schema_version)),
    ['ce_userid', subject === user_id ? subjectBytes : Buffer.from(user_id)],
  ];
  if ('content_id' in event) headers.push(['ce_contentid', subjectBytes]);
  if (metadata.correlation_id !== undefined) headers.push(header('ce_correlationid', metadata.correlation_id));
  if (metadata.causation_id !== undefined) headers.push(header('ce_causationid', metadata.causation_id));
  headers.push(CONTENT_TYPE_HEADER);
  if (metadata.traceparent !== undefined) headers.push(header('traceparent', metadata.traceparent));
  return { topic, key: key === 'user_id' ? user_id : subject, value: Buffer.from(JSON.stringify(data)), headers };
}

/**
 * Codes: NULL_VALUE, NOT_JSON, UNKNOWN_EVENT_TYPE, SCHEMA_MISMATCH, WRONG_TOPIC, MISSING_KEY, KEY_MISMATCH.
 * An event without an id is named by its place in the log, one without a time has the record's.
 */
function decode(record: LogRecord): Decoded<SocialEvent> {
  const read = jsonOf(record);
  if (!read.ok) return read;
  const checked = checkRecord(record, read.json);
  if (!checked.ok) {
    const code = checked.code === 'UNKNOWN_EVENT_TYPE' ? checked.code : 'SCHEMA_MISMATCH';
    return { ...poison(code, checked.message), errors: checked.errors };
  }
  const { event, definition } = checked;
  return misplaced(record, event, definition) ?? { ok: true, event, id: event.event_id };
}

function checkRecord(record: LogRecord, value: unknown): Checked {
  const fallback: Fallback = {
    id: () => firstPlaceOf(record),
    timestamp: () => timeOfRecord(record),
  };
  const mode = contentMode(record);
  if (mode !== 'binary') return checkInput(value, 'ignored', fallback, mode === 'structured');
  const { attributes, errors } = readBinaryAttributes(record);
  return errors.length > 0 ? refuse(errors) : checkCloudEvent({ attributes, data: value }, fallback, 'ignored');
}

/** A readable event in the wrong place: another consumer counts it, or its order is not kept. */
function misplaced(record: LogRecord, event: SocialEvent, definition: EventDefinition): Decoded<SocialEvent> | null {
  const { topic, key } = definition;
  if (record.topic !== topic && record.topic !== `${topic}.retry` && record.topic !== `${topic}.dlq`) {
    return poison('WRONG_TOPIC', `${event.event_type} belongs on ${topic}, not on ${record.topic}`);
  }
  if (record.key === null || record.key.length === 0) return poison('MISSING_KEY', `the record has no key (${key})`);
  const expected = key === 'user_id' ? event.user_id : subjectOf(event);
  if (utf8Text(record.key) !== expected) return poison('KEY_MISMATCH', `the record's key is not its ${key}`);
  return null;
}
