/** A file system of a few megabytes, in memory, that can be filled up and freed again. Linux, and root: it is mounted. */
import { execFile } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const BLOCK_BYTES = 4096;

export class SmallDisk {
  /** Where it is mounted. */
  readonly directory: string;

  /** @param directory created if it is missing; what it held is hidden until `unmount` */
  static async mount(directory: string, bytes: number): Promise<SmallDisk> {
    mkdirSync(directory, { recursive: true });
    await run('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=700`, 'tmpfs', directory]);
    return new SmallDisk(directory);
  }

  /** Whether this process may mount one. */
  static get isPossible(): boolean {
    return process.platform === 'linux' && process.getuid?.() === 0;
  }

  private constructor(directory: string) {
    this.directory = directory;
  }

  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.directory);
    return bavail * bsize;
  }

  /** Takes every block that is left. */
  fill(): void {
    const file = openSync(this.#ballast, 'a');
    const block = Buffer.alloc(BLOCK_BYTES);
    try {
      for (;;) writeSync(file, block);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    } finally {
      closeSync(file);
    }
  }

  /** Gives back what `fill` took. */
  free(): void {
    rmSync(this.#ballast, { force: true });
  }

  /** When no process uses it any more. */
  async unmount(): Promise<void> {
    await run('umount', [this.directory]);
  }

  get #ballast(): string {
    return join(this.directory, 'ballast');
  }
}
