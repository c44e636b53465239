/** Consumer groups at a moment: what this process measures of its own members, and the log of all others. */
import type { ConsumerLatencies, ConsumerMetrics } from '../../kit/consumers/consumer-metrics.ts';
import type { EventLog, TopicPartition } from '../../kit/log/event-log.ts';
import { keyOf } from '../../kit/monitoring/cluster-facts.ts';
import type { GroupHealth } from '../../kit/monitoring/cluster-report.ts';
import { positionOf, RecordAges } from '../../kit/monitoring/group-lag.ts';
import { maxOrNull } from '../../kit/monitoring/rates.ts';
import type { ProjectionName } from '../projection.ts';
import type { GroupFlow, WorstPartition } from './pulse-report.ts';
import type { RecentRates } from './recent-rates.ts';

/** A group whose member runs in this process. */
export interface OwnGroup {
  readonly group: string;
  readonly handler: ProjectionName | null;
  readonly topics: readonly string[];
  readonly metrics: ConsumerMetrics;
  readonly latencies: ConsumerLatencies;
  readonly generation: number | null;
}

export interface Moment {
  /** By `keyOf` partition. */
  readonly ends: ReadonlyMap<string, number>;
  /** By the clock that producers stamp records with. */
  readonly wallMs: number;
  /** By a clock that is never set back. */
  readonly nowMs: number;
  /** The projections can be neither read nor written. */
  readonly isStoreDown: boolean;
}

const MAX_GROUPS = 64;
const LOOKUP_LIMIT_MS = 200;

export class GroupFlows {
  readonly #ages: RecordAges;
  readonly #rates: RecentRates;

  constructor(log: Pick<EventLog, 'read'>, rates: RecentRates) {
    this.#ages = new RecordAges((request) => log.read(request));
    this.#rates = rates;
  }

  /** Own groups first, then the others by their lag; at most 64. */
  async at(own: readonly OwnGroup[], known: readonly GroupHealth[], moment: Moment): Promise<GroupFlow[]> {
    const healths = new Map(known.map((health) => [health.group, health]));
    const waiting = await this.#waiting(own, moment);
    const names = new Set(own.map(({ group }) => group));
    const others = known.filter(({ group }) => !names.has(group)).sort((a, b) => b.lag - a.lag);
    return [
      ...own.map((group) => this.#own(group, healths.get(group.group), waiting, moment)),
      ...others.map(foreign),
    ].slice(0, MAX_GROUPS);
  }

  /** When the oldest waiting records were published that no member has at hand, by `positionOf`. */
  async #waiting(own: readonly OwnGroup[], { ends }: Moment): Promise<ReadonlyMap<string, { timestamp: number }>> {
    const unknown = own.map(({ group, metrics }) => ({
      group,
      state: null,
      members: null,
      description: null,
      committed: metrics.partitions
        .filter((at) => at.waiting_since === null && (ends.get(keyOf(at)) ?? 0) > at.position)
        .map(({ topic, partition, position: offset }) => ({ topic, partition, offset })),
    }));
    if (unknown.every(({ committed }) => committed.length === 0)) return new Map();
    return this.#ages.of(unknown, ends, AbortSignal.timeout(LOOKUP_LIMIT_MS));
  }

  #own(
    { group, handler, topics, metrics, latencies, generation }: OwnGroup,
    health: GroupHealth | undefined,
    waiting: ReadonlyMap<string, { timestamp: number }>,
    { ends, wallMs, nowMs, isStoreDown }: Moment,
  ): GroupFlow {
    const mine = metrics.partitions.map(({ topic, partition, position, end_offset, waiting_since }) => {
      const at = { topic, partition };
      const lag = Math.max(0, Math.max(end_offset, ends.get(keyOf(at)) ?? 0) - position);
      const since = waiting_since ?? waiting.get(positionOf({ ...at, offset: position }))?.timestamp;
      const seconds = since === undefined ? null : Math.max(0, wallMs - since) / 1000;
      return { ...at, lag, lag_seconds: lag === 0 ? 0 : seconds };
    });
    const owned = new Set(mine.map(keyOf));
    const partitions = [...mine, ...(health?.partitions ?? []).filter((at) => !owned.has(keyOf(at)))];
    const processing = latencies.processing.latency(nowMs);
    const rate = (name: string, value: number) => this.#rates.perSecond(`${group} ${name}`, value, nowMs);
    return {
      group,
      handler,
      topics,
      state: health?.state ?? null,
      members: health?.members ?? null,
      generation,
      halted: !metrics.consumer_running ? 'stopped' : isStoreDown && handler !== null ? 'store_unavailable' : null,
      per_second: rate('applied', metrics.messages_processed),
      errors_per_second: rate('failed', metrics.messages_failed),
      ...lagOf(partitions),
      parked: metrics.parked,
      applied: metrics.messages_processed,
      retries: metrics.retry_count,
      dead: metrics.dead_letter_count,
      process_p50_ms: processing?.p50_ms ?? null,
      process_p99_ms: processing?.p99_ms ?? null,
      end_to_end: latencies.endToEnd.latency(nowMs),
    };
  }
}

function foreign({ group, state, members, partitions }: GroupHealth): GroupFlow {
  return {
    group,
    handler: null,
    topics: [...new Set(partitions.map(({ topic }) => topic))],
    state,
    members,
    generation: null,
    halted: null,
    per_second: null,
    errors_per_second: null,
    ...lagOf(partitions),
    parked: null,
    applied: null,
    retries: null,
    dead: null,
    process_p50_ms: null,
    process_p99_ms: null,
    end_to_end: null,
  };
}

type Behind = TopicPartition & { readonly lag: number | null; readonly lag_seconds: number | null };

function lagOf(partitions: readonly Behind[]): Pick<GroupFlow, 'lag' | 'lag_seconds' | 'worst'> {
  let worst: WorstPartition | null = null;
  let total = 0;
  for (const { topic, partition, lag, lag_seconds } of partitions) {
    if (lag === null || lag === 0) continue;
    total += lag;
    const isWorse = worst === null || (lag_seconds ?? -1) > (worst.lag_seconds ?? -1);
    if (isWorse || (lag_seconds === worst!.lag_seconds && lag > worst!.lag))
      worst = { topic, partition, lag, lag_seconds };
  }
  // those at their end are known to wait for nothing
  const seconds = maxOrNull(partitions.map((at) => at.lag_seconds));
  if (total === 0) return { lag: 0, lag_seconds: partitions.some(({ lag }) => lag === null) ? null : 0, worst };
  return { lag: total, lag_seconds: worst?.lag_seconds === null ? null : seconds, worst };
}
