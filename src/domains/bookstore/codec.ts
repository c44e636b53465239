/** Between placed orders and the log's records: CloudEvents in binary mode out; binary, structured and plain JSON in. */
import { firstPlaceOf } from '../../kit/dlq/dead-letter.ts';
import { KitError } from '../../kit/errors.ts';
import type { LogRecord } from '../../kit/log/event-log.ts';
import {
  type CloudEvent,
  contentMode,
  header,
  readBinaryAttributes,
  readStructured,
  SPEC_VERSION,
  utf8Text,
} from '../../kit/schemas/cloud-events.ts';
import type { FieldError } from '../../kit/schemas/contract.ts';
import type { Decoded, EventCodec, Outgoing, Stamp } from '../../kit/schemas/event-codec.ts';
import { timeOfRecord } from '../../kit/schemas/formats.ts';
import { isJsonObject, jsonOf, poison } from '../../kit/schemas/record-json.ts';
import { EVENT_TYPE, ORDER_PLACED_CONTRACT, type OrderPlaced } from './events.ts';
import { ORDER_PLACED } from './topics.ts';

const FIXED_HEADERS = [
  header('ce_specversion', SPEC_VERSION),
  header('ce_source', '/bookstore'),
  header('ce_type', EVENT_TYPE),
  header('content-type', 'application/json'),
];

export const orderPlacedCodec: EventCodec<OrderPlaced> = { accept, idOf: ({ event_id }) => event_id, encode, decode };

/** Fills in an absent id and time. @throws KitError INVALID_EVENT (`details.errors`) */
function accept(input: unknown, stamp: Stamp): OrderPlaced {
  const event = isJsonObject(input)
    ? { event_id: stamp.newId(), timestamp: new Date(stamp.now).toISOString(), ...input }
    : input;
  if (ORDER_PLACED_CONTRACT.check(event)) return event;
  const errors = ORDER_PLACED_CONTRACT.errors(event);
  throw new KitError('INVALID_EVENT', describe(errors), { details: { errors } });
}

function encode({ event_id, order_id, timestamp, data }: OrderPlaced): Outgoing {
  const headers = [
    ...FIXED_HEADERS,
    header('ce_id', event_id),
    header('ce_time', timestamp),
    header('ce_subject', order_id),
  ];
  return { topic: ORDER_PLACED, key: order_id, value: Buffer.from(JSON.stringify(data)), headers };
}

/** Codes: NULL_VALUE, NOT_JSON, SCHEMA_MISMATCH, MISSING_KEY, KEY_MISMATCH. An absent id is made of the record's place. */
function decode(record: LogRecord): Decoded<OrderPlaced> {
  const read = jsonOf(record);
  if (!read.ok) return read;
  const { event, errors } = eventIn(record, read.json);
  if (errors.length > 0) return poison('SCHEMA_MISMATCH', describe(errors));
  if (!ORDER_PLACED_CONTRACT.check(event))
    return poison('SCHEMA_MISMATCH', describe(ORDER_PLACED_CONTRACT.errors(event)));
  if (record.key === null || record.key.length === 0) return poison('MISSING_KEY', 'the record has no key (order_id)');
  if (utf8Text(record.key) !== event.order_id) return poison('KEY_MISMATCH', "the record's key is not its order_id");
  return { ok: true, event, id: event.event_id };
}

function eventIn(record: LogRecord, value: unknown): { event: unknown; errors: readonly FieldError[] } {
  const mode = contentMode(record);
  const fallback = { event_id: firstPlaceOf(record), timestamp: timeOfRecord(record) };
  if (mode === 'binary') {
    const { attributes, errors } = readBinaryAttributes(record);
    return { event: { ...fallback, ...plainForm({ attributes, data: value }) }, errors };
  }
  if (!isJsonObject(value)) return { event: value, errors: [] };
  if (mode === 'plain' && !('specversion' in value)) return { event: { ...fallback, ...value }, errors: [] };
  const { event, errors } = readStructured(value);
  return { event: { ...fallback, ...plainForm(event) }, errors };
}

function plainForm({ attributes: { id, type, time, subject }, data }: CloudEvent): Record<string, unknown> {
  return {
    event_id: id,
    event_type: type,
    order_id: subject,
    data,
    ...(time === undefined ? {} : { timestamp: time }),
  };
}

function describe(errors: readonly FieldError[]): string {
  return errors.map(({ path, message }) => `${path === '' ? 'the event' : path.slice(1)} ${message}`).join('; ');
}
