import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { KitError } from '../kit/errors.ts';
import { isInstalled, kafkaLibraries, missingComponent } from './artifacts.ts';
import { claimDirectory } from './claim.ts';
import { makeClassArchive } from './class-archive.ts';
import { type BrokerPlace, kafkaPlans, redisPlan, type ServerPlan } from './commands.ts';
import { type ControlRequest, type ControlSocket, controlPath, serveControl } from './control-socket.ts';
import { assertPortFree, kafkaView, redisAnswers, untilInSync } from './readiness.ts';
import { bootstrapOf, type ClusterReport, clusterReport, redisOf } from './report.ts';
import { Server, type ServerExit } from './server.ts';
import { type ClusterState, removeState, writeState } from './state.ts';
import { startTime } from './supervisor.ts';

export interface ClusterOptions {
  /** Data, logs and `cluster.json`; kept between runs. */
  readonly directory: string;
  /** Where Kafka's jars are kept, shared by every cluster of a user. */
  readonly cacheDirectory: string;
  /** Default 9092; the next ones and those 100 further up are used too. */
  readonly basePort?: number;
  /** Default 3. */
  readonly brokers?: number;
  /** One a broker; default: all on the loopback. */
  readonly places?: readonly BrokerPlace[];
  /** Start redis-server as well. */
  readonly redis: boolean;
  /** Default 6379. */
  readonly redisPort?: number;
  /** Default 60,000. */
  readonly startTimeoutMs?: number;
  readonly onProgress?: (text: string) => void;
  /** A server of the started cluster has ended, asked to or not; `left` still run. */
  readonly onServerExit?: (exit: ServerExit & { readonly left: number }) => void;
}

export interface Cluster {
  readonly bootstrap: readonly string[];
  readonly redis: { readonly host: string; readonly port: number } | null;
  /** `kafka-1` and so on, `redis`. */
  readonly servers: readonly string[];
  describe(): Promise<ClusterReport>;
  /** Null when it does not run. @throws KitError UNKNOWN_SERVER */
  pid(server: string): number | null;
  /**
   * Resolves when the process is gone. Default SIGKILL; what SIGTERM has not ended after 30 s gets SIGKILL.
   *
   * @throws KitError UNKNOWN_SERVER, SERVER_NOT_RUNNING
   */
  kill(server: string, signal?: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  /**
   * Resolves once it answers, and a broker is registered and unfenced as every broker that answers sees it. A broker whose data
   * is gone begins anew. After CLUSTER_NOT_READY the process may still run: without a majority of its kind no broker gets ready.
   *
   * @param options.waitIsr wait also until a broker is in sync in all its partitions
   * @throws KitError UNKNOWN_SERVER, SERVER_RUNNING, CLUSTER_STOPPED, PORT_IN_USE, DISK_FULL, OUT_OF_MEMORY, CLUSTER_ID_MISMATCH,
   *   CLUSTER_NOT_READY
   */
  start(server: string, options?: { readonly waitIsr?: boolean }): Promise<void>;
  /** SIGSTOP: it keeps its connections and answers nobody. @throws KitError UNKNOWN_SERVER, SERVER_NOT_RUNNING */
  pause(server: string): void;
  /** SIGCONT. @throws KitError UNKNOWN_SERVER, SERVER_NOT_RUNNING */
  resume(server: string): void;
  /** Stops every server, paused ones too, and waits for their ends. Repeated calls are harmless. */
  stop(): Promise<void>;
  /** Resolves with a server's name when it has ended and nobody asked it to, or when it was the last one. */
  readonly ended: Promise<string>;
}

const READY_MS = 60_000;
/** Of one broker's stop before the next one's turn. */
const TURN_MS = 2_000;

/**
 * Apache Kafka on the loopback, for development and drills. The servers end with the process that called this, even when
 * it is killed.
 *
 * @throws KitError CLUSTER_RUNNING, MISSING_COMPONENT, ARTIFACTS_UNAVAILABLE, and those of `Cluster.start`
 */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const { basePort = 9092, brokers = 3, redisPort = 6379, startTimeoutMs = READY_MS } = options;
  const { onProgress = () => {}, onServerExit = () => {} } = options;
  const directory = resolve(options.directory);
  const libraries = await kafkaLibraries(options.cacheDirectory, onProgress);
  await makeClassArchive(libraries, onProgress);
  if (options.redis && !(await isInstalled('redis-server', '--version'))) throw missingComponent('redis-server');

  await mkdir(join(directory, 'logs'), { recursive: true });
  const claim: ClusterState = {
    launcher: { name: 'launcher', pid: process.pid, startedAt: (await startTime(process.pid)) ?? '' },
    basePort,
    brokers,
    ...(options.places && { hosts: options.places.map(({ host }) => host) }),
    redisPort: options.redis ? redisPort : null,
    startedAt: new Date().toISOString(),
    controlSocket: controlPath(directory),
    servers: [],
  };
  await claimDirectory(directory, claim);

  const servers: Server[] = [];
  const ended = Promise.withResolvers<string>();
  let isUp = false;
  let saved: Promise<void> = Promise.resolve();
  const state = (): ClusterState => ({
    ...claim,
    servers: servers.map((server) => server.state).filter((entry) => entry !== null),
  });
  const save = (): Promise<void> => {
    const write = (): Promise<void> => writeState(directory, state());
    saved = saved.then(write, write);
    return saved;
  };
  const onExit = (exit: ServerExit): void => {
    // A full disk is told of where a server is started; here it must not hide the exit.
    save().catch(() => {});
    const left = servers.filter(({ pid }) => pid !== null).length;
    if (isUp) onServerExit({ ...exit, left });
    if (!exit.asked || left === 0) ended.resolve(exit.server);
  };
  const isReady = async ({ host, port, nodeId }: ServerPlan): Promise<boolean> => {
    if (nodeId === null) return redisAnswers(port);
    if (!(await kafkaView(port, host))?.includes(nodeId)) return false;
    const others = servers.filter(({ pid, plan }) => pid !== null && plan.nodeId !== null && plan.nodeId !== nodeId);
    const views = await Promise.all(others.map(({ plan }) => kafkaView(plan.port, plan.host)));
    // Of a cluster that starts, all have to see it; later on one that is paused has no say.
    return views.every((view) => (view === null ? isUp : view.includes(nodeId)));
  };
  const named = (name: string): Server => {
    const server = servers.find((candidate) => candidate.name === name);
    if (server !== undefined) return server;
    const names = servers.map((candidate) => candidate.name).join(', ');
    throw new KitError('UNKNOWN_SERVER', `no server ${name}: there are ${names}`, { details: { server: name } });
  };
  const start: Cluster['start'] = async (name, { waitIsr = false } = {}) => {
    const server = named(name);
    await server.start(startTimeoutMs);
    if (waitIsr) await untilInSync(server.plan, startTimeoutMs);
  };
  let control: ControlSocket | null = null;
  let stopped: Promise<void> | null = null;
  const stopAll = async (): Promise<void> => {
    await stopInTurn(servers);
    await control?.close();
    await saved.catch(() => {});
    await removeState(directory);
  };
  const stop = (): Promise<void> => {
    stopped ??= stopAll();
    return stopped;
  };
  const onRequest = async (request: ControlRequest, progress: (text: string) => void): Promise<void> => {
    if (request.verb === 'stop') return stop();
    for (const tell of [progress, onProgress]) tell(`starting ${request.server}`);
    await start(request.server, request);
    onProgress(`${request.server} runs`);
  };
  try {
    const plans = await kafkaPlans(directory, libraries, basePort, brokers, options.places);
    if (options.redis) plans.push(redisPlan(directory, redisPort));
    for (const plan of plans) {
      servers.push(new Server(plan, { onStarted: save, onExit, isReady: () => isReady(plan) }));
    }
    // Before the first is started: a port that is taken leaves nothing half begun.
    for (const port of plans.flatMap(({ ports }) => ports)) await assertPortFree(port);
    control = await serveControl(claim.controlSocket, onRequest);
    onProgress(`starting ${servers.map(({ name }) => name).join(', ')}`);
    await Promise.all(servers.map((server) => server.start(startTimeoutMs)));
  } catch (error) {
    await stop();
    throw error;
  }
  isUp = true;
  const bootstrap = bootstrapOf(claim);
  onProgress(`ready: ${bootstrap.join(',')}`);
  return {
    bootstrap,
    redis: redisOf(claim),
    servers: servers.map(({ name }) => name),
    describe: () => clusterReport(directory, state()),
    pid: (server) => named(server).pid,
    kill: async (server, signal = 'SIGKILL') => {
      await named(server).kill(signal);
      await saved.catch(() => {});
    },
    start,
    pause: (server) => named(server).pause(),
    resume: (server) => named(server).resume(),
    stop,
    ended: ended.promise,
  };
}

/**
 * Brokers that stop together wait for each other's controller until they are killed. One after the other they take half a second each;
 * those that are no majority any more have nobody to hand over to, and what they wrote is safe from a KILL.
 */
async function stopInTurn(servers: readonly Server[]): Promise<void> {
  for (const server of servers) server.close();
  const brokers = servers.filter(({ plan }) => plan.nodeId !== null);
  for (const broker of brokers) {
    const left = brokers.filter(({ pid }) => pid !== null).length;
    if (left > brokers.length / 2) await Promise.race([broker.stop(), delay(TURN_MS, undefined, { ref: false })]);
    else if (broker.pid !== null) await broker.kill('SIGKILL');
  }
  await Promise.all(servers.map((server) => server.stop()));
}
