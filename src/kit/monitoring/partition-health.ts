/** What metadata, offsets and answers say of partitions. Pure. */
import { type ClusterFacts, keyOf, type TopicFacts } from './cluster-facts.ts';
import type { PartitionHealth, TopicHealth } from './cluster-report.ts';

const UNKNOWN = -1;

export function topicHealth(
  topic: TopicFacts,
  { answering, ends, starts }: Pick<ClusterFacts, 'answering' | 'ends' | 'starts'>,
): TopicHealth {
  const { name, internal, minInSync } = topic;
  const partitions = topic.partitions.map(({ partition, leader, replicas, isr }): PartitionHealth => {
    const key = keyOf({ topic: name, partition });
    return {
      partition,
      leader,
      replicas,
      isr,
      end_offset: ends.get(key) ?? UNKNOWN,
      start_offset: starts.get(key) ?? UNKNOWN,
      preferred: leader === replicas[0],
      offline: !answering.has(leader),
      under_min_isr: minInSync !== null && isr.length < minInSync,
    };
  });
  return { name, internal, min_insync_replicas: minInSync, partitions };
}

export interface PartitionTotals {
  readonly underReplicated: number;
  readonly offline: number;
  readonly underMinIsr: number;
  readonly nonPreferred: number;
}

export function partitionTotals(topics: readonly TopicHealth[]): PartitionTotals {
  const count = (wanted: (partition: PartitionHealth) => boolean): number =>
    topics.reduce((sum, { partitions }) => sum + partitions.filter(wanted).length, 0);
  return {
    underReplicated: count(({ isr, replicas }) => isr.length < replicas.length),
    offline: count(({ offline }) => offline),
    underMinIsr: count(({ under_min_isr }) => under_min_isr),
    nonPreferred: count(({ leader, preferred }) => leader >= 0 && !preferred),
  };
}

export interface BrokerShare {
  leaders: number;
  replicas: number;
  outOfSync: number;
  /** Of partitions without a leader that answers, how many have it in their ISR. */
  awaitingElection: number;
}

export function brokerShares(topics: readonly TopicHealth[]): ReadonlyMap<number, BrokerShare> {
  const shares = new Map<number, BrokerShare>();
  const share = (id: number): BrokerShare => {
    const known = shares.get(id) ?? { leaders: 0, replicas: 0, outOfSync: 0, awaitingElection: 0 };
    shares.set(id, known);
    return known;
  };
  for (const { leader, replicas, isr, offline } of topics.flatMap(({ partitions }) => partitions)) {
    if (leader >= 0) share(leader).leaders += 1;
    for (const id of replicas) {
      share(id).replicas += 1;
      if (!isr.includes(id)) share(id).outOfSync += 1;
      else if (offline && id !== leader) share(id).awaitingElection += 1;
    }
  }
  return shares;
}

/** (most − mean) / mean over the brokers that could lead; null where nothing is led. */
export function leaderSkew(leaders: readonly number[]): number | null {
  const total = leaders.reduce((sum, one) => sum + one, 0);
  if (total === 0) return null;
  const mean = total / leaders.length;
  return (Math.max(...leaders) - mean) / mean;
}
