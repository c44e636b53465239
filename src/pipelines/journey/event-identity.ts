/** What a record says of which event it is, also where the codec refuses it: to find it, and what belongs to it. */
import { socialEventCodec } from '../../domains/social/codec.ts';
import { firstPlaceOf } from '../../kit/dlq/dead-letter.ts';
import type { LogRecord } from '../../kit/log/event-log.ts';
import { contentMode, utf8Text } from '../../kit/schemas/cloud-events.ts';
import { isJsonObject, jsonOf } from '../../kit/schemas/record-json.ts';

export interface EventIdentity {
  /** Null where none can be made out. */
  readonly eventId: string | null;
  readonly eventType: string | null;
  readonly correlationId: string | null;
  readonly causationId: string | null;
}

/** Larger values are not parsed to look for an id. */
const MAX_PARSED_BYTES = 256 * 1024;

/** As the codec has it; of a record that it cannot read, whatever can be made out. */
export function identityOf(record: LogRecord): EventIdentity {
  if (contentMode(record) === 'binary') {
    return {
      eventId: headerText(record, 'ce_id'),
      eventType: headerText(record, 'ce_type'),
      correlationId: headerText(record, 'ce_correlationid'),
      causationId: headerText(record, 'ce_causationid'),
    };
  }
  const fields = jsonFields(record);
  const metadata = isJsonObject(fields.metadata) ? fields.metadata : {};
  const given = textOf(fields.specversion === undefined ? fields.event_id : fields.id);
  return {
    // the place stands for an id only where the record is an event at all
    eventId: given ?? (socialEventCodec.decode(record).ok ? firstPlaceOf(record) : null),
    eventType: textOf(fields.event_type) ?? textOf(fields.type),
    correlationId: textOf(metadata.correlation_id) ?? textOf(fields.correlationid),
    causationId: textOf(metadata.causation_id) ?? textOf(fields.causationid),
  };
}

/** Whether a record is of this event; costs little where it is not. */
export function idMatcher(eventId: string): (record: LogRecord) => boolean {
  const bytes = Buffer.from(eventId);
  return (record) => {
    let hasId = false;
    for (const [name, value] of record.headers) {
      if (name !== 'ce_id' && name !== 'streamsocial-replay-of') continue;
      if (value?.equals(bytes)) return true;
      hasId ||= name === 'ce_id';
    }
    if (hasId) return false;
    return record.value?.includes(bytes) === true && identityOf(record).eventId === eventId;
  };
}

/** When the maker of a UUIDv7 made it, milliseconds since the epoch; null for any other id. */
export function timeInId(eventId: string): number | null {
  const match = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i.exec(eventId);
  return match === null ? null : Number.parseInt(match[1]! + match[2]!, 16);
}

function headerText({ headers }: LogRecord, wanted: string): string | null {
  const value = headers.findLast(([name]) => name === wanted)?.[1];
  return value == null ? null : utf8Text(value) || null;
}

function jsonFields(record: LogRecord): Readonly<Record<string, unknown>> {
  if ((record.value?.length ?? 0) > MAX_PARSED_BYTES) return {};
  const read = jsonOf(record);
  return read.ok && isJsonObject(read.json) ? read.json : {};
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
