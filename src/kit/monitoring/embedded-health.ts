import { type Clock, steadyClock, systemClock } from '../clock.ts';
import { isKitError } from '../errors.ts';
import type { EventLog } from '../log/event-log.ts';
import { keyOf } from './cluster-facts.ts';
import type { ClusterReport, HealthSource } from './cluster-report.ts';
import { groupHealth, RecordAges } from './group-lag.ts';
import { leaderSkew, partitionTotals, topicHealth } from './partition-health.ts';
import { growthPerSecond } from './rates.ts';
import { shared } from './shared.ts';

export interface EmbeddedHealthOptions {
  readonly log: EventLog;
  /** Whose lag is told. */
  readonly groups: readonly string[];
  readonly maxAgeMs?: number;
  readonly clock?: Clock;
}

const NO_LATENCY = { produce: null, fetch: null };
const READ_LIMIT_MS = 500;

/** How an embedded log is: one broker in this process. What a cluster has and it has not is null. */
export class EmbeddedHealth implements HealthSource {
  readonly #log: EventLog;
  readonly #groups: readonly string[];
  readonly #clock: Clock;
  readonly #ages: RecordAges;
  readonly #shared: () => Promise<ClusterReport>;
  #before: { readonly at: number; readonly ends: ReadonlyMap<string, number> } | null = null;

  constructor({ log, groups, maxAgeMs = 1_000, clock = steadyClock }: EmbeddedHealthOptions) {
    this.#log = log;
    this.#groups = groups;
    this.#clock = clock;
    this.#ages = new RecordAges((request) => log.read(request));
    this.#shared = shared(
      () => this.#look(),
      maxAgeMs,
      () => clock.now(),
    );
  }

  report(): Promise<ClusterReport> {
    return this.#shared();
  }

  close(): void {}

  async #look(): Promise<ClusterReport> {
    try {
      return await this.#describe();
    } catch (error) {
      if (!isKitError(error)) throw error;
      return { ...this.#nothing(), error: error.message };
    }
  }

  async #describe(): Promise<ClusterReport> {
    const at = this.#clock.now();
    const { brokers, controllerId, topics: described } = await this.#log.describe();
    const answering = new Set(brokers.map(({ id }) => id));
    const places = described.flatMap(({ name: topic, partitions }) =>
      partitions.map(({ partition }) => ({ topic, partition })),
    );
    const offsets = async (at: 'earliest' | 'latest'): Promise<Map<string, number>> => {
      const found = await this.#log.listOffsets(places.map((place) => ({ ...place, at })));
      return new Map(places.map((place, index) => [keyOf(place), found[index]!]));
    };
    const [starts, ends] = [await offsets('earliest'), await offsets('latest')];
    const topics = described.map(({ name, partitions }) =>
      topicHealth({ name, internal: false, minInSync: 1, partitions }, { answering, ends, starts }),
    );
    const totals = partitionTotals(topics);
    const messages = this.#before === null ? null : growthPerSecond(this.#before.ends, ends, at - this.#before.at);
    this.#before = { at, ends };
    const groups = await Promise.all(
      this.#groups.map(async (group) => ({
        group,
        state: null,
        members: null,
        committed: await this.#log.group(group).committed(),
      })),
    );
    const ages = await this.#ages.of(groups, ends, AbortSignal.timeout(READ_LIMIT_MS));
    return {
      ...this.#nothing(),
      status: totals.offline > 0 ? 'down' : 'healthy',
      broker_count: brokers.length,
      brokers: brokers.map(({ id, host, port }) => ({
        id,
        host,
        port,
        role: null,
        state: 'RUNNING',
        reason: 'it is part of this process',
        answers: true,
        leaders: places.length,
        replicas: places.length,
        out_of_sync: 0,
        replica_lag: 0,
        metadata_lag: null,
        metadata_fetch_age_ms: null,
        metadata_caught_up_age_ms: null,
        log_bytes: null,
        usable_bytes: null,
        messages_in_per_second: messages,
        bytes_in_per_second: null,
        request_latency_p99_ms: NO_LATENCY,
        telemetry: 'protocol',
      })),
      controller_id: controllerId,
      offline_partitions: totals.offline,
      leader_skew: leaderSkew([places.length]),
      messages_in_per_second: messages,
      topics,
      groups: groups.map((group) => groupHealth(group, ends, ages, systemClock.now())),
    };
  }

  #nothing(): ClusterReport {
    return {
      mode: 'embedded',
      status: 'down',
      observed_at: new Date(systemClock.now()).toISOString(),
      broker_count: 0,
      brokers: [],
      controller_id: -1,
      controller_epoch: null,
      controller_elections: null,
      under_replicated_partitions: 0,
      offline_partitions: 0,
      under_min_isr_partitions: 0,
      non_preferred_leaders: 0,
      leader_skew: null,
      messages_in_per_second: null,
      bytes_in_per_second: null,
      request_latency_p99_ms: NO_LATENCY,
      topics: [],
      groups: [],
      incomplete: [],
    };
  }
}
