import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isAlive, type ProcessIdentity } from './supervisor.ts';

/** What runs in a cluster directory, readable by any process: `cluster.json`. */
export interface ClusterState {
  readonly launcher: ProcessIdentity;
  readonly basePort: number;
  readonly brokers: number;
  /** Addresses of the brokers, where they are not on the loopback. */
  readonly hosts?: readonly string[];
  readonly redisPort: number | null;
  readonly startedAt: string;
  /** Where the launcher takes requests. */
  readonly controlSocket: string;
  readonly servers: readonly ServerState[];
}

export interface ServerState extends ProcessIdentity {
  readonly port: number;
  /** Where its JMX is read; null where it has none. */
  readonly jolokiaPort: number | null;
  readonly logFile: string;
  readonly dataDirectory: string;
  /** When it was started (RFC 3339); not there in files of earlier versions. */
  readonly since?: string;
  /** Once it has ended, as a shell gives it; null where that is not known. */
  readonly exitCode?: number | null;
  /** When its end was heard of (RFC 3339). */
  readonly endedAt?: string;
}

function stateFile(directory: string): string {
  return join(directory, 'cluster.json');
}

export async function readState(directory: string): Promise<ClusterState | undefined> {
  try {
    return JSON.parse(await readFile(stateFile(directory), 'utf8'));
  } catch {
    // Absent, or cut short by a crash: either way there is nothing that could be relied on.
    return undefined;
  }
}

/** False where there is one already: of two launchers starting at once, one goes on. */
export async function claimState(directory: string, state: ClusterState): Promise<boolean> {
  // Written under another name and linked: a reader never sees half of it.
  const fresh = `${stateFile(directory)}.${process.pid}`;
  await writeFile(fresh, JSON.stringify(state));
  try {
    await link(fresh, stateFile(directory));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(fresh, { force: true });
  }
}

/** Renamed into place, so that a reader never sees half of it. One call at a time. */
export async function writeState(directory: string, state: ClusterState): Promise<void> {
  const fresh = `${stateFile(directory)}.new`;
  await writeFile(fresh, `${JSON.stringify(state, null, 2)}\n`);
  await rename(fresh, stateFile(directory));
}

export async function removeState(directory: string): Promise<void> {
  await rm(stateFile(directory), { force: true });
}

export async function aliveServers(state: ClusterState): Promise<ServerState[]> {
  const alive = await Promise.all(state.servers.map(isAlive));
  return state.servers.filter((_, index) => alive[index]);
}
