import { type Clock, steadyClock, systemClock } from '../clock.ts';
import { isKitError } from '../errors.ts';
import { ClusterView, parseAddress } from '../log/kafka/cluster-view.ts';
import { Fetcher } from '../log/kafka/fetcher.ts';
import { brokerRates } from './broker-rates.ts';
import { brokerState, quorumProgress } from './broker-state.ts';
import type { BrokerReading, BrokerTelemetry } from './broker-telemetry.ts';
import type { ClusterFacts } from './cluster-facts.ts';
import { ClusterMemory, replicaLag } from './cluster-memory.ts';
import { ClusterProbe } from './cluster-probe.ts';
import type { BrokerHealth, ClusterReport, HealthSource, TopicHealth } from './cluster-report.ts';
import { groupHealth, RecordAges } from './group-lag.ts';
import type { OnGroups } from './group-look.ts';
import { type BrokerShare, brokerShares, leaderSkew, partitionTotals, topicHealth } from './partition-health.ts';
import { maxOrNull, sumOrNull } from './rates.ts';
import { type Shared, shared } from './shared.ts';

export interface ClusterHealthOptions {
  /** `host:port` of some brokers. */
  readonly bootstrap: readonly string[];
  /** Shown in the brokers' logs and quotas. Default `streamsocial-health`. */
  readonly clientId?: string;
  /** What whoever started the brokers knows of them. */
  readonly telemetry?: BrokerTelemetry | undefined;
  /** A broker that does not answer within this is silent. Default 1,000. */
  readonly requestTimeoutMs?: number;
  /** For a whole look. Default 2,500. */
  readonly timeoutMs?: number;
  /** Who asks within this after a look shares it. Default 1,000. */
  readonly maxAgeMs?: number;
  readonly onGroups?: OnGroups | undefined;
  /** For limits and rates; times of records are compared with the machine's clock. */
  readonly clock?: Clock;
}

const NOBODY: BrokerShare = { leaders: 0, replicas: 0, outOfSync: 0, awaitingElection: 0 };
const NO_LATENCY = { produce: null, fetch: null };

/**
 * How a Kafka cluster is, through Kafka's protocol: DescribeCluster 1, Metadata 12, DescribeQuorum 1, DescribeLogDirs 4, ListOffsets 9,
 * DescribeConfigs 4, ListGroups 4, DescribeGroups 5, OffsetFetch 9. It has connections of its own, so that a question to a broker that
 * hangs is in nobody's way. It looks when it is asked, and remembers: brokers that were there are listed when they are gone.
 */
export class ClusterHealth implements HealthSource {
  readonly #view: ClusterView;
  readonly #probe: ClusterProbe;
  readonly #memory = new ClusterMemory();
  readonly #ages: RecordAges;
  readonly #telemetry: BrokerTelemetry | null;
  readonly #clock: Clock;
  readonly #requestTimeoutMs: number;
  readonly #onGroups: OnGroups | undefined;
  readonly #shared: Shared<ClusterReport>;

  /** @throws KitError INVALID_BOOTSTRAP */
  constructor(options: ClusterHealthOptions) {
    const { bootstrap, clientId = 'streamsocial-health', requestTimeoutMs = 1_000, clock = steadyClock } = options;
    for (const address of bootstrap) parseAddress(address);
    this.#clock = clock;
    this.#requestTimeoutMs = requestTimeoutMs;
    this.#telemetry = options.telemetry ?? null;
    this.#onGroups = options.onGroups;
    this.#view = new ClusterView({ bootstrap, clientId, requestTimeoutMs, clock });
    this.#probe = new ClusterProbe({
      view: this.#view,
      clock,
      bootstrap,
      telemetry: this.#telemetry,
      requestTimeoutMs,
      timeoutMs: options.timeoutMs ?? 2_500,
    });
    const fetcher = new Fetcher(this.#view);
    this.#ages = new RecordAges((request) => fetcher.read(request));
    this.#shared = shared(
      () => this.#look(),
      options.maxAgeMs ?? 1_000,
      () => clock.now(),
    );
  }

  /** At most `maxAgeMs` old. @throws KitError LOG_CLOSED */
  report(): Promise<ClusterReport> {
    return this.#shared();
  }

  lookAgain(): void {
    this.#shared.forget();
  }

  close(): void {
    this.#view.close();
  }

  async #look(): Promise<ClusterReport> {
    try {
      const facts = await this.#probe.look(this.#memory);
      return this.#conclude(facts, await this.#agesOf(facts));
    } catch (error) {
      if (!isKitError(error, 'LOG_UNAVAILABLE')) throw error;
      const readings = (await this.#telemetry?.read(this.#requestTimeoutMs)) ?? new Map<number, BrokerReading>();
      const facts = this.#memory.silence(this.#clock.now(), readings);
      return { ...this.#conclude(facts, new Map()), error: error.message };
    }
  }

  async #agesOf(facts: ClusterFacts): Promise<Awaited<ReturnType<RecordAges['of']>>> {
    const limit = new AbortController();
    const cancel = this.#clock.after(this.#requestTimeoutMs / 2, () => limit.abort());
    try {
      return await this.#ages.of(facts.groups, facts.ends, limit.signal);
    } finally {
      cancel();
    }
  }

  #conclude(facts: ClusterFacts, ages: Awaited<ReturnType<RecordAges['of']>>): ClusterReport {
    const memory = this.#memory;
    const { before } = memory;
    const now = systemClock.now();
    memory.learn(facts);
    const topics = (facts.topics ?? memory.topics).map((topic) => topicHealth(topic, facts));
    const brokers = this.#brokers(facts, topics, before);
    memory.conclude(facts, new Map(brokers.map(({ id, state }) => [id, state])));

    const groups = facts.groups.map((group) => groupHealth(group, facts.ends, ages, now));
    const { starts, ends, incomplete } = facts;
    const sights = groups.map((health, index) => ({ health, description: facts.groups[index]!.description }));
    const look = { atMs: now, steadyMs: this.#clock.now(), groups: sights, starts, ends, incomplete };
    if (facts.answering.size > 0) this.#onGroups?.(look);

    const inService = brokers.filter(({ answers }) => answers);
    const totals = partitionTotals(topics);
    const hasController = facts.quorum !== null && facts.quorum.leaderId >= 0;
    const isDown = facts.answering.size === 0 || totals.offline > 0;
    const isDegraded =
      !hasController ||
      facts.topics === null ||
      totals.underReplicated + totals.underMinIsr > 0 ||
      brokers.some(({ state }) => state !== 'RUNNING');
    return {
      mode: 'kafka',
      status: isDown ? 'down' : isDegraded ? 'degraded' : 'healthy',
      observed_at: new Date(now).toISOString(),
      broker_count: inService.length,
      brokers,
      controller_id: facts.quorum?.leaderId ?? -1,
      controller_epoch: memory.epoch,
      controller_elections: memory.elections,
      under_replicated_partitions: totals.underReplicated,
      offline_partitions: totals.offline,
      under_min_isr_partitions: totals.underMinIsr,
      non_preferred_leaders: totals.nonPreferred,
      leader_skew: leaderSkew(inService.map(({ leaders }) => leaders)),
      messages_in_per_second: sumOrNull(inService.map((broker) => broker.messages_in_per_second)),
      bytes_in_per_second: sumOrNull(inService.map((broker) => broker.bytes_in_per_second)),
      request_latency_p99_ms: {
        produce: maxOrNull(brokers.map((broker) => broker.request_latency_p99_ms.produce)),
        fetch: maxOrNull(brokers.map((broker) => broker.request_latency_p99_ms.fetch)),
      },
      topics,
      groups,
      incomplete,
      ...(isDown ? { error: `${totals.offline} of the partitions have no leader that answers` } : {}),
    };
  }

  #brokers(facts: ClusterFacts, topics: readonly TopicHealth[], before: ClusterFacts | null): BrokerHealth[] {
    const shares = brokerShares(topics);
    const registered = new Set(facts.registered.map(({ id }) => id));
    const quorumHasLeader = facts.quorum !== null && facts.quorum.leaderId >= 0;
    const found = [...this.#memory.brokers].map(([id, known]): BrokerHealth => {
      const share = shares.get(id) ?? NOBODY;
      const reading = facts.readings.get(id);
      const metadata = quorumProgress(id, facts.quorum);
      const logs = facts.logs.get(id);
      const lag = replicaLag(logs);
      const answers = facts.answering.has(id);
      const { state, reason } = brokerState({
        answers,
        registered: registered.has(id),
        role: known.role,
        quorumHasLeader,
        fetchAgeMs: metadata?.fetchAgeMs ?? null,
        outOfSync: share.outOfSync,
        replicaLag: lag,
        replicaLagBefore: known.replicaLag,
        awaitingElection: share.awaitingElection,
        process: reading?.process ?? null,
        newProcess: reading !== undefined && reading.process.id !== known.processId,
        phase: reading?.jmx?.phase ?? null,
        before: known.state,
        answeredAgoMs: known.answeredAt === null ? null : facts.at - known.answeredAt,
      });
      const rates = brokerRates(id, before, facts);
      return {
        id,
        ...(known.address === null ? { host: null, port: null } : parseAddress(known.address)),
        role: known.role,
        state,
        reason,
        answers,
        leaders: share.leaders,
        replicas: share.replicas,
        out_of_sync: share.outOfSync,
        replica_lag: lag,
        metadata_lag: metadata?.lag ?? null,
        metadata_fetch_age_ms: metadata?.fetchAgeMs ?? null,
        metadata_caught_up_age_ms: metadata?.caughtUpAgeMs ?? null,
        log_bytes: logs === undefined ? null : [...logs.partitions.values()].reduce((sum, { bytes }) => sum + bytes, 0),
        usable_bytes: logs?.usableBytes ?? null,
        messages_in_per_second: answers ? rates.messages : null,
        bytes_in_per_second: answers ? rates.bytes : null,
        request_latency_p99_ms: reading?.jmx
          ? { produce: reading.jmx.produceP99Ms, fetch: reading.jmx.fetchP99Ms }
          : NO_LATENCY,
        telemetry: rates.source,
      };
    });
    return found.sort((a, b) => a.id - b.id);
  }
}
