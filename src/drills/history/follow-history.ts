import { type FileHandle, open } from 'node:fs/promises';
import type { ApplyOperation, HistoryEntry, OperationEnd, PublishOperation } from './history.ts';

type Begun = (ApplyOperation | PublishOperation) & { readonly operation: number };

/** Of one file at a look; the rest is read at the next. */
const MAX_READ_BYTES = 8 * 1024 * 1024;

/** The growing histories of a drill, from where they were read last. An operation is told when it has ended. */
export class HistoryFollower {
  readonly #files = new Map<string, FollowedFile>();

  /** What these files have got since; one that is not there yet has nothing. */
  async *news(files: readonly string[]): AsyncGenerator<HistoryEntry> {
    for (const path of files) {
      const file = this.#files.get(path) ?? (await FollowedFile.open(path));
      if (file === null) continue;
      this.#files.set(path, file);
      yield* await file.news();
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#files.values()].map((file) => file.close()));
    this.#files.clear();
  }
}

class FollowedFile {
  readonly #handle: FileHandle;
  readonly #begun = new Map<number, Begun>();
  #position = 0;

  static async open(path: string): Promise<FollowedFile | null> {
    return open(path).then(
      (handle) => new FollowedFile(handle),
      () => null,
    );
  }

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async news(): Promise<HistoryEntry[]> {
    const { size } = await this.#handle.stat();
    const length = Math.min(MAX_READ_BYTES, size - this.#position);
    if (length <= 0) return [];
    const { buffer, bytesRead } = await this.#handle.read(Buffer.allocUnsafe(length), 0, length, this.#position);
    // Up to the last whole line, so that no character is cut in two.
    const end = buffer.subarray(0, bytesRead).lastIndexOf(0x0a) + 1;
    this.#position += end;
    return buffer
      .toString('utf8', 0, end)
      .split('\n')
      .flatMap((line) => (line === '' ? [] : this.#entry(line)));
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  #entry(line: string): HistoryEntry[] {
    const entry = JSON.parse(line) as HistoryEntry | OperationEnd | Begun;
    if (entry.kind === 'end') {
      const begun = this.#begun.get(entry.operation);
      this.#begun.delete(entry.operation);
      return begun === undefined ? [] : [{ ...begun, ...entry, kind: begun.kind } as HistoryEntry];
    }
    if (!('operation' in entry)) return [entry];
    this.#begun.set(entry.operation, entry);
    return [];
  }
}
