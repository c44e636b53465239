/** The cluster that was launched from a directory, as far as it is the one that somebody is connected to. */
import { REDIS } from './commands.ts';
import { exitReason } from './exit-reason.ts';
import { bootstrapOf } from './report.ts';
import { LOOPBACK } from './server-properties.ts';
import { type ClusterState, readState, type ServerState } from './state.ts';
import { isAlive, isPaused } from './supervisor.ts';

export interface LaunchedServer {
  /** `kafka-1` and so on, `redis`. */
  readonly name: string;
  /** Null for Redis. */
  readonly nodeId: number | null;
  readonly host: string;
  readonly port: number;
  readonly pid: number;
  readonly state: 'running' | 'paused' | 'ended';
  /** When its process was started, or has ended (RFC 3339); null where nobody noted it. */
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  /** How it ended, for people; null unless it has. */
  readonly ended: string | null;
}

export type Launched =
  | { readonly isOurs: true; readonly startedAt: string; readonly servers: readonly LaunchedServer[] }
  /** Why not, for people. */
  | { readonly isOurs: false; readonly reason: string };

/**
 * Read from the processes themselves, in a few milliseconds.
 *
 * @param bootstrap of whoever wants to control it: every address must be one of the cluster's brokers
 */
export async function launchedCluster(directory: string, bootstrap: readonly string[]): Promise<Launched> {
  const state = await readState(directory);
  if (state === undefined)
    return notOurs('These brokers were not started by streamsocial cluster up with the data directory of this server.');
  const own = bootstrapOf(state);
  const strangers = bootstrap.map((address) => address.replace(/^localhost:/, `${LOOPBACK}:`)).filter(notIn(own));
  if (strangers.length > 0)
    return notOurs(
      `The cluster that was launched here listens on ${own.join(', ')}; this server is connected to ${bootstrap.join(', ')}.`,
    );
  if (!(await isAlive(state.launcher)))
    return notOurs('The process that launched this cluster has ended, and its servers end with it.');
  return {
    isOurs: true,
    startedAt: state.startedAt,
    servers: await Promise.all(state.servers.map((server) => launchedServer(server, state))),
  };
}

async function launchedServer(server: ServerState, { hosts, basePort }: ClusterState): Promise<LaunchedServer> {
  const { name, port, pid, since = null, endedAt = null } = server;
  const isRunning = await isAlive(server);
  const nodeId = name === REDIS ? null : Number(name.replace('kafka-', ''));
  return {
    name,
    nodeId,
    host: (nodeId === null ? null : hosts?.[port - basePort]) ?? LOOPBACK,
    port,
    pid,
    state: !isRunning ? 'ended' : (await isPaused(server)) ? 'paused' : 'running',
    startedAt: since,
    endedAt,
    ended: isRunning ? null : (await exitReason(server)).text,
  };
}

function notOurs(reason: string): Launched {
  return { isOurs: false, reason };
}

function notIn(list: readonly string[]): (item: string) => boolean {
  return (item) => !list.includes(item);
}
