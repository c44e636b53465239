/** What the deltas of one transaction make of documents, for the stores that compute in this process. */
import { KitError } from '../errors.ts';
import { compareBytes, type Fields, type FieldValue, mergeField } from './deltas.ts';
import type { Delta, Effect } from './projection-store.ts';
import { countInto, topField } from './space-saving.ts';

/** Documents that one transaction may change by `each`: meanwhile nobody else is let in. */
export const MAX_EACH = 100_000;

/** Changes that wait in memory for the end of the transaction, beyond those of plain deltas. */
const MAX_WAITING = 10_000;
/** Documents that are held in memory for the next delta that asks for them. */
const MAX_HELD = 50;

/** A store within its transaction. */
export interface DocumentAccess {
  /** As `get` shows it; empty where there is no document. */
  read(key: string): Fields;
  /** How many fields `read` would give. */
  countFields(key: string): number;
  write(change: Change): void;
}

/** A document of many fields, of which a change needs few. */
export interface WideDocument {
  /** '' where it has none. */
  readonly period: string;
  /** How many fields it has, `period` apart. */
  readonly size: number;
  get(name: string): FieldValue | undefined;
  all(): Fields;
  set(name: string, value: FieldValue): void;
  delete(name: string): void;
  /** Without fields, in another period. */
  begin(period: string): void;
}

/** All that becomes of one document, merged. */
export class Change {
  readonly key: string;
  /** '' for a plain document, else its bounds: what the first delta of a document made it, it stays. */
  readonly shape: string;
  readonly keep: number | undefined;
  readonly #capacity: number;
  #period: string | undefined;
  #counts: (readonly [item: string, by: number])[] | undefined;
  /** Without what is counted by `top`. */
  fields: Fields = new Map();

  constructor(key: string, delta: Delta) {
    this.key = key;
    this.shape = shapeOf(delta);
    this.keep = delta.keep;
    this.#capacity = delta.top?.capacity ?? 0;
    this.#period = delta.period;
  }

  /** @throws KitError INVALID_DELTA */
  merge(delta: Delta, texts: Iterable<readonly [string, string]>): void {
    const { key } = this;
    const { add, max, period, top } = delta;
    if (this.shape !== shapeOf(delta)) throw shapeConflict(key);
    if (period !== undefined) {
      const order = compareBytes(period, this.#period!);
      if (order < 0) return;
      if (order > 0) {
        this.#period = period;
        this.fields = new Map();
        this.#counts = undefined;
      }
    }
    for (const name in add) mergeField(this.fields, key, name, add[name]!);
    for (const name in max) mergeField(this.fields, key, name, max[name]!);
    for (const [name, text] of texts) mergeField(this.fields, key, name, text);
    if (top !== undefined) {
      this.#counts ??= [];
      this.#counts.push([top.item, top.by]);
    }
  }

  /**
   * The document with this change; `stored` is consumed. `keep` is left to the caller.
   * @throws KitError INVALID_DELTA
   */
  mergedInto(stored: Fields): Fields {
    const { key, fields } = this;
    if (this.#period !== undefined) {
      const period = stored.get('period');
      stored.delete('period');
      if (period !== undefined) {
        const order = compareBytes(this.#period, String(period));
        if (order < 0) return stored.set('period', period);
        if (order > 0) stored.clear();
      }
      fields.set('period', this.#period);
    }
    for (const [name, value] of stored) mergeField(fields, key, name, value);
    if (this.#counts !== undefined) countInto(fields, key, this.#capacity, this.#counts);
    return fields;
  }

  /** The same, field by field. @throws KitError INVALID_DELTA */
  mergeIntoWide(stored: WideDocument): void {
    if (this.#period !== undefined) {
      const order = compareBytes(this.#period, stored.period);
      if (order < 0) return;
      if (order > 0) stored.begin(this.#period);
    }
    for (const [name, value] of this.fields) {
      const old = stored.get(name);
      const field: Fields = new Map(old === undefined ? [] : [[name, old]]);
      mergeField(field, this.key, name, value);
      const merged = field.get(name)!;
      if (merged !== old) stored.set(name, merged);
    }
    if (this.#counts !== undefined) this.#countInto(stored, this.#counts);
  }

  /** While there is room for all, the items that are counted are all that is read. */
  #countInto(stored: WideDocument, counts: readonly (readonly [item: string, by: number])[]): void {
    const counted: Fields = new Map();
    const names = new Set(counts.map(([item]) => topField(item)));
    for (const name of names) {
      const value = stored.get(name);
      if (value !== undefined) counted.set(name, value);
    }
    const isRoomy = stored.size + names.size - counted.size <= this.#capacity;
    const before = isRoomy ? counted : stored.all();
    const after = new Map(before);
    countInto(after, this.key, this.#capacity, counts);
    for (const name of before.keys()) if (!after.has(name)) stored.delete(name);
    for (const [name, value] of after) if (before.get(name) !== value) stored.set(name, value);
  }
}

/** Makes the changes of effects that are no duplicates: plain deltas first, then the others, each seeing those before it. */
export function applyEffects(effects: readonly Effect[], documents: DocumentAccess): void {
  const changes = new Changes(documents);
  const dependent: Delta[] = [];
  for (const { deltas } of effects) {
    for (const delta of deltas) {
      if (delta.when === undefined && delta.from === undefined && delta.each === undefined)
        changes.add(delta.key, delta);
      else dependent.push(delta);
    }
  }
  for (const delta of dependent) changes.addDependent(delta);
  changes.write();
}

const NO_TEXTS: ReadonlyMap<string, string> = new Map();

/** Changes wait until their document is asked for, or for the end, so that each document is written about once. */
class Changes {
  readonly #documents: DocumentAccess;
  readonly #waiting = new Map<string, Change>();
  readonly #held = new Map<string, Fields>();
  #each = 0;

  constructor(documents: DocumentAccess) {
    this.#documents = documents;
  }

  /** A delta without fields changes nothing. */
  add(key: string, delta: Delta, texts: ReadonlyMap<string, string> = NO_TEXTS): void {
    if (texts.size === 0 && delta.top === undefined && isEmpty(delta.add) && isEmpty(delta.max)) return;
    let change = this.#waiting.get(key);
    if (change === undefined) {
      change = new Change(key, delta);
      this.#waiting.set(key, change);
      if (this.#held.size > 0) this.#held.delete(key);
    }
    change.merge(delta, texts);
  }

  addDependent(delta: Delta): void {
    const { key, when, from, each } = delta;
    if (when !== undefined) {
      const count = this.#countFields(when.fieldsOf);
      if ('atMost' in when ? count > when.atMost : count <= when.moreThan) return;
    }
    const texts = from === undefined ? undefined : textsOf(this.#read(from));
    if (each === undefined) {
      this.add(key, delta, texts);
    } else {
      const names = [...this.#read(each).keys()];
      this.#each += names.length;
      if (this.#each > MAX_EACH) throw tooWide(each);
      for (const name of names) this.add(key + name, delta, texts);
    }
    if (this.#waiting.size > MAX_WAITING) this.write();
  }

  write(): void {
    for (const change of this.#waiting.values()) this.#documents.write(change);
    this.#waiting.clear();
  }

  #flush(key: string): void {
    const change = this.#waiting.get(key);
    if (change === undefined) return;
    this.#documents.write(change);
    this.#waiting.delete(key);
  }

  #countFields(key: string): number {
    const held = this.#held.get(key);
    if (held !== undefined) return held.size;
    this.#flush(key);
    return this.#documents.countFields(key);
  }

  #read(key: string): Fields {
    let fields = this.#held.get(key);
    if (fields === undefined) {
      this.#flush(key);
      fields = this.#documents.read(key);
      if (this.#held.size >= MAX_HELD) this.#held.clear();
      this.#held.set(key, fields);
    }
    return fields;
  }
}

function isEmpty(fields: Readonly<Record<string, unknown>> = {}): boolean {
  for (const _ in fields) return false;
  return true;
}

function textsOf(fields: Fields): ReadonlyMap<string, string> {
  return new Map([...fields].filter((field): field is [string, string] => typeof field[1] === 'string'));
}

/** Equal for deltas that may change the same document. */
export function shapeOf({ keep, period, top }: Delta): string {
  if (keep !== undefined) return `keep ${keep}`;
  if (top !== undefined) return `${period === undefined ? '' : 'period '}top ${top.capacity}`;
  return period === undefined ? '' : 'period';
}

export function shapeConflict(key: string): KitError {
  return new KitError('INVALID_DELTA', `${key}: its deltas differ in keep, period or top`, { details: { key } });
}

export function tooWide(each: string): KitError {
  return new KitError(
    'INVALID_DELTA',
    `${each}: one transaction would change more than ${MAX_EACH} documents by each; make fewer at a time, or use when`,
    { details: { key: each } },
  );
}
