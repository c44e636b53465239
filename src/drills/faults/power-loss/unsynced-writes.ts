/**
 * Plays a loss of power: a process runs with `assets/drills/unsynced.c` loaded, is killed, and then its files lose what it
 * had written to them and not fsynced. What is modelled and what is not is said there.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { none, some, undo } from './undo.ts';
import { readUndoJournal } from './undo-journal.ts';

export interface PowerLoss {
  /** Writes since the last fsync of their file. */
  readonly unsyncedWrites: number;
  readonly unsyncedBytes: number;
  /** Of these, how many are gone. */
  readonly droppedBytes: number;
}

export interface UnsyncedOptions {
  /** The shim, see `compileShim`. */
  readonly library: string;
  /** Whose files are watched; there already, without files, and none of it on another file system. */
  readonly directory: string;
  /** For the journals; outside of `directory`, and created. */
  readonly journals: string;
  /** fsync does nothing, as on a disk that lies: everything ever written is lost. Default false. */
  readonly ignoreSync?: boolean;
}

export class UnsyncedWrites {
  readonly #options: UnsyncedOptions;

  constructor(options: UnsyncedOptions) {
    this.#options = options;
    mkdirSync(options.journals, { recursive: true });
  }

  /** Variables for the process that is to be watched. */
  env(): Record<string, string> {
    const { library, directory, journals, ignoreSync } = this.#options;
    const env = { LD_PRELOAD: library, UNSYNCED_DIRECTORY: directory, UNSYNCED_JOURNAL: journals };
    return ignoreSync ? { ...env, UNSYNCED_IGNORE_SYNC: '1' } : env;
  }

  /**
   * Call when the process is gone. Afterwards the files are what the disk has.
   *
   * @param random in [0, 1): any of the unsynced sectors may have been written. Without it none was.
   */
  losePower({ random, sectorBytes = 4096 }: { random?: () => number; sectorBytes?: number } = {}): PowerLoss {
    const survivors = random === undefined ? none : some(random);
    const lost = { unsyncedWrites: 0, unsyncedBytes: 0, droppedBytes: 0 };
    for (const path of filesBelow(this.#options.directory)) {
      if (path.endsWith('-shm')) {
        // mapped into memory, so the journal has nothing of it; SQLite builds it anew after a loss of power in any case
        rmSync(path);
        continue;
      }
      const records = this.#journalOf(path);
      if (records.length === 0) continue;
      lost.unsyncedWrites += records.length;
      lost.unsyncedBytes += records.reduce((sum, { length }) => sum + length, 0);
      lost.droppedBytes += undo(path, records, survivors, sectorBytes);
    }
    for (const journal of readdirSync(this.#options.journals)) rmSync(join(this.#options.journals, journal));
    return lost;
  }

  #journalOf(path: string) {
    const journal = join(this.#options.journals, `${statSync(path).ino}.undo`);
    try {
      return readUndoJournal(readFileSync(journal));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  }
}

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
