import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isAlive, type ProcessIdentity } from './supervisor.ts';

/** What runs in a cluster directory, readable by any process: `cluster.json`. */
export interface ClusterState {
  readonly launcher: ProcessIdentity;
  readonly basePort: number;
  readonly brokers: number;
  readonly redisPort: number | null;
  readonly startedAt: string;
  readonly servers: readonly ServerState[];
}

export interface ServerState extends ProcessIdentity {
  readonly port: number;
  readonly logFile: string;
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
  try {
    await writeFile(stateFile(directory), JSON.stringify(state), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

export async function writeState(directory: string, state: ClusterState): Promise<void> {
  await writeFile(stateFile(directory), `${JSON.stringify(state, null, 2)}\n`);
}

export async function removeState(directory: string): Promise<void> {
  await rm(stateFile(directory), { force: true });
}

export async function aliveServers(state: ClusterState): Promise<ServerState[]> {
  const alive = await Promise.all(state.servers.map(isAlive));
  return state.servers.filter((_, index) => alive[index]);
}
