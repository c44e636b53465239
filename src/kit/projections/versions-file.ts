import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { KitError } from '../errors.ts';
import { FIRST_VERSIONS, type VersionPointer, type Versions } from './versions.ts';

/** In a file, for a directory that one process owns: replaced as a whole, and durable before `compareAndSet` answers. */
export class FileVersionPointer implements VersionPointer {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async read(): Promise<Versions> {
    return this.#read();
  }

  async compareAndSet(expected: Versions, next: Versions): Promise<boolean> {
    // without a pause between reading and writing: nobody else comes in between
    if (JSON.stringify(this.#read()) !== JSON.stringify(expected)) return false;
    const draft = `${this.#path}.draft`;
    try {
      sync(draft, 'w', `${JSON.stringify(next)}\n`);
      renameSync(draft, this.#path);
      sync(dirname(this.#path), 'r');
    } catch (cause) {
      throw unavailable(this.#path, cause);
    }
    return true;
  }

  #read(): Versions {
    try {
      return JSON.parse(readFileSync(this.#path, 'utf8')) as Versions;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return FIRST_VERSIONS;
      throw unavailable(this.#path, cause);
    }
  }
}

function sync(path: string, flags: 'r' | 'w', text?: string): void {
  const file = openSync(path, flags);
  try {
    if (text !== undefined) writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function unavailable(path: string, cause: unknown): KitError {
  const why = (cause as Error).message;
  return new KitError('STORE_UNAVAILABLE', `${path}: ${why}`, { cause, retriable: true });
}
