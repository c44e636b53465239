/** How far the projections are, and which version of each is live. */
import type { EventLog, TopicPartition } from '../kit/log/event-log.ts';
import type { ProjectionStores } from './open-stores.ts';
import type { Projection, ProjectionName } from './projection.ts';

export interface ProjectionPartition extends TopicPartition {
  /** The next offset; null before the first record. */
  readonly position: number | null;
  readonly end: number;
  readonly lag: number;
  readonly applied: number;
  readonly duplicates: number;
  readonly parked: number;
  readonly dead: number;
}

export interface ProjectionStatus {
  readonly name: ProjectionName;
  readonly group: string;
  readonly topics: readonly string[];
  readonly version: number;
  /** What a rebuild with `keep` has left, for whoever wants to look at it. */
  readonly kept_version: number | null;
  readonly rebuilding: boolean;
  /** Records behind the end of the log, all partitions together. */
  readonly lag: number;
  readonly applied: number;
  readonly duplicates: number;
  readonly parked: number;
  readonly dead: number;
  readonly partitions: readonly ProjectionPartition[];
}

export async function projectionStatus(
  log: EventLog,
  { name, group, topics }: Projection,
  stores: ProjectionStores,
): Promise<ProjectionStatus> {
  const [versions, states, described] = await Promise.all([
    stores[name].versions(),
    stores[name].partitions(),
    log.describe(topics),
  ]);
  const places = described.topics.flatMap((topic) =>
    topic.partitions.map(({ partition }) => ({ topic: topic.name, partition })),
  );
  const [starts, ends] = await Promise.all([
    log.listOffsets(places.map((place) => ({ ...place, at: 'earliest' as const }))),
    log.listOffsets(places.map((place) => ({ ...place, at: 'latest' as const }))),
  ]);
  const partitions = places.map((place, index): ProjectionPartition => {
    const state = states.find(({ topic, partition }) => topic === place.topic && partition === place.partition);
    const end = ends[index]!;
    const { applied = 0, duplicates = 0, dead = 0 } = state?.tallies ?? {};
    const position = state?.next ?? null;
    const lag = Math.max(0, end - (position ?? starts[index]!));
    return { ...place, position, end, lag, applied, duplicates, parked: state?.parked ?? 0, dead };
  });
  const sum = (pick: (one: ProjectionPartition) => number) => partitions.reduce((total, one) => total + pick(one), 0);
  return {
    name,
    group,
    topics,
    version: versions.live,
    kept_version: versions.kept,
    rebuilding: versions.work !== null,
    lag: sum(({ lag }) => lag),
    applied: sum(({ applied }) => applied),
    duplicates: sum(({ duplicates }) => duplicates),
    parked: sum(({ parked }) => parked),
    dead: sum(({ dead }) => dead),
    partitions,
  };
}
