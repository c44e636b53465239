/** The tables of the log's file, and how a file of an earlier release gets them. */
import { DatabaseSync } from 'node:sqlite';
import { randomId } from './topic-rules.ts';

const VERSION = 2;

/**
 * `batches`: `max_timestamp` is the greatest of the partition up to and including the batch, so that it ascends with the
 * offsets and time can be searched by halving; so does `bytes_so_far`, every byte that was appended up to here.
 * `tombstones_until` is when its records without a value may go; null as long as no compaction has met them. Rows are kept
 * apart from their index: they are then written one after the other.
 *
 * `partitions`: a row exists once something in it has another value than at first. A partition's size is `bytes_so_far` of its last
 * batch and `bytes_correction`. Up to `holes_below` compaction may have left holes, up to `clean_offset` (and `clean_bytes`,
 * as `bytes_so_far`) it has been. `tombstones_due` is the least `tombstones_until`, -1 for none.
 *
 * `topics.id` is never given twice: what is left of a dropped topic must not become another one's.
 */
const TABLES = `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE batches (
    topic_id INTEGER NOT NULL, partition INTEGER NOT NULL, base_offset INTEGER NOT NULL, last_offset INTEGER NOT NULL,
    max_timestamp INTEGER NOT NULL, record_count INTEGER NOT NULL, bytes_so_far INTEGER NOT NULL DEFAULT 0,
    tombstones_until INTEGER, bytes BLOB NOT NULL);
  CREATE UNIQUE INDEX batches_by_offset ON batches (topic_id, partition, base_offset);`;

const TABLES_SINCE_2 = `
  CREATE TABLE topics (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, uuid TEXT NOT NULL UNIQUE,
    partitions INTEGER NOT NULL, config TEXT NOT NULL);
  CREATE TABLE dropped_topics (id INTEGER PRIMARY KEY);
  CREATE TABLE partitions (
    topic_id INTEGER NOT NULL, partition INTEGER NOT NULL, start_offset INTEGER NOT NULL DEFAULT 0,
    bytes_correction INTEGER NOT NULL DEFAULT 0, holes_below INTEGER NOT NULL DEFAULT 0,
    clean_offset INTEGER NOT NULL DEFAULT 0, clean_bytes INTEGER NOT NULL DEFAULT 0,
    tombstones_due INTEGER NOT NULL DEFAULT -1, PRIMARY KEY (topic_id, partition)) WITHOUT ROWID;
  CREATE TABLE producers (
    topic_id INTEGER NOT NULL, partition INTEGER NOT NULL, producer_id INTEGER NOT NULL, epoch INTEGER NOT NULL,
    batches TEXT NOT NULL, used_at INTEGER NOT NULL, PRIMARY KEY (topic_id, partition, producer_id)) WITHOUT ROWID;`;

/** Null is a log in memory, which exists as long as the answer is open. */
export function openDatabase(file: string | null): DatabaseSync {
  const database = new DatabaseSync(file ?? ':memory:', { timeout: 5_000 });
  try {
    if (file !== null) {
      database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864');
    }
    prepare(database);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

export function readMeta(database: DatabaseSync, name: string): string | null {
  const row = database.prepare('SELECT value FROM meta WHERE name = ?').get(name);
  return row === undefined ? null : String(row.value);
}

export function inTransaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    // SQLite has rolled back by itself after some errors (a full disk).
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

function prepare(database: DatabaseSync): void {
  const version = Number(database.prepare('PRAGMA user_version').get()!.user_version);
  if (version > VERSION) throw new Error(`it was written by a later release (format ${version})`);
  if (version === VERSION) return;
  inTransaction(database, () => {
    const begun = database.prepare(`SELECT 1 FROM sqlite_schema WHERE name = 'batches'`).get() !== undefined;
    if (begun) fromVersion1(database);
    else database.exec(TABLES + TABLES_SINCE_2);
    database.prepare(`INSERT INTO meta VALUES ('cluster_id', ?) ON CONFLICT DO NOTHING`).run(randomId());
    database.exec(`PRAGMA user_version = ${VERSION}`);
  });
}

/** Batches are not rewritten: what they hold so far becomes a correction of their partition's size. */
function fromVersion1(database: DatabaseSync): void {
  const topics = database.prepare('SELECT id, name, partitions, config FROM topics').all();
  database.exec(`
    ALTER TABLE batches ADD COLUMN bytes_so_far INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE batches ADD COLUMN tombstones_until INTEGER;
    DROP TABLE topics;
    ${TABLES_SINCE_2}
    INSERT INTO partitions (topic_id, partition, bytes_correction, clean_bytes)
      SELECT topic_id, partition, SUM(length(bytes)), -SUM(length(bytes)) FROM batches GROUP BY 1, 2;`);
  const insert = database.prepare('INSERT INTO topics VALUES (?, ?, ?, ?, ?)');
  for (const { id, name, partitions, config } of topics) insert.run(id!, name!, randomId(), partitions!, config!);
}
