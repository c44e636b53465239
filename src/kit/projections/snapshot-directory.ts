/**
 * What a projection was at moments of the past, each a file with a note beside it: `<id>.snapshot`, `<id>.json`. The note is
 * written last and tells size and SHA-256; a file that is not as its note says, or has none, is removed.
 */
import { createHash, randomUUID } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { copyFile, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { PartitionOffset } from '../log/event-log.ts';

export interface SnapshotNote {
  /** Everything before this time is in it, ms since the epoch. */
  readonly at: number;
  /** The next offset of every partition. */
  readonly positions: readonly PartitionOffset[];
  /** Of the code that made it: another one may come to something else. */
  readonly madeBy: string;
}

export interface Snapshot extends SnapshotNote {
  readonly id: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface SnapshotOptions {
  readonly directory: string;
  /** Default 8: of more, those go that are closest to another. */
  readonly keep?: number;
  readonly onBroken?: (why: string) => void;
}

export class SnapshotDirectory {
  readonly #directory: string;
  readonly #keep: number;
  readonly #onBroken: (why: string) => void;

  constructor({ directory, keep = 8, onBroken = () => {} }: SnapshotOptions) {
    this.#directory = directory;
    this.#keep = keep;
    this.#onBroken = onBroken;
  }

  /** Oldest first. */
  async list(): Promise<Snapshot[]> {
    const names = await readdir(this.#directory).catch(() => []);
    const notes = names.filter((name) => name.endsWith('.json'));
    const snapshots = await Promise.all(notes.map((name) => this.#note(name.slice(0, -'.json'.length))));
    return snapshots.filter((snapshot) => snapshot !== null).sort((a, b) => a.at - b.at);
  }

  /** Copies it. @returns false where it is broken; it is gone then */
  async restore(snapshot: Snapshot, path: string): Promise<boolean> {
    try {
      await copyFile(this.#file(snapshot.id), path, constants.COPYFILE_FICLONE);
      if ((await sha256Of(path)) === snapshot.sha256) return true;
      this.#onBroken(`${this.#file(snapshot.id)} is not as it was written: removed`);
    } catch (error) {
      this.#onBroken(`${this.#file(snapshot.id)} cannot be read: ${(error as Error).message}`);
    }
    await rm(path, { force: true });
    await this.#remove(snapshot.id);
    return false;
  }

  /** Takes the file at `path`, of the same file system, as a snapshot. */
  async add(note: SnapshotNote, path: string): Promise<void> {
    await mkdir(this.#directory, { recursive: true });
    const id = randomUUID();
    const [sha256, { size: bytes }] = await Promise.all([sha256Of(path), stat(path)]);
    await rename(path, this.#file(id));
    const draft = join(this.#directory, `${id}.draft`);
    await using file = await open(draft, 'w');
    await file.writeFile(JSON.stringify({ ...note, bytes, sha256 }));
    await file.sync();
    await rename(draft, this.#noteFile(id));
    await this.#thin();
  }

  async removeWhere(unwanted: (snapshot: Snapshot) => boolean): Promise<void> {
    for (const snapshot of await this.list()) if (unwanted(snapshot)) await this.#remove(snapshot.id);
  }

  /** Those that stay are spread over time; the newest and the oldest always stay. */
  async #thin(): Promise<void> {
    const snapshots = await this.list();
    while (snapshots.length > this.#keep) {
      let closest = 1;
      const gap = (index: number) => snapshots[index + 1]!.at - snapshots[index - 1]!.at;
      for (let index = 2; index < snapshots.length - 1; index++) if (gap(index) < gap(closest)) closest = index;
      const [out] = snapshots.splice(closest, 1);
      await this.#remove(out!.id);
    }
  }

  async #note(id: string): Promise<Snapshot | null> {
    try {
      const note = JSON.parse(await readFile(this.#noteFile(id), 'utf8')) as Omit<Snapshot, 'id'>;
      if (!Array.isArray(note.positions)) throw new TypeError('it has no positions');
      return { ...note, id };
    } catch (error) {
      this.#onBroken(`${this.#noteFile(id)} cannot be read and is removed: ${(error as Error).message}`);
      await this.#remove(id);
      return null;
    }
  }

  async #remove(id: string): Promise<void> {
    // the note first: without it the file is nothing
    await rm(this.#noteFile(id), { force: true });
    await rm(this.#file(id), { force: true });
  }

  #file(id: string): string {
    return join(this.#directory, `${id}.snapshot`);
  }

  #noteFile(id: string): string {
    return join(this.#directory, `${id}.json`);
  }
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
