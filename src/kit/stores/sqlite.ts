import { DatabaseSync } from 'node:sqlite';
import { KitError } from '../errors.ts';

/**
 * Opens a file for state that can be rebuilt or lost without harm: WAL, `synchronous=NORMAL` (survives the end of the
 * process; a power loss may take back the last transactions, whole ones), 4 MiB of page cache: a process has
 * seven and more of these files open, and what falls out is in the operating system's cache.
 *
 * @throws KitError STORE_UNAVAILABLE
 */
export function openRebuildable(path: string): DatabaseSync {
  return guarded(() => {
    const db = new DatabaseSync(path, { timeout: 2_000 });
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -4096');
    return db;
  });
}

/** @throws KitError STORE_UNAVAILABLE; whatever `work` throws, after undoing it */
export function transaction<T>(db: DatabaseSync, work: () => T): T {
  return guarded(() => {
    db.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      db.exec('COMMIT');
      return result;
    } catch (error) {
      // SQLite has rolled back by itself after some errors (a full disk).
      if (db.isTransaction) db.exec('ROLLBACK');
      throw error;
    }
  });
}

/** Errors of SQLite (busy, full disk, closed) become STORE_UNAVAILABLE; others pass. */
export function guarded<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code !== 'ERR_SQLITE_ERROR' && code !== 'ERR_INVALID_STATE') throw error;
    throw new KitError('STORE_UNAVAILABLE', `SQLite: ${(error as Error).message}`, { cause: error, retriable: true });
  }
}
