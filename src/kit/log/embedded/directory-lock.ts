/**
 * One process per data directory. The lock is one that SQLite takes from the operating system, which gives it back however
 * the process ends: a directory left by `kill -9` needs no repair, and a process id that is used again cannot mislead.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { KitError } from '../../errors.ts';

export interface DirectoryLock {
  release(): void;
}

/** Creates the directory when it is missing. @throws KitError DATA_DIR_LOCKED, DATA_DIR_UNUSABLE */
export function lockDirectory(directory: string, now: number): DirectoryLock {
  const ownerFile = join(directory, 'owner.json');
  let database: DatabaseSync | undefined;
  try {
    mkdirSync(directory, { recursive: true });
    database = new DatabaseSync(join(directory, 'lock.db'), { timeout: 0 });
    database.exec('BEGIN EXCLUSIVE');
    writeFileSync(ownerFile, `${JSON.stringify({ pid: process.pid, since: new Date(now).toISOString() })}\n`);
  } catch (cause) {
    database?.close();
    throw isBusy(cause) ? locked(directory, ownerFile) : unusable(directory, cause);
  }
  return { release: () => database.close() };
}

export function unusable(directory: string, cause: unknown): KitError {
  const message = `The data directory ${directory} cannot be used: ${cause instanceof Error ? cause.message : cause}`;
  return new KitError('DATA_DIR_UNUSABLE', message, { cause, details: { directory } });
}

function locked(directory: string, ownerFile: string): KitError {
  const pid = ownerPid(ownerFile);
  const owner = pid === null ? 'another process' : `process ${pid}`;
  return new KitError(
    'DATA_DIR_LOCKED',
    `The data directory ${directory} is in use by ${owner}. Stop that process, connect to it, or choose another directory.`,
    { details: { directory, pid } },
  );
}

function ownerPid(ownerFile: string): number | null {
  try {
    const { pid } = JSON.parse(readFileSync(ownerFile, 'utf8')) as { pid: number };
    return pid;
  } catch {
    return null;
  }
}

function isBusy(error: unknown): boolean {
  const SQLITE_BUSY = 5;
  return error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY;
}
