/**
 * Documents in memory, of which one is watched: every change of its fields is told. For folds that ask what became of one
 * document, and need the others only as far as they have a say in it.
 */
import { KitError } from '../errors.ts';
import { type Change, type DocumentAccess, shapeConflict, type WideDocument } from './changes.ts';
import { compareBytes, type Fields, type FieldValue, greatest, toDocument } from './deltas.ts';
import type { Document } from './projection-store.ts';

/** Null where the document had, or has, no such field. */
export interface FieldChange {
  readonly field: string;
  readonly before: FieldValue | null;
  readonly after: FieldValue | null;
}

interface Stored {
  readonly shape: string;
  readonly keep: number | undefined;
  period: string;
  readonly fields: Fields;
}

export class TrackedDocuments implements DocumentAccess {
  readonly #watched: string;
  readonly #isMade: (key: string) => boolean;
  readonly #maxFields: number;
  readonly #documents = new Map<string, Stored>();
  #fields = 0;
  #changed = new Map<string, { readonly before: FieldValue | null; after: FieldValue | null }>();

  /**
   * @param maxFields of all documents together; one more is refused with HISTORY_TOO_WIDE
   * @param isMade what is written of other documents is forgotten
   */
  constructor(watched: string, maxFields: number, isMade: (key: string) => boolean = () => true) {
    this.#watched = watched;
    this.#isMade = isMade;
    this.#maxFields = maxFields;
  }

  get fields(): number {
    return this.#fields;
  }

  /** A document as it was when the fold begins, with the bounds that it has there (`shapeOf`). */
  seed(key: string, document: Document, shape: string): void {
    const fields: Fields = new Map(Object.entries(document));
    const period = shape.startsWith('period') ? String(fields.get('period') ?? '') : '';
    if (period !== '') fields.delete('period');
    this.#documents.set(key, { shape, keep: keepOf(shape), period, fields });
    this.#count(fields.size);
  }

  read(key: string): Fields {
    const stored = this.#documents.get(key);
    return stored === undefined ? new Map() : new Map(visible(stored));
  }

  countFields(key: string): number {
    const stored = this.#documents.get(key);
    if (stored === undefined) return 0;
    const { keep = Number.POSITIVE_INFINITY, fields, period } = stored;
    return Math.min(keep, fields.size) + (period === '' ? 0 : 1);
  }

  write(change: Change): void {
    const { key, shape, keep } = change;
    if (!this.#isMade(key)) return;
    let stored = this.#documents.get(key);
    if (stored === undefined) {
      stored = { shape, keep, period: '', fields: new Map() };
      this.#documents.set(key, stored);
    } else if (stored.shape !== shape) {
      throw shapeConflict(key);
    }
    const isWatched = key === this.#watched;
    const before = stored.fields.size;
    if (keep !== undefined) this.#enter(stored, change.fields, keep, isWatched);
    else change.mergeIntoWide(new MemoryDocument(stored, isWatched ? this.#note : null));
    this.#count(stored.fields.size - before);
  }

  /** What has changed in the watched document since the last call. */
  takeChanges(): FieldChange[] {
    if (this.#changed.size === 0) return [];
    const changes = [...this.#changed]
      .filter(([, { before, after }]) => before !== after)
      .map(([field, values]) => ({ field, ...values }));
    this.#changed = new Map();
    return changes;
  }

  /** The watched one. */
  document(): Document | null {
    const fields = this.read(this.#watched);
    return fields.size === 0 ? null : toDocument(fields);
  }

  /** The same documents, apart from these. */
  clone(isMade = this.#isMade): TrackedDocuments {
    const copy = new TrackedDocuments(this.#watched, this.#maxFields, isMade);
    for (const [key, stored] of this.#documents)
      copy.#documents.set(key, { ...stored, fields: new Map(stored.fields) });
    copy.#fields = this.#fields;
    return copy;
  }

  readonly #note = (field: string, before: FieldValue | null, after: FieldValue | null): void => {
    const known = this.#changed.get(field);
    if (known === undefined) this.#changed.set(field, { before, after });
    else known.after = after;
  };

  /** The watched one holds what it shows; others up to twice as much, as stores do, so that few are sorted. */
  #enter(stored: Stored, entries: Fields, keep: number, isWatched: boolean): void {
    const { fields } = stored;
    for (const [name, value] of entries) {
      const old = fields.get(name);
      if (old !== undefined && compareBytes(String(value), String(old)) <= 0) continue;
      fields.set(name, value);
      if (isWatched) this.#note(name, old ?? null, value);
    }
    if (fields.size <= (isWatched ? keep : 2 * keep)) return;
    const kept = new Set(greatest(fields, keep).map(([name]) => name));
    for (const [name, value] of fields) {
      if (kept.has(name)) continue;
      fields.delete(name);
      if (isWatched) this.#note(name, value, null);
    }
  }

  #count(more: number): void {
    this.#fields += more;
    if (more <= 0 || this.#fields <= this.#maxFields) return;
    throw new KitError(
      'HISTORY_TOO_WIDE',
      `${this.#watched}: what it is made of has more than ${this.#maxFields.toLocaleString('en-US')} fields, too many to follow its changes; its state at a time is still to be had.`,
      { details: { key: this.#watched } },
    );
  }
}

type Note = (field: string, before: FieldValue | null, after: FieldValue | null) => void;

/** Any document that is not of `keep`, within a transaction. */
class MemoryDocument implements WideDocument {
  readonly #stored: Stored;
  readonly #note: Note | null;

  constructor(stored: Stored, note: Note | null) {
    this.#stored = stored;
    this.#note = note;
  }

  get period(): string {
    return this.#stored.period;
  }

  get size(): number {
    return this.#stored.fields.size;
  }

  get(name: string): FieldValue | undefined {
    return this.#stored.fields.get(name);
  }

  all(): Fields {
    return new Map(this.#stored.fields);
  }

  set(name: string, value: FieldValue): void {
    this.#note?.(name, this.get(name) ?? null, value);
    this.#stored.fields.set(name, value);
  }

  delete(name: string): void {
    this.#note?.(name, this.get(name) ?? null, null);
    this.#stored.fields.delete(name);
  }

  begin(period: string): void {
    const { fields, period: before } = this.#stored;
    if (this.#note !== null) for (const [name, value] of fields) this.#note(name, value, null);
    fields.clear();
    this.#stored.period = period;
    this.#note?.('period', before === '' ? null : before, period);
  }
}

function visible({ keep, fields, period }: Stored): Iterable<readonly [string, FieldValue]> {
  if (keep !== undefined && fields.size > keep) return greatest(fields, keep);
  return period === '' ? fields : [...fields, ['period', period] as const];
}

function keepOf(shape: string): number | undefined {
  return shape.startsWith('keep ') ? Number(shape.slice('keep '.length)) : undefined;
}
