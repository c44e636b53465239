import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { KitError } from '../kit/errors.ts';
import { isInstalled, kafkaLibraries, missingComponent } from './artifacts.ts';
import { kafkaCommands, REDIS, redisCommand, STOP_GRACE_S } from './commands.ts';
import { assertPortFree, kafkaAnswers, LOOPBACK, redisAnswers } from './readiness.ts';
import { brokerPorts, controllerPorts } from './server-properties.ts';
import {
  aliveServers,
  type ClusterState,
  claimState,
  readState,
  removeState,
  type ServerState,
  writeState,
} from './state.ts';
import { isAlive, type Supervised, startTime, supervise, terminate, waitUntil } from './supervisor.ts';

export interface ClusterOptions {
  /** Data, logs and `cluster.json`; kept between runs. */
  readonly directory: string;
  /** Where Kafka's jars are kept, shared by every cluster of a user. */
  readonly cacheDirectory: string;
  /** Default 9092; the next ones and those 100 further up are used too. */
  readonly basePort?: number;
  /** Default 3. */
  readonly brokers?: number;
  /** Start redis-server as well. */
  readonly redis: boolean;
  /** Default 6379. */
  readonly redisPort?: number;
  /** Default 60,000. */
  readonly startTimeoutMs?: number;
  readonly onProgress?: (text: string) => void;
}

export interface ServerReport {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
  readonly alive: boolean;
  readonly answers: boolean;
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

export interface Cluster {
  readonly bootstrap: readonly string[];
  readonly redis: { readonly host: string; readonly port: number } | null;
  describe(): Promise<ClusterReport>;
  /** Stops every server and waits for their ends. Repeated calls are harmless. */
  stop(): Promise<void>;
  /** Resolves with the server's name when the first one has ended, asked to or not. */
  readonly ended: Promise<string>;
}

/** What the supervisors of a launcher that was killed need at most. */
const ORPHANS_MS = (STOP_GRACE_S + 3) * 1000;
const READY_MS = 60_000;

/**
 * Apache Kafka on the loopback, for development and drills. The servers end with the process that called this, even when
 * it is killed.
 *
 * @throws KitError CLUSTER_RUNNING, PORT_IN_USE, MISSING_COMPONENT, ARTIFACTS_UNAVAILABLE, CLUSTER_NOT_READY
 */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const { basePort = 9092, brokers = 3, redisPort = 6379, startTimeoutMs = READY_MS, onProgress = () => {} } = options;
  const directory = resolve(options.directory);
  const libraries = await kafkaLibraries(options.cacheDirectory, onProgress);
  if (options.redis && !(await isInstalled('redis-server', '--version'))) throw missingComponent('redis-server');

  await mkdir(join(directory, 'logs'), { recursive: true });
  let state: ClusterState = {
    launcher: { name: 'launcher', pid: process.pid, startedAt: (await startTime(process.pid)) ?? '' },
    basePort,
    brokers,
    redisPort: options.redis ? redisPort : null,
    startedAt: new Date().toISOString(),
    servers: [],
  };
  await claimDirectory(directory, state);

  const servers: Supervised[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.stop()));
    await removeState(directory);
  };
  try {
    const ports = [...brokerPorts(basePort, brokers), ...controllerPorts(basePort, brokers)];
    for (const port of options.redis ? [...ports, redisPort] : ports) await assertPortFree(port);

    const commands = await kafkaCommands(directory, libraries, basePort, brokers);
    if (options.redis) commands.push(await redisCommand(directory, redisPort));
    onProgress(`starting ${commands.map(({ name }) => name).join(', ')}`);
    for (const command of commands) {
      const server = await supervise(command);
      servers.push(server);
      const { name, pid, startedAt, logFile } = server;
      state = { ...state, servers: [...state.servers, { name, pid, startedAt, logFile, port: command.port }] };
      await writeState(directory, state);
    }
    await Promise.all(state.servers.map((server, index) => ready(server, servers[index]!, brokers, startTimeoutMs)));
  } catch (error) {
    await stop();
    throw error;
  }
  const running = state;
  onProgress(`ready: ${bootstrapOf(running).join(',')}`);
  return {
    bootstrap: bootstrapOf(running),
    redis: redisOf(running),
    describe: () => report(directory, running),
    stop,
    ended: Promise.race(servers.map((server) => server.exited.then(() => server.name))),
  };
}

/** What runs in this directory, asked of the processes and the servers themselves; undefined when nothing does. */
export async function clusterStatus(directory: string): Promise<ClusterReport | undefined> {
  const state = await readState(directory);
  if (state === undefined || (await aliveServers(state)).length === 0) return undefined;
  return report(resolve(directory), state);
}

/** Stops the servers that another process started. Answers whether there were any. */
export async function stopCluster(directory: string): Promise<boolean> {
  const state = await readState(directory);
  if (state === undefined) return false;
  const alive = await aliveServers(state);
  await Promise.all(alive.map((server) => terminate(server, STOP_GRACE_S * 1000)));
  await removeState(directory);
  return alive.length > 0;
}

async function claimDirectory(directory: string, state: ClusterState): Promise<void> {
  if (await claimState(directory, state)) return;
  const other = await readState(directory);
  if (other !== undefined) {
    const alive = await aliveServers(other);
    if (await isAlive(other.launcher)) {
      const names = alive.map(({ name, port, pid }) => `${name} (port ${port}, pid ${pid})`).join(', ');
      throw new KitError('CLUSTER_RUNNING', `a cluster runs in ${directory}: ${names || 'starting'}`, {
        details: { ...(await report(directory, other)) },
      });
    }
    // Its launcher was killed: the supervisors are ending these servers.
    if (!(await waitUntil(async () => (await aliveServers(other)).length === 0, ORPHANS_MS)))
      await stopCluster(directory);
  }
  await removeState(directory);
  if (!(await claimState(directory, state))) {
    throw new KitError('CLUSTER_RUNNING', `another process is starting a cluster in ${directory}`, {
      details: { directory },
    });
  }
}

async function ready(server: ServerState, process: Supervised, brokers: number, timeoutMs: number): Promise<void> {
  let gone = false;
  process.exited.then(() => {
    gone = true;
  });
  const answers = (): Promise<boolean> => answersNow(server, brokers);
  if (await waitUntil(async () => gone || (await answers()), timeoutMs, 100)) {
    if (!gone) return;
  }
  const fate = gone ? 'ended while it started' : `did not answer within ${timeoutMs / 1000} s`;
  throw new KitError('CLUSTER_NOT_READY', `${server.name} ${fate}; its log: ${server.logFile}`, {
    retriable: true,
    details: { server: server.name, logFile: server.logFile },
  });
}

function answersNow(server: ServerState, brokers: number): Promise<boolean> {
  return server.name === REDIS ? redisAnswers(server.port) : kafkaAnswers(server.port, brokers);
}

async function report(directory: string, state: ClusterState): Promise<ClusterReport> {
  const servers = await Promise.all(
    state.servers.map(async (server) => {
      const alive = await isAlive(server);
      const { name, port, pid, logFile } = server;
      return { name, port, pid, alive, answers: alive && (await answersNow(server, 1)), logFile };
    }),
  );
  return {
    directory,
    bootstrap: bootstrapOf(state),
    redis: redisOf(state),
    startedAt: state.startedAt,
    launcherPid: state.launcher.pid,
    servers,
  };
}

function bootstrapOf(state: ClusterState): string[] {
  return brokerPorts(state.basePort, state.brokers).map((port) => `${LOOPBACK}:${port}`);
}

function redisOf(state: ClusterState): { host: string; port: number } | null {
  return state.redisPort === null ? null : { host: LOOPBACK, port: state.redisPort };
}
