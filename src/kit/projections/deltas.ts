/**
 * How deltas merge. A document is a map of fields in which numbers add up and texts keep the greater, so merging two
 * deltas, or a delta into a stored document, is one operation, whatever the order.
 */
import { KitError } from '../errors.ts';
import type { Delta, Document, Effect } from './projection-store.ts';

export type FieldValue = number | string;
export type Fields = Map<string, FieldValue>;

/** A text that could be read back as a counter: Redis hashes keep both as plain text. */
const COUNTER_TEXT = /^-?\d+$/;

/** @throws KitError INVALID_DELTA (`details.offset`): no store accepts it, now or later */
export function checkEffect(effect: Effect): void {
  const refuse = (why: string): never => {
    throw new KitError('INVALID_DELTA', `offset ${effect.offset}: ${why}`, { details: { offset: effect.offset } });
  };
  if (effect.eventId?.isWellFormed() === false) refuse('the event id is not well-formed Unicode');
  for (const { key, add, max } of effect.deltas) {
    if (key === '' || !key.isWellFormed()) refuse('a document key must be well-formed text of at least one character');
    for (const name in add) {
      if (!name.isWellFormed()) refuse('a field name is not well-formed Unicode');
      if (!Number.isSafeInteger(add[name])) refuse(`${name}: counters take integers below 2^53, not ${add[name]}`);
    }
    for (const name in max) {
      const text = max[name]!;
      if (!name.isWellFormed() || !text.isWellFormed()) refuse('a text field is not well-formed Unicode');
      if (COUNTER_TEXT.test(text)) refuse(`${name}: the text ${text} would be read back as a counter`);
      if (add !== undefined && Object.hasOwn(add, name)) refuse(`${name} is both a counter and a text`);
    }
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

/** Adds a checked delta to what a batch changes, by document key. A delta without fields changes nothing. */
export function collectDelta(changes: Map<string, Fields>, { key, add, max }: Delta): void {
  let fields = changes.get(key);
  if (fields === undefined) fields = new Map();
  for (const name in add) mergeField(fields, key, name, add[name]!);
  for (const name in max) mergeField(fields, key, name, max[name]!);
  if (fields.size > 0) changes.set(key, fields);
}

/** Fields in byte order of their names. */
export function toDocument(fields: Iterable<readonly [string, FieldValue]>): Document {
  return Object.fromEntries([...fields].sort(([a], [b]) => compareBytes(a, b)));
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
