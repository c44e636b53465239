import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { KitError } from '../../errors.ts';
import type { TopicPartition } from '../../log/event-log.ts';
import { guarded, openRebuildable, transaction } from '../../stores/sqlite.ts';
import { applyEffects } from '../changes.ts';
import { checkEffect } from '../check-effect.ts';
import { checkKeys } from '../deltas.ts';
import {
  type ApplyBatch,
  type ApplyOutcome,
  DEFAULT_WINDOW,
  type DeduplicationWindow,
  type Document,
  type Effect,
  type KeyPage,
  type KeyQuery,
  type ParkedRecord,
  type PartitionClaim,
  type PartitionState,
  type ProjectionStore,
} from '../projection-store.ts';
import { DOCUMENTS_MIGRATION, DOCUMENTS_SCHEMA, SqliteDocuments } from './sqlite-documents.ts';

/** 2 adds bounded documents; a file of layout 1 is brought to it when it is opened. */
const SCHEMA_VERSION = 2;

/**
 * `seen_ids` answers "was this id counted?"; `seen_batches` holds the same ids in order of arrival, a row per batch, so
 * that forgetting the oldest needs no second index over every id.
 */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS projection (name TEXT PRIMARY KEY) STRICT;
  CREATE TABLE IF NOT EXISTS partitions (
    id INTEGER PRIMARY KEY, topic TEXT NOT NULL, partition INTEGER NOT NULL,
    epoch INTEGER NOT NULL, next INTEGER,
    applied INTEGER NOT NULL DEFAULT 0, duplicates INTEGER NOT NULL DEFAULT 0, dead INTEGER NOT NULL DEFAULT 0,
    remembered INTEGER NOT NULL DEFAULT 0, UNIQUE (topic, partition)) STRICT;
  CREATE TABLE IF NOT EXISTS seen_ids (
    partition INTEGER NOT NULL, id TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (partition, id)) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS seen_batches (
    n INTEGER PRIMARY KEY, partition INTEGER NOT NULL, at INTEGER NOT NULL, ids TEXT NOT NULL) STRICT;
  CREATE INDEX IF NOT EXISTS seen_batches_by_partition ON seen_batches (partition);
  CREATE TABLE IF NOT EXISTS parked (
    partition INTEGER NOT NULL, offset INTEGER NOT NULL, record TEXT NOT NULL,
    PRIMARY KEY (partition, offset)) STRICT, WITHOUT ROWID;
  ${DOCUMENTS_SCHEMA}
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

const SQL = {
  claim: `INSERT INTO partitions (topic, partition, epoch) VALUES (?, ?, 1)
    ON CONFLICT DO UPDATE SET epoch = epoch + 1 RETURNING id, epoch, next`,
  parked: 'SELECT record FROM parked WHERE partition = ? ORDER BY offset',
  state: 'SELECT id, epoch, next, remembered FROM partitions WHERE topic = ? AND partition = ?',
  advance: `UPDATE partitions SET next = ?, applied = applied + ?, duplicates = duplicates + ?, dead = dead + ?,
    remembered = ? WHERE id = ?`,
  // Changes one row when the id is new or its time in the window is over, none when it is a duplicate.
  remember: `INSERT INTO seen_ids (partition, id, at) VALUES (?, ?, ?)
    ON CONFLICT DO UPDATE SET at = excluded.at WHERE at <= ?`,
  queueIds: 'INSERT INTO seen_batches (partition, at, ids) VALUES (?, ?, ?)',
  oldestIds: 'SELECT n, at, ids FROM seen_batches WHERE partition = ? ORDER BY n LIMIT 1',
  // An id that came again after its time is in a later batch with a later `at`, and stays.
  forget: 'DELETE FROM seen_ids WHERE partition = ? AND at = ? AND id IN (SELECT value FROM json_each(?))',
  dropBatch: 'DELETE FROM seen_batches WHERE n = ?',
  shortenBatch: 'UPDATE seen_batches SET ids = ? WHERE n = ?',
  park: 'INSERT OR REPLACE INTO parked (partition, offset, record) VALUES (?, ?, ?)',
  unpark: 'DELETE FROM parked WHERE partition = ? AND offset = ?',
  states: `SELECT topic, partition, epoch, next, applied, duplicates, dead,
    (SELECT count(*) FROM parked WHERE parked.partition = partitions.id) AS parked
    FROM partitions ORDER BY topic, partition`,
} as const;

interface StateRow {
  readonly id: number;
  readonly epoch: number;
  readonly next: number | null;
  readonly remembered: number;
}

/**
 * A projection in one SQLite file (WAL). Commits with `synchronous=NORMAL`: a power loss may take back the last batches,
 * position included, and they are read from the log again (docs/decisions/projections-commit-with-normal.md).
 * Calls run on the caller's thread, each within one transaction.
 */
export class SqliteProjectionStore implements ProjectionStore {
  readonly name: string;
  readonly #db: DatabaseSync;
  readonly #window: DeduplicationWindow;
  readonly #sql: Readonly<Record<keyof typeof SQL, StatementSync>>;
  readonly #documents: SqliteDocuments;

  /** @throws KitError STORE_MISMATCH when the file holds another projection or layout, STORE_UNAVAILABLE */
  static async open(options: {
    path: string;
    name: string;
    window?: DeduplicationWindow;
  }): Promise<SqliteProjectionStore> {
    return new SqliteProjectionStore(options.path, options.name, options.window ?? DEFAULT_WINDOW);
  }

  private constructor(path: string, name: string, window: DeduplicationWindow) {
    this.name = name;
    this.#window = window;
    this.#db = openRebuildable(path);
    try {
      transaction(this.#db, () => this.#prepareSchema(path));
      this.#sql = Object.fromEntries(Object.entries(SQL).map(([key, sql]) => [key, this.#db.prepare(sql)])) as Record<
        keyof typeof SQL,
        StatementSync
      >;
      this.#documents = new SqliteDocuments(this.#db);
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  #prepareSchema(path: string): void {
    const { user_version: version } = this.#db.prepare('PRAGMA user_version').get() as { user_version: number };
    if (version === 0) {
      this.#db.exec(SCHEMA);
      this.#db.prepare('INSERT INTO projection (name) VALUES (?)').run(this.name);
    }
    const owner = version <= SCHEMA_VERSION ? this.#db.prepare('SELECT name FROM projection').get()?.name : undefined;
    if (owner !== this.name) {
      const found = owner === undefined ? `layout ${version}` : `projection ${owner}`;
      throw new KitError(
        'STORE_MISMATCH',
        `${path} holds ${found}, not ${this.name}; delete it to rebuild from the log`,
      );
    }
    if (version === 1) this.#db.exec(`${DOCUMENTS_MIGRATION} PRAGMA user_version = ${SCHEMA_VERSION}`);
  }

  async claim({ topic, partition }: TopicPartition): Promise<PartitionClaim> {
    return transaction(this.#db, () => {
      const { id, epoch, next } = this.#sql.claim.get(topic, partition) as unknown as StateRow;
      const parked = this.#sql.parked.all(id).map((row) => JSON.parse(row.record as string) as ParkedRecord);
      return { epoch, next, parked };
    });
  }

  async apply(batch: ApplyBatch): Promise<ApplyOutcome> {
    return transaction(this.#db, () => {
      const state = this.#sql.state.get(batch.topic, batch.partition) as StateRow | undefined;
      if (state === undefined || state.epoch !== batch.epoch) return { status: 'fenced', epoch: state?.epoch ?? 0 };
      if (state.next !== batch.expect) return { status: 'mismatch', next: state.next };

      const { effects, fresh, duplicates } = this.#deduplicate(state.id, batch);
      applyEffects(effects, this.#documents);
      const remembered = this.#prune(state.id, state.remembered + fresh, fresh, batch.now);
      for (const offset of batch.unpark) this.#sql.unpark.run(state.id, offset);
      for (const record of batch.park) this.#sql.park.run(state.id, record.offset, JSON.stringify(record));
      const applied = batch.effects.length - duplicates.length;
      this.#sql.advance.run(batch.next, applied, duplicates.length, batch.dead, remembered, state.id);
      return { status: 'ok', duplicates };
    });
  }

  #deduplicate(partition: number, { effects, now }: { effects: readonly Effect[]; now: number }) {
    const counted: Effect[] = [];
    const duplicates: number[] = [];
    const ids: string[] = [];
    const expiredAt = now - this.#window.windowMs;
    for (const effect of effects) {
      checkEffect(effect);
      if (effect.eventId !== null) {
        if (this.#sql.remember.run(partition, effect.eventId, now, expiredAt).changes === 0) {
          duplicates.push(effect.offset);
          continue;
        }
        ids.push(effect.eventId);
      }
      counted.push(effect);
    }
    if (ids.length > 0) this.#sql.queueIds.run(partition, now, JSON.stringify(ids));
    return { effects: counted, duplicates, fresh: ids.length };
  }

  /** Forgets ids over the cap or out of the window, oldest first; the work is in proportion to the batch. */
  #prune(partition: number, remembered: number, fresh: number, now: number): number {
    let left = remembered;
    let budget = 2 * fresh + 100;
    while (left > 0 && budget > 0) {
      const oldest = this.#sql.oldestIds.get(partition) as { n: number; at: number; ids: string } | undefined;
      if (oldest === undefined) break;
      const expired = oldest.at <= now - this.#window.windowMs;
      const surplus = Math.min(budget, expired ? left : left - this.#window.maxIdsPerPartition);
      if (surplus <= 0) break;
      const ids = JSON.parse(oldest.ids) as string[];
      const out = ids.slice(0, surplus);
      this.#sql.forget.run(partition, oldest.at, JSON.stringify(out));
      if (out.length === ids.length) this.#sql.dropBatch.run(oldest.n);
      else this.#sql.shortenBatch.run(JSON.stringify(ids.slice(surplus)), oldest.n);
      left -= out.length;
      budget -= out.length;
    }
    return left;
  }

  async get(key: string): Promise<Document | null> {
    return guarded(() => this.#documents.get(key));
  }

  async getMany(keys: readonly string[]): Promise<(Document | null)[]> {
    checkKeys(keys);
    return guarded(() => this.#documents.getMany(keys));
  }

  async keys({ prefix, limit, cursor }: KeyQuery): Promise<KeyPage> {
    const keys = guarded(() => this.#documents.keys(prefix, cursor, limit));
    return { keys, cursor: keys.length < limit ? null : keys.at(-1)! };
  }

  async parked({ topic, partition }: TopicPartition): Promise<readonly ParkedRecord[]> {
    return guarded(() => {
      const state = this.#sql.state.get(topic, partition) as StateRow | undefined;
      const rows = state === undefined ? [] : this.#sql.parked.all(state.id);
      return rows.map((row) => JSON.parse(row.record as string) as ParkedRecord);
    });
  }

  async partitions(): Promise<PartitionState[]> {
    return guarded(() => this.#sql.states.all()).map((row) => {
      const { topic, partition, epoch, next, parked, applied, duplicates, dead } = row as unknown as PartitionState &
        PartitionState['tallies'];
      return { topic, partition, epoch, next, parked, tallies: { applied, duplicates, dead } };
    });
  }

  /** Reads by the page: what is applied meanwhile may be seen in later pages. */
  async *documents(): AsyncGenerator<readonly [string, Document]> {
    let after = '';
    while (true) {
      const page = guarded(() => this.#documents.page(after));
      yield* page;
      const last = page.at(-1);
      if (last === undefined) return;
      [after] = last;
    }
  }

  async clear(): Promise<void> {
    transaction(this.#db, () =>
      this.#db.exec(`DELETE FROM documents; DELETE FROM entries; DELETE FROM seen_ids; DELETE FROM seen_batches; DELETE FROM parked;
        UPDATE partitions SET next = NULL, applied = 0, duplicates = 0, dead = 0, remembered = 0`),
    );
  }

  /** Takes the place of everything that is here, epochs excepted. @param path of another store's file, closed */
  async restore(path: string): Promise<void> {
    guarded(() => this.#db.prepare('ATTACH ? AS other').run(path));
    try {
      transaction(this.#db, () =>
        this.#db.exec(
          [
            'CREATE TEMP TABLE epochs AS SELECT topic, partition, epoch FROM main.partitions;',
            ...['partitions', 'documents', 'entries', 'seen_ids', 'seen_batches', 'parked'].map(
              (table) => `DELETE FROM main.${table}; INSERT INTO main.${table} SELECT * FROM other.${table};`,
            ),
            `INSERT INTO main.partitions (topic, partition, epoch) SELECT topic, partition, epoch FROM epochs WHERE true
              ON CONFLICT (topic, partition) DO UPDATE SET epoch = max(epoch, excluded.epoch);`,
            'DROP TABLE epochs;',
          ].join('\n'),
        ),
      );
    } finally {
      this.#db.exec('DETACH other');
    }
  }

  async close(): Promise<void> {
    if (this.#db.isOpen) this.#db.close();
  }
}
