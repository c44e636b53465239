import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { type Change, type DocumentAccess, shapeConflict, type WideDocument } from '../changes.ts';
import { type Fields, type FieldValue, greatest, toDocument } from '../deltas.ts';
import type { Document } from '../projection-store.ts';

/**
 * `fields` is JSON. Two kinds of documents have their fields in `entries` instead, a row each:
 * - those of `keep`, up to twice as many as they keep: the ones beyond are no part of it, and go when that many have come together;
 * - wide ones, of which a transaction changes few fields; `fields` then holds their period, if any.
 */
export const DOCUMENTS_SCHEMA = `
  CREATE TABLE IF NOT EXISTS documents (
    key TEXT PRIMARY KEY, fields TEXT NOT NULL,
    shape TEXT NOT NULL DEFAULT '', entries INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS entries (
    key TEXT NOT NULL, field TEXT NOT NULL, value ANY NOT NULL,
    PRIMARY KEY (key, field)) STRICT, WITHOUT ROWID;
`;

/** From layout 1, which had plain documents only. */
export const DOCUMENTS_MIGRATION = `
  ALTER TABLE documents ADD COLUMN shape TEXT NOT NULL DEFAULT '';
  ALTER TABLE documents ADD COLUMN entries INTEGER NOT NULL DEFAULT 0;
  ${DOCUMENTS_SCHEMA}
`;

/** To SQLite, bytes come after every text. */
const AFTER_ALL = Buffer.of();

/** A document of more fields is a wide one, from then on. */
const MAX_NARROW_FIELDS = 48;

const SQL = {
  find: 'SELECT fields, shape, entries FROM documents WHERE key = ?',
  findMany: `SELECT json_each.key, fields, shape, entries FROM json_each(?) CROSS JOIN documents
    ON documents.key = json_each.value`,
  write: `INSERT INTO documents (key, fields, shape, entries) VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET fields = excluded.fields, entries = excluded.entries`,
  setEntries: 'UPDATE documents SET entries = ? WHERE key = ?',
  page: 'SELECT key, fields, shape, entries FROM documents WHERE key > ? ORDER BY key LIMIT 256',
  keys: 'SELECT key FROM documents WHERE key >= ? AND key < ? ORDER BY key LIMIT ?',
  entries: 'SELECT field, value FROM entries WHERE key = ? ORDER BY field',
  entry: 'SELECT value FROM entries WHERE key = ? AND field = ?',
  change: 'UPDATE entries SET value = ? WHERE key = ? AND field = ?',
  put: 'INSERT INTO entries (key, field, value) VALUES (?, ?, ?)',
  remove: 'DELETE FROM entries WHERE key = ? AND field = ?',
  removeAll: 'DELETE FROM entries WHERE key = ?',
  enter: 'INSERT INTO entries (key, field, value) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
  raise: 'UPDATE entries SET value = ?3 WHERE key = ?1 AND field = ?2 AND value < ?3',
  trim: `DELETE FROM entries WHERE key = ?1 AND field IN (
    SELECT field FROM entries WHERE key = ?1 ORDER BY value DESC, field DESC LIMIT -1 OFFSET ?2)`,
} as const;

type Statements = Readonly<Record<keyof typeof SQL, StatementSync>>;

interface Row {
  readonly key: string;
  readonly fields: string;
  readonly shape: string;
  readonly entries: number;
}

export class SqliteDocuments implements DocumentAccess {
  readonly #sql: Statements;

  constructor(db: DatabaseSync) {
    this.#sql = Object.fromEntries(Object.entries(SQL).map(([key, sql]) => [key, db.prepare(sql)])) as Statements;
    for (const statement of [this.#sql.findMany, this.#sql.entries]) statement.setReturnArrays(true);
  }

  get(key: string): Document | null {
    const row = this.#find(key);
    return row === undefined ? null : this.#documentOf(key, row);
  }

  /** In the keys' order, by one statement: half the time of as many `get`. */
  getMany(keys: readonly string[]): (Document | null)[] {
    const documents: (Document | null)[] = keys.map(() => null);
    const rows = this.#sql.findMany.all(JSON.stringify(keys)) as unknown as [
      at: number,
      fields: string,
      shape: string,
      entries: number,
    ][];
    for (const [at, fields, shape, entries] of rows)
      documents[at] = this.#documentOf(keys[at]!, { fields, shape, entries });
    return documents;
  }

  /** The next documents in byte order of their keys, none at the end. */
  page(after: string): (readonly [string, Document])[] {
    const rows = this.#sql.page.all(after) as unknown as Row[];
    return rows.map((row) => [row.key, this.#documentOf(row.key, row)]);
  }

  /** The next keys in byte order that begin with this; none at the end. */
  keys(prefix: string, after: string | undefined, limit: number): string[] {
    const from = after === undefined ? prefix : `${after}\0`;
    return this.#sql.keys.all(from, endOfPrefix(prefix), limit).map(({ key }) => key as string);
  }

  read(key: string): Fields {
    return new Map(Object.entries(this.get(key) ?? {}));
  }

  countFields(key: string): number {
    const row = this.#find(key);
    if (row === undefined) return 0;
    const keep = keepOf(row.shape);
    if (keep !== undefined) return Math.min(keep, row.entries);
    return row.entries + Object.keys(JSON.parse(row.fields)).length;
  }

  write(change: Change): void {
    const { key, shape } = change;
    const row = this.#find(key);
    if (row !== undefined && row.shape !== shape) throw shapeConflict(key);
    if (change.keep !== undefined) {
      this.#enter(key, shape, change.keep, row?.entries ?? 0, change.fields);
    } else if (row !== undefined && row.entries > 0) {
      this.#writeWide(change, row);
    } else {
      const stored = row === undefined ? {} : (JSON.parse(row.fields) as Document);
      const fields = change.mergedInto(new Map(Object.entries(stored)));
      if (fields.size > MAX_NARROW_FIELDS) this.#widen(key, shape, fields);
      else this.#sql.write.run(key, JSON.stringify(toDocument(fields)), shape, 0);
    }
  }

  #writeWide(change: Change, row: Row): void {
    const { key, shape } = change;
    const period = periodOf(row.fields);
    const document = new WideRows(this.#sql, key, period, row.entries);
    change.mergeIntoWide(document);
    if (document.period !== period) this.#sql.write.run(key, head(document.period), shape, document.size);
    else if (document.size !== row.entries) this.#sql.setEntries.run(document.size, key);
  }

  #widen(key: string, shape: string, fields: Fields): void {
    const hasPeriod = shape.startsWith('period');
    const period = hasPeriod ? String(fields.get('period')) : '';
    if (hasPeriod) fields.delete('period');
    for (const [name, value] of fields) this.#sql.put.run(key, name, value);
    this.#sql.write.run(key, head(period), shape, fields.size);
  }

  #enter(key: string, shape: string, keep: number, before: number, fields: Fields): void {
    let entries = before;
    for (const [field, value] of fields) {
      if (this.#sql.enter.run(key, field, value).changes === 1) entries++;
      else this.#sql.raise.run(key, field, value);
    }
    if (entries > 2 * keep) {
      this.#sql.trim.run(key, keep);
      entries = keep;
    }
    if (before === 0) this.#sql.write.run(key, '', shape, entries);
    else if (entries !== before) this.#sql.setEntries.run(entries, key);
  }

  #find(key: string): Row | undefined {
    return this.#sql.find.get(key) as Row | undefined;
  }

  #documentOf(key: string, { fields, shape, entries }: Omit<Row, 'key'>): Document {
    const keep = keepOf(shape);
    if (keep === undefined && entries === 0) return JSON.parse(fields) as Document;
    const all = this.#sql.entries.all(key) as unknown as [field: string, value: string][];
    if (keep === undefined) {
      const period = periodOf(fields);
      return period === '' ? Object.fromEntries(all) : toDocument([...all, ['period', period]]);
    }
    return all.length > keep ? toDocument(greatest(all, keep)) : Object.fromEntries(all);
  }
}

/** A wide document within a transaction. */
class WideRows implements WideDocument {
  readonly #sql: Statements;
  readonly #key: string;
  period: string;
  size: number;

  constructor(sql: Statements, key: string, period: string, size: number) {
    this.#sql = sql;
    this.#key = key;
    this.period = period;
    this.size = size;
  }

  get(name: string): FieldValue | undefined {
    return this.#sql.entry.get(this.#key, name)?.value as FieldValue | undefined;
  }

  all(): Fields {
    return new Map(this.#sql.entries.all(this.#key) as unknown as [string, FieldValue][]);
  }

  set(name: string, value: FieldValue): void {
    if (this.#sql.change.run(value, this.#key, name).changes === 1) return;
    this.#sql.put.run(this.#key, name, value);
    this.size++;
  }

  delete(name: string): void {
    this.size -= Number(this.#sql.remove.run(this.#key, name).changes);
  }

  begin(period: string): void {
    this.#sql.removeAll.run(this.#key);
    this.period = period;
    this.size = 0;
  }
}

/** The least text, in byte order, that is greater than all with this prefix. */
function endOfPrefix(prefix: string): string | Buffer {
  const points = [...prefix].map((character) => character.codePointAt(0)!);
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    if (last === 0x10ffff) continue;
    const next = last === 0xd7ff ? 0xe000 : last + 1;
    return String.fromCodePoint(...points, next);
  }
  return AFTER_ALL;
}

/** What `fields` of a wide document holds. */
function head(period: string): string {
  return JSON.stringify(period === '' ? {} : { period });
}

function periodOf(fields: string): string {
  return (JSON.parse(fields) as { period?: string }).period ?? '';
}

function keepOf(shape: string): number | undefined {
  return shape.startsWith('keep ') ? Number(shape.slice('keep '.length)) : undefined;
}
