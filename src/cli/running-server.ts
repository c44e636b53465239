/**
 * Where the process that owns a data directory can be reached: `up` writes it, other verbs read it. A file that was left behind
 * by a killed process does no harm: nobody answers there, or somebody with another instance id does.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { KitError } from '../kit/errors.ts';

export interface RunningServer {
  readonly url: string;
  readonly pid: number;
  readonly log: 'embedded' | 'kafka';
  /** `host:port` where its embedded log speaks Kafka's protocol. */
  readonly broker: string | null;
}

const fileIn = (directory: string) => join(directory, 'server.json');

/** @throws KitError DATA_DIR_UNUSABLE, e.g. on a full disk */
export function announce(directory: string, server: RunningServer): void {
  const draft = `${fileIn(directory)}.${process.pid}`;
  try {
    mkdirSync(directory, { recursive: true });
    writeFileSync(draft, `${JSON.stringify(server)}\n`);
    renameSync(draft, fileIn(directory));
  } catch (cause) {
    const why = (cause as Error).message;
    throw new KitError('DATA_DIR_UNUSABLE', `cannot write ${fileIn(directory)}: ${why}`, { cause });
  }
}

/** Takes the announcement back, unless a later process has put its own there. */
export function withdraw(directory: string): void {
  if (announced(directory)?.pid === process.pid) rmSync(fileIn(directory), { force: true });
}

export function announced(directory: string): RunningServer | null {
  try {
    return JSON.parse(readFileSync(fileIn(directory), 'utf8')) as RunningServer;
  } catch {
    return null;
  }
}

/** The announced server, if it answers within a second. */
export async function runningServer(directory: string): Promise<RunningServer | null> {
  const server = announced(directory);
  if (server === null) return null;
  try {
    const answer = await fetch(`${server.url}/livez`, { signal: AbortSignal.timeout(1000) });
    await answer.body?.cancel();
    return answer.ok ? server : null;
  } catch {
    return null;
  }
}
