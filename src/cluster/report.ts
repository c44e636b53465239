import { resolve } from 'node:path';
import { REDIS } from './commands.ts';
import { exitReason } from './exit-reason.ts';
import { kafkaView, redisAnswers } from './readiness.ts';
import { brokerPorts, LOOPBACK } from './server-properties.ts';
import { aliveServers, type ClusterState, readState, type ServerState } from './state.ts';
import { isAlive, isPaused } from './supervisor.ts';

export interface ServerReport {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
  readonly alive: boolean;
  /** Stopped by a signal: it keeps its port and its data, and answers nobody. */
  readonly paused: boolean;
  readonly answers: boolean;
  /** How it ended, where it has. */
  readonly ended: string | null;
  readonly logFile: string;
}

export interface ClusterReport {
  readonly directory: string;
  /** `host:port` of every broker. */
  readonly bootstrap: readonly string[];
  readonly redis: { readonly host: string; readonly port: number } | null;
  readonly startedAt: string;
  readonly launcherPid: number;
  readonly servers: readonly ServerReport[];
}

/** What runs in this directory, asked of the processes and the servers themselves; undefined when nothing does. */
export async function clusterStatus(directory: string): Promise<ClusterReport | undefined> {
  const state = await readState(directory);
  if (state === undefined || (await aliveServers(state)).length === 0) return undefined;
  return clusterReport(resolve(directory), state);
}

export async function clusterReport(directory: string, state: ClusterState): Promise<ClusterReport> {
  return {
    directory,
    bootstrap: bootstrapOf(state),
    redis: redisOf(state),
    startedAt: state.startedAt,
    launcherPid: state.launcher.pid,
    servers: await Promise.all(state.servers.map((server) => serverReport(server, state))),
  };
}

async function serverReport(server: ServerState, cluster: ClusterState): Promise<ServerReport> {
  const { name, port, pid, logFile } = server;
  const alive = await isAlive(server);
  const paused = alive && (await isPaused(server));
  const ended = alive ? null : (await exitReason(server)).text;
  return {
    name,
    port,
    pid,
    alive,
    paused,
    answers: alive && !paused && (await answers(server, cluster)),
    ended,
    logFile,
  };
}

async function answers({ name, port }: ServerState, { hosts, basePort }: ClusterState): Promise<boolean> {
  return name === REDIS ? redisAnswers(port) : (await kafkaView(port, hosts?.[port - basePort])) !== null;
}

export function bootstrapOf(state: ClusterState): string[] {
  return brokerPorts(state.basePort, state.brokers).map((port, index) => `${state.hosts?.[index] ?? LOOPBACK}:${port}`);
}

export function redisOf(state: ClusterState): { host: string; port: number } | null {
  return state.redisPort === null ? null : { host: LOOPBACK, port: state.redisPort };
}
