import { readFile } from 'node:fs/promises';

const EVERY_MS = 250;

/** The greatest resident set of each watched process, from /proc; knows nothing where there is none. */
export class MemoryWatch {
  readonly #pids = new Map<string, number>();
  readonly #highestBytes = new Map<string, number>();
  #timer: NodeJS.Timeout | null = null;

  /** A later process of the same name takes the place of the earlier one; the maximum is over both. */
  watch(name: string, pid: number): void {
    this.#pids.set(name, pid);
    this.#timer ??= setInterval(() => void this.#look(), EVERY_MS);
  }

  /** By name, in bytes. */
  get highest(): ReadonlyMap<string, number> {
    return this.#highestBytes;
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  async #look(): Promise<void> {
    for (const [name, pid] of this.#pids) {
      const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
      // proc(5): the kernel keeps the maximum, so that nothing between two looks is missed
      const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
      if (kibibytes === undefined) continue;
      this.#highestBytes.set(name, Math.max(this.#highestBytes.get(name) ?? 0, Number(kibibytes) * 1024));
    }
  }
}
