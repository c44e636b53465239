/** An edited copy of a dead letter: what was changed of it, and how it is sent. Pure. */
import type { ShownDeadLetterJson } from '../../../api/dead-letters.ts';

type Original = ShownDeadLetterJson['original'];

export interface Draft {
  readonly value: string;
  readonly key: string;
  /** `name: value`, one a line; null: as they are. */
  readonly headers: string | null;
}

export interface RepairBody {
  readonly value?: string;
  readonly key?: string;
  readonly headers?: readonly { readonly name: string; readonly value: string | null }[];
}

/** Bytes that are no text cannot be edited as such: the copy begins empty. */
export function draftOf({ value, encoding, key, key_encoding: keyEncoding }: Original): Draft {
  return {
    value: encoding === 'utf-8' ? (value ?? '') : '',
    key: keyEncoding === 'utf-8' ? (key ?? '') : '',
    headers: null,
  };
}

export function headersText({ headers }: Original): string {
  return headers.map(({ name, value }) => (value === null ? name : `${name}: ${value}`)).join('\n');
}

/** As lines are only those that have text, without line breaks. */
export function canEditHeaders({ headers }: Original): boolean {
  return headers.every(
    ({ name, value, encoding }) => encoding === 'utf-8' && !/[\r\n:]/.test(name) && !/[\r\n]/.test(value ?? ''),
  );
}

export function parseHeaders(text: string): NonNullable<RepairBody['headers']> {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const colon = line.indexOf(':');
      if (colon < 0) return { name: line.trim(), value: null };
      return { name: line.slice(0, colon).trim(), value: line.slice(colon + 1).replace(/^ /, '') };
    });
}

/** Only what differs from the original; empty where nothing does. */
export function repairOf(original: Original, draft: Draft): RepairBody {
  const before = draftOf(original);
  const headers = draft.headers === null || draft.headers === headersText(original) ? null : draft.headers;
  return {
    ...(draft.value === before.value ? {} : { value: draft.value }),
    ...(draft.key === before.key ? {} : { key: draft.key }),
    ...(headers === null ? {} : { headers: parseHeaders(headers) }),
  };
}

export function isChanged(repair: RepairBody): boolean {
  return Object.keys(repair).length > 0;
}

/** In words: `value and key`. */
export function changedParts(repair: RepairBody): string {
  const names = (['value', 'key', 'headers'] as const).filter((name) => repair[name] !== undefined);
  return names.length < 3 ? names.join(' and ') : 'value, key and headers';
}
