/** A record as one line of a list. Pure. */
import type { BrowsedRecordJson } from '../../../api/browsed-record.ts';
import type { RecordJson } from '../../../api/record-json.ts';

/** As the browser's API has it, or as the live stream does, which tells less of it. */
export type AnyRecord = RecordJson & Partial<BrowsedRecordJson>;

export interface RecordRow {
  /** `3:1207`: partition and offset. */
  readonly id: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Publish time, ms since the epoch. */
  readonly timestamp: number;
  readonly key: string | null;
  /** Null where the record is no event. */
  readonly type: string | null;
  readonly eventId: string | null;
  readonly preview: string;
  readonly bytes: number | null;
  /** Why consumers cannot read it; null where they can, or it is not known. */
  readonly unreadable: string | null;
}

const PREVIEW_CHARS = 240;

export function rowOf(record: AnyRecord): RecordRow {
  const { topic, partition, offset, timestamp } = record;
  const attribute = (name: string) => record.event?.attributes[name] ?? headerText(record, `ce_${name}`);
  return {
    id: `${partition}:${offset}`,
    topic,
    partition,
    offset,
    timestamp,
    key: keyText(record),
    type: attribute('type'),
    eventId: attribute('id'),
    preview: previewOf(record),
    bytes: record.value_bytes === undefined ? bytesOf(record) : record.value_bytes,
    unreadable: record.unreadable_because?.reason ?? null,
  };
}

function headerText({ headers }: AnyRecord, name: string): string | null {
  const found = headers.findLast((header) => header.name === name);
  return found?.encoding === 'utf-8' ? found.value : null;
}

function keyText({ key, key_encoding: encoding }: AnyRecord): string | null {
  return key !== null && encoding === 'base64' ? `base64 ${key}` : key;
}

function previewOf({ value, encoding }: AnyRecord): string {
  if (value === null) return 'null';
  if (encoding === 'base64') return `binary ${value.slice(0, PREVIEW_CHARS)}`;
  return value
    .slice(0, PREVIEW_CHARS * 2)
    .replaceAll(/\s+/g, ' ')
    .slice(0, PREVIEW_CHARS);
}

/** Of the value as it came, whole. */
function bytesOf({ value, encoding }: AnyRecord): number | null {
  if (value === null) return null;
  if (encoding === 'base64') return (value.length / 4) * 3 - (value.endsWith('==') ? 2 : value.endsWith('=') ? 1 : 0);
  return utf8Length(value);
}

/** Without making the bytes. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit < 0x80) continue;
    if (unit < 0x800) bytes += 1;
    else {
      // three bytes; of a pair, four for two units
      bytes += 2;
      if (unit >= 0xd800 && unit <= 0xdbff && isLowSurrogate(text.charCodeAt(at + 1))) at += 1;
    }
  }
  return bytes;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

/** `3:1207` -> its partition and offset; null for what is none. */
export function parseRecordId(id: string): { readonly partition: number; readonly offset: number } | null {
  const match = /^(\d{1,9}):(\d{1,15})$/.exec(id);
  return match === null ? null : { partition: Number(match[1]), offset: Number(match[2]) };
}
