/**
 * How fields merge: numbers add up and texts keep the greater, so merging two changes, or a change into a stored document,
 * is one operation, whatever the order.
 */
import { KitError } from '../errors.ts';
import type { Document } from './projection-store.ts';

export type FieldValue = number | string;
export type Fields = Map<string, FieldValue>;

/** A text that could be read back as a counter: Redis hashes keep both as plain text. */
export const COUNTER_TEXT = /^-?\d+$/;

const MAX_KEYS = 10_000;

/** @throws KitError INVALID_ARGUMENT when one round trip would read too many documents */
export function checkKeys(keys: readonly string[]): void {
  if (keys.length > MAX_KEYS) {
    throw new KitError('INVALID_ARGUMENT', `${keys.length} documents at once: ask for at most ${MAX_KEYS}`);
  }
}

/** Redis keeps every field as text; the shape of the text tells what it is. */
export function fieldFromText(text: string): FieldValue {
  return COUNTER_TEXT.test(text) ? Number(text) : text;
}

/** @throws KitError INVALID_DELTA when a counter meets a text, or leaves the integers that are exact */
export function mergeField(fields: Fields, key: string, name: string, value: FieldValue): void {
  const old = fields.get(name);
  if (old === undefined) {
    fields.set(name, value);
  } else if (typeof old === 'number' && typeof value === 'number') {
    if (!Number.isSafeInteger(old + value)) throw conflict(key, name);
    fields.set(name, old + value);
  } else if (typeof old === 'string' && typeof value === 'string') {
    if (compareBytes(value, old) > 0) fields.set(name, value);
  } else {
    throw conflict(key, name);
  }
}

export function conflict(key: string, name: string): KitError {
  return new KitError('INVALID_DELTA', `${key}: ${name} cannot be merged (counter with text, or beyond 2^53)`, {
    details: { key, field: name },
  });
}

/** Those with the greatest values, of equal values the greater names. */
export function greatest<V extends FieldValue>(fields: Iterable<readonly [string, V]>, keep: number): [string, V][] {
  const sorted = [...fields] as [string, V][];
  if (sorted.length <= keep) return sorted;
  const compare = comparerOf(sorted.flat().map(String));
  sorted.sort(([a, x], [b, y]) => compare(String(y), String(x)) || compare(b, a));
  return sorted.slice(0, keep);
}

/** Fields in byte order of their names. */
export function toDocument(fields: Iterable<readonly [string, FieldValue]>): Document {
  const sorted = [...fields];
  const compare = comparerOf(sorted.map(([name]) => name));
  return Object.fromEntries(sorted.sort(([a], [b]) => compare(a, b)));
}

const SURROGATE_OR_ABOVE = /[\ud800-\uffff]/;

/** As `compareBytes`, for these texts; some times faster where none is beyond U+D7FF, as hardly any is. */
export function comparerOf(texts: readonly string[]): (a: string, b: string) => number {
  return texts.some((text) => SURROGATE_OR_ABOVE.test(text)) ? compareBytes : compareUnits;
}

function compareUnits(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** The order of the texts' UTF-8 bytes, which `<` on UTF-16 strings is not above U+FFFF. */
export function compareBytes(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const left = a.charCodeAt(i);
    const right = b.charCodeAt(i);
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

/** Surrogates stand for code points above U+FFFF: they go after U+E000..U+FFFF. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}
