import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { guarded, openRebuildable, transaction } from '../../stores/sqlite.ts';
import {
  DEFAULT_BOUNDS,
  type IdempotencyBounds,
  type IdempotencyOptions,
  type IdempotencyRecord,
  IdempotencyStore,
  type IdempotencyTable,
} from '../idempotency-store.ts';

// `n` is the order of arrival: the oldest are found by it, without an index over times.
const SCHEMA = `CREATE TABLE IF NOT EXISTS answers (
  n INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, bodyHash TEXT NOT NULL, answer TEXT NOT NULL, at INTEGER NOT NULL) STRICT`;
const OLDEST = 'SELECT n, at FROM answers ORDER BY n LIMIT ?';

/** Answers in one SQLite file. They survive the end of the process; a power loss may take back the last groups. */
export const SqliteIdempotencyStore = {
  /** @throws KitError STORE_UNAVAILABLE */
  async open(options: { path: string; bounds?: IdempotencyBounds } & IdempotencyOptions): Promise<IdempotencyStore> {
    const db = openRebuildable(options.path);
    try {
      return new IdempotencyStore(
        guarded(() => new SqliteTable(db, options.bounds ?? DEFAULT_BOUNDS)),
        options,
      );
    } catch (error) {
      db.close();
      throw error;
    }
  },
};

class SqliteTable implements IdempotencyTable {
  readonly #db: DatabaseSync;
  readonly #bounds: IdempotencyBounds;
  readonly #read: StatementSync;
  readonly #write: StatementSync;
  readonly #drop: StatementSync;
  readonly #dropExpired: StatementSync;
  readonly #dropOldest: StatementSync;
  #entries: number;

  constructor(db: DatabaseSync, bounds: IdempotencyBounds) {
    this.#db = db;
    this.#bounds = bounds;
    db.exec(SCHEMA);
    this.#read = db.prepare('SELECT key, bodyHash, answer, at FROM answers WHERE key = ? AND at > ?');
    this.#write = db.prepare('INSERT INTO answers (key, bodyHash, answer, at) VALUES (?, ?, ?, ?)');
    this.#drop = db.prepare('DELETE FROM answers WHERE key = ?');
    this.#dropExpired = db.prepare(`DELETE FROM answers WHERE n IN (SELECT n FROM (${OLDEST}) WHERE at <= ?)`);
    this.#dropOldest = db.prepare(`DELETE FROM answers WHERE n IN (SELECT n FROM (${OLDEST}))`);
    this.#entries = Number(db.prepare('SELECT count(*) AS entries FROM answers').get()!.entries);
  }

  async lookup(keys: readonly string[], now: number): Promise<(IdempotencyRecord | null)[]> {
    const aliveAfter = now - this.#bounds.windowMs;
    return guarded(() => keys.map((key) => (this.#read.get(key, aliveAfter) as IdempotencyRecord | undefined) ?? null));
  }

  async store(records: readonly IdempotencyRecord[], now: number): Promise<void> {
    this.#entries = transaction(this.#db, () => {
      let entries = this.#entries + records.length;
      for (const { key, bodyHash, answer, at } of records) {
        entries -= Number(this.#drop.run(key).changes);
        this.#write.run(key, bodyHash, answer, at);
      }
      const budget = 2 * records.length + 100;
      entries -= Number(this.#dropExpired.run(budget, now - this.#bounds.windowMs).changes);
      const surplus = Math.min(entries - this.#bounds.maxEntries, budget);
      return surplus > 0 ? entries - Number(this.#dropOldest.run(surplus).changes) : entries;
    });
  }

  async close(): Promise<void> {
    if (this.#db.isOpen) this.#db.close();
  }
}
