/**
 * What a drill plays on: a fresh cluster, topics, load and consumers in processes of their own, and the history they
 * write. Whatever happens, `dispose` ends all of it.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster, ClusterOptions } from '../cluster/cluster.ts';
import { startClusterOnFreePorts } from '../cluster/on-free-ports.ts';
import { stopCluster } from '../cluster/remote-control.ts';
import { SOCIAL_TOPICS, socialTopicSpecs } from '../domains/social/topics.ts';
import { KitError } from '../kit/errors.ts';
import { KafkaLog } from '../kit/log/kafka/kafka-log.ts';
import { TopicManager } from '../kit/log/topic-manager.ts';
import { RedisProjectionStore } from '../kit/projections/redis/redis-store.ts';
import type { Projection } from '../pipelines/projection.ts';
import { isQuiet, logEnds } from '../pipelines/quiet.ts';
import { socialProjections } from '../pipelines/social-projections.ts';
import { inSyncEverywhere, metadataQuorum } from './broker-views.ts';
import type { CheckTarget } from './checker/check-target.ts';
import { monotonicMs } from './history/history.ts';
import { readHistory } from './history/read-history.ts';
import { HistoryRecorder } from './history/recorder.ts';
import { Measurements } from './measurements.ts';
import { MemoryWatch } from './memory-watch.ts';
import type { RunOptions } from './run-options.ts';
import { WorkerProcess } from './workers/worker-process.ts';
import type {
  ConsumerProgress,
  ConsumerSpec,
  LoadProgress,
  LoadSpec,
  PlatformProgress,
} from './workers/worker-spec.ts';

export type LoadProcess = WorkerProcess<LoadProgress>;
export type ConsumerProcess = WorkerProcess<ConsumerProgress>;

export interface StageOptions extends Omit<RunOptions, 'reportDirectory'> {
  /** Empty; for the data of servers and the histories. */
  readonly directory: string;
}

/** A started cluster and the harness's own connections to it. */
export interface Ground {
  readonly cluster: Cluster;
  readonly log: KafkaLog;
  readonly redis: { readonly host: string; readonly port: number };
  readonly projections: readonly Projection[];
}

const BROKERS = 3;
export const GROUP_ID = 'drill';
const POLL_MS = 100;
const PROGRESS_MS = 1_000;
const QUIET_MS = 120_000;

export class Stage {
  readonly options: StageOptions;
  readonly memory = new MemoryWatch();
  readonly loads: LoadProcess[] = [];
  readonly consumers: ConsumerProcess[] = [];
  readonly #history: HistoryRecorder;
  readonly #historyFiles: string[] = [];
  readonly #opened = new AsyncDisposableStack();
  readonly #clusterDirectory: string;
  #ground: Ground | null = null;

  constructor(options: StageOptions) {
    this.options = options;
    this.#clusterDirectory = join(options.directory, 'cluster');
    // what cannot be interrupted waits for one of these, and they end
    const interrupt = (): void => {
      void this.endProcesses();
      void stopCluster(this.#clusterDirectory).catch(() => {});
    };
    options.signal.addEventListener('abort', interrupt, { once: true });
    this.#opened.defer(() => options.signal.removeEventListener('abort', interrupt));
    this.#history = new HistoryRecorder(this.historyFile('drill'), 'drill');
    this.#opened.defer(() => {
      this.#history.close();
      this.memory.stop();
    });
  }

  /** One file per process; what is put there is read by the checker. */
  historyFile(process: string): string {
    const file = join(this.options.directory, `${process}.history.ndjson`);
    if (!this.#historyFiles.includes(file)) this.#historyFiles.push(file);
    return file;
  }

  get historyFiles(): readonly string[] {
    return this.#historyFiles;
  }

  /** Three brokers, Redis and the ten event types' topics, all new. */
  async kafka(wish: Pick<ClusterOptions, 'places'> = {}): Promise<Ground> {
    if (this.#ground !== null) return this.#ground;
    const { cacheDirectory, signal, onProgress, brokers = BROKERS } = this.options;
    await mkdir(this.#clusterDirectory, { recursive: true });
    const cluster = this.#opened.adopt(
      await startClusterOnFreePorts({
        directory: this.#clusterDirectory,
        cacheDirectory,
        brokers,
        ...wish,
        redis: true,
        onProgress,
      }),
      (open) => open.stop(),
    );
    signal.throwIfAborted();
    const log = this.#opened.adopt(
      await KafkaLog.connect({ bootstrap: cluster.bootstrap, clientId: 'drill' }),
      (open) => open.close(),
    );
    await new TopicManager(log).ensure(socialTopicSpecs('local', brokers));
    const redis = cluster.redis!;
    const store = async (name: string) =>
      this.#opened.adopt(await RedisProjectionStore.open({ ...redis, name }), (open) => open.close());
    const stores = { engagement: await store('engagement'), activity: await store('activity') };
    const projections = Object.values(socialProjections(stores, GROUP_ID));
    this.#ground = { cluster, log, redis, projections };
    return this.#ground;
  }

  /** A load that is ready and waits for `start`. */
  async load(wish: Partial<Omit<LoadSpec, 'role'>> = {}): Promise<LoadProcess> {
    const { cluster } = await this.kafka();
    const name = wish.name ?? 'load';
    const { seed, ratePerSecond } = this.options;
    const load: LoadProcess = this.#keep(
      await WorkerProcess.start<LoadProgress>({
        name,
        historyFile: this.historyFile(name),
        bootstrap: cluster.bootstrap,
        seed,
        ratePerSecond,
        poisonShare: 0.001,
        repeatShare: 0.01,
        maxOutstanding: 90_000,
        recordsBeginnings: false,
        ...wish,
        role: 'load',
      }),
    );
    this.loads.push(load);
    return load;
  }

  /** A consumer that owns its partitions. */
  async consumer(name: string, wish: Partial<Omit<ConsumerSpec, 'role' | 'name'>> = {}): Promise<ConsumerProcess> {
    const { cluster, redis } = await this.kafka();
    const consumer: ConsumerProcess = this.#keep(
      await WorkerProcess.start<ConsumerProgress>({
        name,
        historyFile: this.historyFile(name),
        bootstrap: cluster.bootstrap,
        redis,
        groupId: GROUP_ID,
        flakyShare: 0.0005,
        sabotage: this.options.sabotage,
        ...wish,
        role: 'consumer',
      }),
    );
    this.consumers.push(consumer);
    return consumer;
  }

  /** One consumer, and a load that has gone on for a while: what most faults begin with. The answer is when it was warm. */
  async steady(warmUpS: number, beforeS: number): Promise<number> {
    await this.consumer('consumer-1');
    const load = await this.load();
    load.send({ do: 'start' });
    await this.phase('warming up', warmUpS);
    const beforeMs = this.mark('steady');
    await this.phase('before', beforeS);
    return beforeMs;
  }

  /** A process with a platform of its own: watched and ended like a load and a consumer, which it is both. */
  adopt(platform: WorkerProcess<PlatformProgress>): void {
    this.#keep(platform);
    this.loads.push(platform);
    this.consumers.push(platform);
  }

  /** Whatever must be ended when the drill is over, in reverse order. */
  defer(end: () => Promise<void> | void): void {
    this.#opened.defer(end);
  }

  /** Notes the moment in the history and the plot; the answer is the moment. */
  mark(label: string): number {
    const atMs = monotonicMs();
    this.#history.mark(label, atMs);
    this.options.onProgress(label);
    return atMs;
  }

  /** Lets time pass, with a look at every process; `seconds` are scaled. The answer is the moment after. */
  async phase(name: string, seconds: number): Promise<number> {
    const endMs = monotonicMs() + seconds * 1000 * this.options.scale;
    let shownMs = Number.NEGATIVE_INFINITY;
    while (monotonicMs() < endMs) {
      this.#assertAlive();
      if (monotonicMs() - shownMs >= PROGRESS_MS) {
        shownMs = monotonicMs();
        this.options.onProgress(`${name}, ${Math.ceil((endMs - shownMs) / 1000)} s more: ${this.#progressText()}`);
      }
      await delay(Math.min(POLL_MS, Math.max(1, endMs - monotonicMs())), undefined, { signal: this.options.signal });
    }
    return monotonicMs();
  }

  /** As `phase`, for a moment, unscaled and unseen. */
  async pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.options.signal });
    this.#assertAlive();
  }

  /**
   * Polls until the condition holds; the answer is how long that took, in ms.
   *
   * @throws KitError DRILL_STUCK after `timeoutMs`, with `what` in its message; WORKER_FAILED when a process has ended by itself
   */
  async until(what: string, timeoutMs: number, condition: () => Promise<boolean> | boolean): Promise<number> {
    const startMs = monotonicMs();
    let shownMs = startMs;
    while (!(await condition())) {
      this.#assertAlive();
      const waitedMs = monotonicMs() - startMs;
      if (waitedMs > timeoutMs) throw new KitError('DRILL_STUCK', `${what} did not come within ${timeoutMs / 1000} s`);
      if (monotonicMs() - shownMs >= PROGRESS_MS) {
        shownMs = monotonicMs();
        this.options.onProgress(`waiting for ${what}: ${this.#progressText()}`);
      }
      await delay(POLL_MS, undefined, { signal: this.options.signal });
    }
    return monotonicMs() - startMs;
  }

  /** The loads offer nothing more, all they sent is settled, and the projections have reached the log's end. */
  async settle(): Promise<void> {
    this.mark('load ends');
    await Promise.all(this.loads.filter(({ running }) => running).map((load) => load.finish()));
    const { log, projections } = await this.kafka();
    await this.until('a quiet moment', QUIET_MS, async () => isQuiet(projections, await logEnds(log)));
    this.mark('quiet');
    await Promise.all(this.consumers.filter(({ running }) => running).map((consumer) => consumer.finish()));
  }

  /** The active controller, and of the others the leader of most partitions: what losing a controller costs is another question. */
  async leaders(): Promise<{ readonly busiest: string; readonly controller: string }> {
    const { log, cluster } = await this.kafka();
    const { brokers, topics } = await log.describe(SOCIAL_TOPICS);
    const quorum = await metadataQuorum(cluster.bootstrap);
    const led = new Map(brokers.map(({ id }) => [id, 0]));
    for (const { partitions } of topics)
      for (const { leader } of partitions) led.set(leader, (led.get(leader) ?? 0) + 1);
    const controllerId = quorum?.leaderId ?? -1;
    const [busiest] = [...led].filter(([id]) => id !== controllerId).sort((a, b) => b[1] - a[1])[0]!;
    return { busiest: serverOf(busiest), controller: serverOf(controllerId) };
  }

  /** Every broker runs, and sees every partition of the social topics with all its replicas in sync. */
  async isFullyReplicated(): Promise<boolean> {
    const { cluster } = await this.kafka();
    return inSyncEverywhere(cluster.bootstrap, SOCIAL_TOPICS);
  }

  /** The answer is how long that took, in ms. @throws KitError as `until` */
  async untilInSync(timeoutMs: number): Promise<number> {
    const tookMs = await this.until('all replicas in sync', timeoutMs, () => this.isFullyReplicated());
    this.mark('in sync');
    return tookMs;
  }

  /** What the loads and consumers wrote down so far. */
  async measurements(): Promise<Measurements> {
    const measured = new Measurements();
    for await (const entry of readHistory(this.#historyFiles)) measured.add(entry);
    return measured;
  }

  /** The cluster as the drill left it; null where there is none. */
  async checkTarget(): Promise<CheckTarget | null> {
    if (this.#ground === null) return null;
    const { cluster, redis } = this.#ground;
    return {
      historyFiles: this.#historyFiles,
      log: { kind: 'kafka', bootstrap: cluster.bootstrap },
      stores: { kind: 'redis', ...redis },
      groupId: GROUP_ID,
    };
  }

  /** Ends loads and consumers that still run. Repeated calls are harmless. */
  async endProcesses(): Promise<void> {
    await Promise.all([...this.loads, ...this.consumers].filter(({ running }) => running).map((one) => one.kill()));
  }

  /** Ends everything. Repeated calls are harmless. */
  async dispose(): Promise<void> {
    await this.endProcesses();
    await this.#opened.disposeAsync();
  }

  #keep<P extends LoadProgress | ConsumerProgress>(worker: WorkerProcess<P>): WorkerProcess<P> {
    this.memory.watch(worker.name, worker.pid);
    return worker;
  }

  #assertAlive(): void {
    this.options.signal.throwIfAborted();
    for (const { unexpectedEnd } of [...this.loads, ...this.consumers]) if (unexpectedEnd !== null) throw unexpectedEnd;
  }

  #progressText(): string {
    const sum = <T extends { readonly progress: object | null }>(workers: readonly T[], field: string) =>
      workers.reduce((total, { progress }) => total + ((progress as Record<string, number> | null)?.[field] ?? 0), 0);
    const count = (value: number) => value.toLocaleString('en-US');
    const running = this.consumers.filter((consumer) => consumer.running);
    return `${count(sum(this.loads, 'acked'))} of ${count(sum(this.loads, 'offered'))} acknowledged, ${count(sum(this.consumers, 'applied'))} applied, lag ${count(sum(running, 'lag'))}`;
  }
}

/** As the launcher names them. */
export function serverOf(brokerId: number): string {
  return `kafka-${brokerId}`;
}
