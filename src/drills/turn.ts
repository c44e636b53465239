/** Drills measure: two at a time on one machine would measure each other. */
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isAlive, type ProcessIdentity, startTime } from '../cluster/supervisor.ts';

const FILE = join(tmpdir(), 'streamsocial-drill.json');
const POLL_MS = 500;
const ABANDONED_MS = 5_000;

/**
 * Waits until no other process runs a drill; the answer ends the turn. A process that was killed in its turn has none.
 *
 * @param file who has the turn
 */
export async function takeTurn(
  signal: AbortSignal,
  onProgress: (text: string) => void,
  file: string = FILE,
): Promise<() => Promise<void>> {
  const self: ProcessIdentity = {
    name: 'drill',
    pid: process.pid,
    startedAt: (await startTime(process.pid)) ?? '',
  };
  let told: number | null = null;
  while (!(await claimed(file, self))) {
    const holder = await holderOf(file);
    if (holder !== null && !(await isAlive(holder))) await rm(file, { force: true });
    else if (holder !== null && told !== holder.pid) {
      told = holder.pid;
      onProgress(`waiting for the drill of process ${holder.pid} to end`);
    }
    await delay(POLL_MS, undefined, { signal });
  }
  return () => rm(file, { force: true });
}

async function claimed(file: string, self: ProcessIdentity): Promise<boolean> {
  try {
    await writeFile(file, JSON.stringify(self), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Null while the file is being written; one that stays without content is of a process killed just then. */
async function holderOf(file: string): Promise<ProcessIdentity | null> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as ProcessIdentity;
  } catch {
    const age = await stat(file).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    return age > ABANDONED_MS ? { name: 'drill', pid: 0, startedAt: 'never' } : null;
  }
}
