import { type Clock, steadyClock, systemClock } from '../clock.ts';
import { isKitError } from '../errors.ts';
import type { EventLog } from '../log/event-log.ts';
import type { LogAdmin } from '../log/log-admin.ts';
import { type GroupFacts, keyOf } from './cluster-facts.ts';
import type { ClusterReport, HealthSource } from './cluster-report.ts';
import { groupHealth, RecordAges } from './group-lag.ts';
import { CONSUMERS, MAX_GROUPS, type OnGroups } from './group-look.ts';
import { leaderSkew, partitionTotals, topicHealth } from './partition-health.ts';
import { growthPerSecond } from './rates.ts';
import { type Shared, shared } from './shared.ts';

export interface EmbeddedHealthOptions {
  readonly log: EventLog;
  /** Whose lag is told. */
  readonly groups: readonly string[];
  /** Where all groups are known, to tell of those too that others have. */
  readonly admin?: Pick<LogAdmin, 'listGroups' | 'describeGroup'>;
  readonly onGroups?: OnGroups | undefined;
  readonly maxAgeMs?: number;
  readonly clock?: Clock;
}

const NO_LATENCY = { produce: null, fetch: null };
const READ_LIMIT_MS = 500;

/** How an embedded log is: one broker in this process. What a cluster has and it has not is null. */
export class EmbeddedHealth implements HealthSource {
  readonly #log: EventLog;
  readonly #groups: readonly string[];
  readonly #admin: EmbeddedHealthOptions['admin'];
  readonly #onGroups: OnGroups | undefined;
  readonly #clock: Clock;
  readonly #ages: RecordAges;
  readonly #shared: Shared<ClusterReport>;
  #before: { readonly at: number; readonly ends: ReadonlyMap<string, number> } | null = null;

  constructor({ log, groups, admin, onGroups, maxAgeMs = 1_000, clock = steadyClock }: EmbeddedHealthOptions) {
    this.#log = log;
    this.#groups = groups;
    this.#admin = admin;
    this.#onGroups = onGroups;
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

  lookAgain(): void {
    this.#shared.forget();
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
    const facts = await this.#groupFacts();
    const ages = await this.#ages.of(facts, ends, AbortSignal.timeout(READ_LIMIT_MS));
    const now = systemClock.now();
    const groups = facts.map((group) => groupHealth(group, ends, ages, now));
    const sights = groups.map((health, index) => ({ health, description: facts[index]!.description }));
    this.#onGroups?.({ atMs: now, steadyMs: this.#clock.now(), groups: sights, starts, ends, incomplete: [] });
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
      groups,
    };
  }

  async #groupFacts(): Promise<GroupFacts[]> {
    const listed = (await this.#admin?.listGroups()) ?? [];
    const others = listed.filter(({ protocolType }) => CONSUMERS.has(protocolType)).map(({ groupId }) => groupId);
    const names = [...new Set([...this.#groups, ...others])].slice(0, MAX_GROUPS);
    return await Promise.all(
      names.map(async (group) => {
        const description = (await this.#admin?.describeGroup(group).catch(nullIfUnknown)) ?? null;
        const { state = null, members } = description ?? {};
        const committed = await this.#log.group(group).committed();
        return { group, state, members: members?.length ?? null, committed, description };
      }),
    );
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

/** One of ours that nobody has joined yet. */
function nullIfUnknown(error: unknown): null {
  if (isKitError(error, 'UNKNOWN_GROUP')) return null;
  throw error;
}
