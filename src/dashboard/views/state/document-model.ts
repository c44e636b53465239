/** A document as rows, and two of them side by side. Pure. */
import type { ChangeJson, KindJson } from '../../../api/projection-documents.ts';
import { count, dateTime, duration, UNKNOWN } from '../../format.ts';

export type FieldValue = number | string | null;
export type DocumentJson = Readonly<Record<string, number | string>>;
type Meaning = KindJson['fields'][string];

export interface FieldRow {
  readonly field: string;
  /** What it means; '' where that is not known. */
  readonly label: string;
  /** With its unit. */
  readonly type: string;
  readonly meaning: Meaning | null;
  readonly now: FieldValue;
  readonly past: FieldValue;
  readonly differs: boolean;
}

/** `then` undefined: there is nothing to compare with. */
export function fieldRows(
  now: DocumentJson | null,
  then: DocumentJson | null | undefined,
  kind: KindJson | null,
): FieldRow[] {
  const names = [
    ...new Set([...Object.keys(kind?.fields ?? {}), ...Object.keys(now ?? {}), ...Object.keys(then ?? {})]),
  ];
  return names
    .filter((field) => now?.[field] !== undefined || then?.[field] !== undefined)
    .map((field) => {
      const meaning = kind?.fields[field] ?? kind?.entries ?? typeOf(now?.[field] ?? then?.[field] ?? '');
      const [before, after] = [then?.[field] ?? null, now?.[field] ?? null];
      return {
        field,
        label: meaning.label,
        type: 'unit' in meaning && meaning.unit !== undefined ? `${meaning.type} of ${meaning.unit}` : meaning.type,
        meaning,
        now: after,
        past: before,
        differs: then !== undefined && before !== after,
      };
    });
}

/** Where the projection does not say. */
function typeOf(value: number | string): Meaning {
  if (typeof value === 'number') return { label: '', type: 'count' };
  return { label: '', type: TIME.test(value) ? 'time' : 'text' };
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/;
const TIME_AND_TEXT = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z) ?(.*)$/s;

export function valueText(value: FieldValue, type: string | undefined): string {
  if (value === null) return UNKNOWN;
  if (typeof value === 'number') return count(value);
  if (type === 'time' && TIME.test(value)) return dateTime(value);
  const parts = type === 'time and text' ? TIME_AND_TEXT.exec(value) : null;
  if (parts !== null) return `${dateTime(parts[1]!)} · ${parts[2]}`;
  if (type === 'count and error' && /^\d+ \d+$/.test(value)) {
    const [counted, error] = value.split(' ').map(Number) as [number, number];
    return error === 0 ? count(counted) : `${count(counted)} (at most ${count(error)} too high)`;
  }
  return value;
}

/** From then to now: `+3`, `1 h 2 min later`, `new`, `gone`, `changed`; '' where both are the same. */
export function differenceText({ now, past, differs, meaning }: FieldRow): string {
  if (!differs) return '';
  if (past === null) return 'new since';
  if (now === null) return 'gone since';
  if (typeof now === 'number' && typeof past === 'number')
    return `${now > past ? '+' : '−'}${count(Math.abs(now - past))}`;
  if (meaning?.type === 'time') {
    const later = Date.parse(String(now)) - Date.parse(String(past));
    if (!Number.isNaN(later)) return `${duration(Math.abs(later))} ${later > 0 ? 'later' : 'earlier'}`;
  }
  return 'changed';
}

/** One field of a change in a line: `likes 4 → 5` */
export function changeText({ field, before, after }: ChangeJson['fields'][number], type?: string): string {
  if (before === null) return `${field} ${valueText(after, type)}`;
  if (after === null) return `${field} ${valueText(before, type)} → gone`;
  return `${field} ${valueText(before, type)} → ${valueText(after, type)}`;
}

/** Whether the row is another by now than these changes, newest first, have left it. */
export function isOutdated(changes: readonly ChangeJson[], live: DocumentJson | null): boolean {
  const left = new Map<string, FieldValue>();
  for (const { fields } of changes) {
    for (const { field, after } of fields) if (!left.has(field)) left.set(field, after);
  }
  return [...left].some(([field, after]) => (live?.[field] ?? null) !== after);
}

/** What a key is of: the kind with the longest prefix that fits. */
export function kindOfKey<K extends Pick<KindJson, 'prefix' | 'id'>>(kinds: readonly K[], key: string): K | null {
  const fitting = kinds.filter(({ prefix, id }) => (id === null ? key === prefix : key.startsWith(prefix)));
  return fitting.toSorted((a, b) => b.prefix.length - a.prefix.length)[0] ?? null;
}

/** In words: `user`, of which the id is to be typed; '' for the whole key. */
export function kindName({ prefix, id }: Pick<KindJson, 'prefix' | 'id'>): string {
  if (id === null) return prefix;
  return `${prefix}<${id}>`;
}
