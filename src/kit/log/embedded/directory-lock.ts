/**
 * One process per data directory. The lock is one that SQLite takes from the operating system, which gives it back however
 * the process ends: a directory left by `kill -9` needs no repair, and a process id that is used again cannot mislead.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { KitError } from '../../errors.ts';

interface Owner {
  readonly pid: number;
  readonly since: string;
  /** `host:port` where it speaks Kafka's protocol. */
  readonly broker?: string;
}

export interface DirectoryLock {
  /** @param broker `host:port` where the owner speaks Kafka's protocol, for those who come later */
  announce(broker: string | null): void;
  release(): void;
}

/** Creates the directory when it is missing. @throws KitError DATA_DIR_LOCKED, DATA_DIR_UNUSABLE */
export function lockDirectory(directory: string, now: number): DirectoryLock {
  const ownerFile = join(directory, 'owner.json');
  const since = new Date(now).toISOString();
  let database: DatabaseSync | undefined;
  try {
    mkdirSync(directory, { recursive: true });
    database = new DatabaseSync(join(directory, 'lock.db'), { timeout: 0 });
    database.exec('BEGIN EXCLUSIVE');
    writeOwner(ownerFile, { since });
  } catch (cause) {
    database?.close();
    throw isBusy(cause) ? locked(directory, ownerFile) : unusable(directory, cause);
  }
  return {
    announce(broker) {
      try {
        writeOwner(ownerFile, { since, ...(broker === null ? {} : { broker }) });
      } catch {
        // A full disk must not keep the owner from serving: this is no more than a hint.
      }
    },
    release: () => database.close(),
  };
}

function writeOwner(file: string, owner: Omit<Owner, 'pid'>): void {
  writeFileSync(file, `${JSON.stringify({ pid: process.pid, ...owner } satisfies Owner)}\n`);
}

export function unusable(directory: string, cause: unknown): KitError {
  const message = `The data directory ${directory} cannot be used: ${cause instanceof Error ? cause.message : cause}`;
  return new KitError('DATA_DIR_UNUSABLE', message, { cause, details: { directory } });
}

function locked(directory: string, ownerFile: string): KitError {
  const { pid = null, broker = null } = readOwner(ownerFile);
  const owner = pid === null ? 'another process' : `process ${pid}`;
  const where = broker === null ? 'connect to it' : `connect to it as to a Kafka broker at ${broker}`;
  return new KitError(
    'DATA_DIR_LOCKED',
    `The data directory ${directory} is in use by ${owner}. Stop that process, ${where}, or choose another directory.`,
    { details: { directory, pid, broker } },
  );
}

function readOwner(ownerFile: string): Partial<Owner> {
  try {
    return JSON.parse(readFileSync(ownerFile, 'utf8')) as Owner;
  } catch {
    return {};
  }
}

function isBusy(error: unknown): boolean {
  const SQLITE_BUSY = 5;
  return error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY;
}
