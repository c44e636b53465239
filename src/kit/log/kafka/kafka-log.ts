import { createTopicsV7 } from '@platformatic/kafka';
import { type Clock, steadyClock } from '../../clock.ts';
import { isKitError, KitError } from '../../errors.ts';
import { noLongerThan } from '../../waiting.ts';
import type {
  AppendBatch,
  AppendResult,
  ConsumerGroup,
  EventLog,
  GroupMember,
  JoinOptions,
  LogDescription,
  OffsetQuery,
  PartitionBatch,
  PartitionOffset,
  ReadRequest,
  TopicDescription,
  TopicSpec,
} from '../event-log.ts';
import { joinGroup } from '../membership.ts';
import { ClusterView, parseAddress } from './cluster-view.ts';
import { errorName, isStaleLeader, refusal, unavailable } from './errors.ts';
import { Fetcher } from './fetcher.ts';
import { KafkaGroupTransport } from './group-transport.ts';
import { Producer } from './producer.ts';

export interface KafkaLogOptions {
  /** `host:port` of some brokers; the others are found through them. */
  readonly bootstrap: readonly string[];
  /** Shown in the brokers' logs and quotas. Default `streamsocial`. */
  readonly clientId?: string;
  /** A broker that does not answer within this is left for another. Default 3,000. */
  readonly requestTimeoutMs?: number;
  readonly clock?: Clock;
  /** Jitter of the members' retries, 0 to 1. */
  readonly random?: () => number;
}

const OPTION_NAMES = new Set(['bootstrap', 'clientId', 'requestTimeoutMs', 'clock', 'random']);
/** For appends under way when the log is closed; then they fail. */
const CLOSE_LIMIT_MS = 1_000;
const OUTSIDE = { generation: -1, memberId: '' };
/** The broker decides (`default.replication.factor`). */
const DEFAULT_REPLICATION = -1;

/**
 * Apache Kafka as an event log. What would weaken it cannot be set: appends are acknowledged by all in-sync replicas and
 * idempotent, nothing is committed by itself, a group without an offset starts at the earliest record. Versions of the
 * protocol: Produce 11, Fetch 17, ListOffsets 9, Metadata 12, CreateTopics 7, InitProducerId 4, FindCoordinator 4,
 * JoinGroup 9, SyncGroup 4, Heartbeat 4, LeaveGroup 5, OffsetCommit 9, OffsetFetch 9 (Kafka 3.7 and later).
 */
export class KafkaLog implements EventLog {
  readonly kind = 'kafka';
  readonly #cluster: ClusterView;
  readonly #fetcher: Fetcher;
  readonly #producer: Producer;
  readonly #transport: KafkaGroupTransport;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #members = new Set<GroupMember>();
  readonly #appends = new Set<Promise<unknown>>();
  readonly #closing = new AbortController();
  #closed: Promise<void> | null = null;

  /** @throws KitError UNKNOWN_OPTION, INVALID_BOOTSTRAP; whether a broker answers shows at the first use */
  static async connect(options: KafkaLogOptions): Promise<KafkaLog> {
    const unknown = Object.keys(options).filter((name) => !OPTION_NAMES.has(name));
    if (unknown.length > 0) {
      throw new KitError('UNKNOWN_OPTION', `the Kafka log has no option ${unknown.join(', ')}`, {
        details: { unknown },
      });
    }
    if (options.bootstrap.length === 0) throw new KitError('INVALID_BOOTSTRAP', 'no broker is named');
    for (const address of options.bootstrap) parseAddress(address);
    return new KafkaLog(options);
  }

  private constructor(options: KafkaLogOptions) {
    this.#clock = options.clock ?? steadyClock;
    this.#random = options.random ?? Math.random;
    this.#cluster = new ClusterView({
      bootstrap: options.bootstrap,
      clientId: options.clientId ?? 'streamsocial',
      requestTimeoutMs: options.requestTimeoutMs ?? 3_000,
      clock: this.#clock,
    });
    this.#fetcher = new Fetcher(this.#cluster);
    this.#producer = new Producer(this.#cluster, (...args) => this.#fetcher.findBatch(...args));
    this.#transport = new KafkaGroupTransport(this.#cluster);
  }

  /** Connections that are open now, for metrics. */
  get openConnections(): number {
    return this.#cluster.openConnections;
  }

  async createTopics(topics: readonly TopicSpec[]): Promise<void> {
    this.#assertOpen();
    const specs = topics.map(({ name, partitions, replicationFactor, config = {} }) => ({
      name,
      numPartitions: partitions,
      replicationFactor: replicationFactor ?? DEFAULT_REPLICATION,
      assignments: [],
      configs: Object.entries(config).map(([key, value]) => ({ name: key, value })),
    }));
    const timeoutMs = this.#cluster.requestTimeoutMs;
    const response = await this.#cluster.askAny(createTopicsV7.api, [specs, timeoutMs, false]);
    const created = response.topics.filter(({ errorCode }) => errorCode === 0).map(({ name }) => name);
    await this.#untilServed(created);
    const refused = response.topics.find(({ errorCode }) => errorCode !== 0);
    if (refused === undefined) return;
    const { name, errorCode, errorMessage } = refused;
    throw refusal(errorCode, `create topic ${name}`, { topic: name, created }, errorMessage);
  }

  async describe(topics?: readonly string[]): Promise<LogDescription> {
    this.#assertOpen();
    const metadata = await this.#cluster.metadata(topics ?? null);
    const described = metadata.topics
      .filter(({ isInternal }) => topics !== undefined || !isInternal)
      .map((topic): TopicDescription => {
        const name = topic.name ?? '';
        if (topic.errorCode !== 0 && errorName(topic.errorCode) !== 'LEADER_NOT_AVAILABLE') {
          throw refusal(topic.errorCode, `describe ${name}`, { topic: name });
        }
        const partitions = topic.partitions.map(({ partitionIndex, leaderId, replicaNodes, isrNodes }) => ({
          partition: partitionIndex,
          leader: leaderId,
          replicas: replicaNodes,
          isr: isrNodes,
        }));
        return { name, partitions: partitions.sort((a, b) => a.partition - b.partition) };
      });
    const order = new Map((topics ?? []).map((name, index) => [name, index]));
    return {
      clusterId: metadata.clusterId ?? '',
      controllerId: metadata.controllerId,
      brokers: metadata.brokers.map(({ nodeId, host, port }) => ({ id: nodeId, host, port })),
      topics: described.sort((a, b) =>
        topics === undefined ? (a.name < b.name ? -1 : 1) : order.get(a.name)! - order.get(b.name)!,
      ),
    };
  }

  async append(batch: AppendBatch): Promise<AppendResult> {
    this.#assertOpen();
    const append = this.#producer.append(batch);
    this.#appends.add(append);
    try {
      return await append;
    } finally {
      this.#appends.delete(append);
    }
  }

  async read(request: ReadRequest): Promise<PartitionBatch> {
    this.#assertOpen();
    const { signal } = request;
    const either = signal === undefined ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal]);
    return this.#fetcher.read({ ...request, signal: either });
  }

  async listOffsets(queries: readonly OffsetQuery[]): Promise<number[]> {
    this.#assertOpen();
    return this.#fetcher.listOffsets(queries);
  }

  group(id: string): ConsumerGroup {
    return {
      id,
      join: (options) => this.#join(id, options),
      committed: async () => {
        this.#assertOpen();
        return this.#transport.committed(id);
      },
      commit: async (offsets) => {
        this.#assertOpen();
        if (offsets.length > 0) await this.#commit(id, offsets);
      },
    };
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #join(groupId: string, options: JoinOptions): Promise<GroupMember> {
    this.#assertOpen();
    const deps = { transport: this.#transport, source: this.#fetcher, clock: this.#clock, random: this.#random };
    const member = await joinGroup(deps, groupId, options, this.#closing.signal);
    this.#members.add(member);
    const forget = (): boolean => this.#members.delete(member);
    member.ended.then(forget, forget);
    return member;
  }

  #commit(groupId: string, offsets: readonly PartitionOffset[]): Promise<void> {
    return this.#cluster.persist(() => this.#transport.commit({ groupId, ...OUTSIDE }, offsets));
  }

  /** Every broker knows the topics, as other processes may ask any of them, and the leaders know that they lead. */
  async #untilServed(names: readonly string[]): Promise<void> {
    if (names.length === 0) return;
    await this.#cluster.persist(async () => {
      const { brokers } = await this.#cluster.metadata([]);
      await Promise.all(
        brokers.map(async ({ nodeId }) => {
          const { topics } = await this.#cluster.metadataFrom(nodeId, names);
          const missing = topics.find(({ errorCode, partitions }) => {
            return isStaleLeader(errorCode) || partitions.some(({ leaderId }) => leaderId < 0);
          });
          if (missing !== undefined) throw unavailable(`broker ${nodeId} does not know ${missing.name} yet`);
        }),
      );
    });
    for (const topic of names) await this.#cluster.persist(() => this.#listEnds(topic));
  }

  /** @throws KitError LOG_UNAVAILABLE also where a broker that has just come back has not heard of the topic */
  async #listEnds(topic: string): Promise<void> {
    try {
      const count = await this.#fetcher.partitionCount(topic);
      const partitions = Array.from({ length: count }, (_, partition) => ({ topic, partition }));
      await this.#fetcher.listOffsets(partitions.map((at) => ({ ...at, at: 'latest' })));
    } catch (error) {
      throw isKitError(error, 'UNKNOWN_TOPIC') ? unavailable(`a broker does not know ${topic} yet`) : error;
    }
  }

  async #close(): Promise<void> {
    this.#closing.abort(closed());
    await Promise.allSettled([...this.#members].map((member) => member.leave()));
    await noLongerThan(CLOSE_LIMIT_MS, Promise.allSettled(this.#appends), this.#clock);
    this.#cluster.close();
  }

  #assertOpen(): void {
    if (this.#closed !== null) throw closed();
  }
}

function closed(): KitError {
  return new KitError('LOG_CLOSED', 'the log has been closed');
}
