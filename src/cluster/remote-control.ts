/** A cluster from another terminal than its launcher's. Only what `cluster.json` names, by pid and start time, is ever touched. */
import { KitError } from '../kit/errors.ts';
import { endServers } from './claim.ts';
import { STOP_GRACE_S, TERM_GRACE_MS } from './commands.ts';
import { askLauncher } from './control-socket.ts';
import { notRunning } from './server.ts';
import { aliveServers, type ClusterState, readState, removeState, type ServerState } from './state.ts';
import { isAlive, signal as send, terminate } from './supervisor.ts';

export type ServerSignal = 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT';

/** Longer than the launcher itself waits for a server, and for its in-sync replicas. */
const START_TIMEOUT_MS = 200_000;
const STOP_TIMEOUT_MS = (STOP_GRACE_S + 5) * 1000;

/**
 * Resolves when the signal is sent, and after KILL or TERM when the process is gone; what TERM has not ended after 30 s gets KILL.
 *
 * @throws KitError UNREACHABLE (no cluster), UNKNOWN_SERVER, SERVER_NOT_RUNNING
 */
export async function signalServer(directory: string, name: string, signal: ServerSignal): Promise<void> {
  const server = serverIn(await runningState(directory), name);
  if (!(await isAlive(server))) throw notRunning(name);
  if (signal === 'SIGKILL' || signal === 'SIGTERM') {
    return terminate(server, signal === 'SIGTERM' ? TERM_GRACE_MS : 0);
  }
  if (!(await send(server, signal))) throw notRunning(name);
}

/**
 * Has the launcher start a server that has ended, and resolves when it is ready.
 *
 * @param waitIsr also wait until a broker is in sync in all its partitions
 * @throws KitError UNREACHABLE (no cluster), LAUNCHER_GONE, LAUNCHER_SILENT, and those of `Cluster.start`
 */
export async function startServer(
  directory: string,
  name: string,
  { waitIsr = false, onProgress }: { waitIsr?: boolean; onProgress?: (text: string) => void } = {},
): Promise<void> {
  const state = await runningState(directory);
  await askLauncher(
    state.controlSocket,
    { verb: 'start', server: serverIn(state, name).name, waitIsr },
    { timeoutMs: START_TIMEOUT_MS, ...(onProgress && { onProgress }) },
  );
}

/** Has the launcher start every server that has ended; answers their names. @throws KitError as `startServer` */
export async function healCluster(directory: string, onProgress?: (text: string) => void): Promise<string[]> {
  const state = await runningState(directory);
  const alive = await aliveServers(state);
  const ended = state.servers.filter((server) => !alive.includes(server)).map(({ name }) => name);
  // Together: two of three brokers may need each other for a majority.
  await Promise.all(ended.map((name) => startServer(directory, name, { ...(onProgress && { onProgress }) })));
  return ended;
}

/** Stops the servers that another process started, by way of that process where it answers. Answers whether there were any. */
export async function stopCluster(directory: string): Promise<boolean> {
  const state = await readState(directory);
  if (state === undefined) return false;
  const any = (await aliveServers(state)).length > 0;
  if (await isAlive(state.launcher)) {
    await askLauncher(state.controlSocket, { verb: 'stop' }, { timeoutMs: STOP_TIMEOUT_MS }).catch(() => {});
  }
  await endServers(state);
  await removeState(directory);
  return any;
}

async function runningState(directory: string): Promise<ClusterState> {
  const state = await readState(directory);
  if (state !== undefined && ((await isAlive(state.launcher)) || (await aliveServers(state)).length > 0)) return state;
  throw new KitError('UNREACHABLE', `no cluster runs in ${directory} (streamsocial cluster up)`);
}

function serverIn(state: ClusterState, name: string): ServerState {
  const server = state.servers.find((candidate) => candidate.name === name);
  if (server !== undefined) return server;
  const names = state.servers.map((candidate) => candidate.name).join(', ');
  throw new KitError('UNKNOWN_SERVER', `this cluster has no server ${name}, only ${names}`, {
    details: { server: name },
  });
}
