import { KitError } from '../kit/errors.ts';
import { STOP_GRACE_S } from './commands.ts';
import { clusterReport } from './report.ts';
import { aliveServers, type ClusterState, claimState, readState, removeState } from './state.ts';
import { isAlive, terminate, waitUntil } from './supervisor.ts';

/** What the supervisors of a launcher that was killed need at most. */
const ORPHANS_MS = (STOP_GRACE_S + 3) * 1000;

/** One launcher a directory. @throws KitError CLUSTER_RUNNING, with the other's `ClusterReport` as details */
export async function claimDirectory(directory: string, state: ClusterState): Promise<void> {
  if (await claimState(directory, state)) return;
  const other = await readState(directory);
  if (other !== undefined) {
    const alive = await aliveServers(other);
    if (await isAlive(other.launcher)) {
      const names = alive.map(({ name, port, pid }) => `${name} (port ${port}, pid ${pid})`).join(', ');
      throw new KitError('CLUSTER_RUNNING', `a cluster runs in ${directory}: ${names || 'starting'}`, {
        details: { ...(await clusterReport(directory, other)) },
      });
    }
    // Its launcher was killed: the supervisors are ending these servers.
    if (!(await waitUntil(async () => (await aliveServers(other)).length === 0, ORPHANS_MS))) await endServers(other);
  }
  await removeState(directory);
  if (!(await claimState(directory, state))) {
    throw new KitError('CLUSTER_RUNNING', `another process is starting a cluster in ${directory}`, {
      details: { directory },
    });
  }
}

/** Without their launcher. */
export async function endServers(state: ClusterState): Promise<void> {
  const alive = await aliveServers(state);
  await Promise.all(alive.map((server) => terminate(server, STOP_GRACE_S * 1000)));
}
