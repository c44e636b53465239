/** The control of a launched cluster that the API is handed. */
import { setTimeout as delay } from 'node:timers/promises';
import type {
  ClusterControl,
  ClusterControlReport,
  ClusterServer,
  ServerActionName,
  ServerActionReport,
} from '../api/cluster.ts';
import { type Launched, type LaunchedServer, launchedCluster } from '../cluster/launched.ts';
import { signalServer, startServer } from '../cluster/remote-control.ts';
import type { LoadedSettings } from '../config/settings.ts';
import { isKitError, KitError } from '../kit/errors.ts';
import { clusterDirectory } from './cluster-health.ts';

const SIGNALS = { kill: 'SIGKILL', pause: 'SIGSTOP', resume: 'SIGCONT', stop: 'SIGTERM' } as const;
/** What takes longer is answered as under way. */
const ANSWER_MS = 1_000;
/** A process of many threads stops when its last one has noticed. */
const NOTICED_POLL_MS = 20;

export class LaunchedControl implements ClusterControl {
  readonly #loaded: LoadedSettings;
  readonly #directory: string;
  /** The last one of each server. */
  readonly #actions = new Map<string, ServerActionReport>();

  constructor(loaded: LoadedSettings) {
    this.#loaded = loaded;
    this.#directory = clusterDirectory(loaded.settings);
  }

  async look(): Promise<ClusterControlReport> {
    const launched = await this.#launched();
    if (!launched.isOurs)
      return {
        controllable: false,
        reason: launched.reason,
        commands: this.#commands(),
        started_at: null,
        servers: [],
      };
    return {
      controllable: true,
      reason: null,
      commands: [],
      started_at: launched.startedAt,
      servers: launched.servers.map((server) => this.#report(server)),
    };
  }

  async act(name: string, action: ServerActionName): Promise<ClusterServer> {
    const server = await this.#server(name);
    const isEnded = server.state === 'ended';
    if (action === 'start' && !isEnded)
      throw new KitError('SERVER_RUNNING', `${name} runs already (pid ${server.pid}).`, { details: { server: name } });
    if (action !== 'start' && isEnded)
      throw new KitError('SERVER_NOT_RUNNING', `${name} does not run; start it first.`, { details: { server: name } });
    const before = this.#actions.get(name);
    if (before?.state === 'RUNNING' && action !== 'kill')
      throw new KitError('SERVER_BUSY', `${name} is asked to ${before.action} already; only kill does not wait.`, {
        retriable: true,
        details: { server: name, action: before.action },
      });
    const done = this.#begin(name, action);
    await Promise.race([done, delay(ANSWER_MS, undefined, { ref: false })]);
    return this.#report(await this.#server(name));
  }

  async #begin(name: string, action: ServerActionName): Promise<void> {
    const begun: ServerActionReport = {
      action,
      state: 'RUNNING',
      started_at: new Date().toISOString(),
      ended_at: null,
      error: null,
    };
    this.#actions.set(name, begun);
    const error = await this.#perform(name, action).then(() => null, errorOf);
    const ended = { ...begun, state: error === null ? 'DONE' : 'FAILED', ended_at: new Date().toISOString(), error };
    // a kill has taken the place of what it cut short
    if (this.#actions.get(name) === begun) this.#actions.set(name, ended as ServerActionReport);
  }

  async #perform(name: string, action: ServerActionName): Promise<void> {
    if (action === 'start') return startServer(this.#directory, name);
    await signalServer(this.#directory, name, SIGNALS[action]);
    const noticed = { pause: 'paused', resume: 'running' }[action as string];
    if (noticed === undefined) return;
    for (let waitedMs = 0; waitedMs < ANSWER_MS; waitedMs += NOTICED_POLL_MS) {
      if ((await this.#server(name)).state === noticed) return;
      await delay(NOTICED_POLL_MS);
    }
  }

  async #launched(): Promise<Launched> {
    const { log, kafkaBootstrap } = this.#loaded.settings;
    if (log === 'kafka') return launchedCluster(this.#directory, kafkaBootstrap);
    return {
      isOurs: false,
      reason: 'The log is embedded: this process is its only broker, and ends when StreamSocial does.',
    };
  }

  /** @throws KitError NOT_CONTROLLABLE, UNKNOWN_SERVER */
  async #server(name: string): Promise<LaunchedServer> {
    const launched = await this.#launched();
    if (!launched.isOurs) throw new KitError('NOT_CONTROLLABLE', launched.reason);
    const server = launched.servers.find((one) => one.name === name);
    if (server !== undefined) return server;
    const names = launched.servers.map((one) => one.name).join(', ');
    throw new KitError('UNKNOWN_SERVER', `This cluster has no server ${name}, only ${names}.`, {
      details: { server: name },
    });
  }

  #report(server: LaunchedServer): ClusterServer {
    const { name, nodeId, host, port, pid, state, ended } = server;
    const { redisHost, redisPort } = this.#loaded.settings;
    const action = this.#actions.get(name) ?? null;
    const pausedAt = action?.action === 'pause' ? action.ended_at : null;
    return {
      name,
      kind: nodeId === null ? 'redis' : 'broker',
      node_id: nodeId,
      host,
      port,
      pid,
      state,
      since: state === 'ended' ? server.endedAt : state === 'paused' ? pausedAt : server.startedAt,
      ended,
      in_use: nodeId !== null || (port === redisPort && isSelf(redisHost)),
      action,
    };
  }

  #commands(): string[] {
    const { settings, origins } = this.#loaded;
    const data = origins.dataDir.source === 'default' ? '' : ` --data-dir ${settings.dataDir}`;
    return [`streamsocial cluster up${data}`, `streamsocial up --log kafka${data}`];
  }
}

function isSelf(host: string): boolean {
  return host === 'localhost' || host === '127.0.0.1';
}

function errorOf(error: unknown): { code: string; message: string } {
  if (isKitError(error)) return { code: error.code, message: error.message };
  return { code: 'INTERNAL_ERROR', message: String(error) };
}
