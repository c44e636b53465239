/** Topics as people are shown them: from the brokers' metadata, with the ends of every partition that has a leader. */
import { isKitError } from '../errors.ts';
import type { EventLog, PartitionDescription, TopicDescription, TopicPartition } from './event-log.ts';

export interface PartitionReport extends PartitionDescription {
  /** Null without a leader, or where it does not answer. */
  readonly start_offset: number | null;
  readonly end_offset: number | null;
}

export interface TopicReport {
  readonly name: string;
  readonly partition_count: number;
  readonly replication_factor: number;
  /** Null where a partition's ends are not known. Compaction and transactions leave fewer than the offsets say. */
  readonly records: number | null;
  readonly partitions: readonly PartitionReport[];
}

export async function reportTopics(log: EventLog, topics: readonly TopicDescription[]): Promise<TopicReport[]> {
  const led = topics.flatMap(({ name: topic, partitions }) =>
    partitions.filter(({ leader }) => leader >= 0).map(({ partition }) => ({ topic, partition })),
  );
  const ends = await endsOf(log, led);
  return topics.map(({ name, partitions }) => {
    const reports = partitions.map((one) => {
      const { start = null, end = null } = ends.get(keyOf({ topic: name, partition: one.partition })) ?? {};
      return { ...one, start_offset: start, end_offset: end };
    });
    return {
      name,
      partition_count: partitions.length,
      replication_factor: partitions[0]?.replicas.length ?? 0,
      records: reports.reduce<number | null>(
        (sum, { start_offset: start, end_offset: end }) =>
          sum === null || start === null || end === null ? null : sum + end - start,
        0,
      ),
      partitions: reports,
    };
  });
}

export interface Ends {
  readonly start: number;
  readonly end: number;
}

const UNKNOWABLE = ['LOG_UNAVAILABLE', 'UNKNOWN_TOPIC', 'UNKNOWN_PARTITION'];

/** By `keyOf`; without topics that are gone or whose leaders do not answer. */
export async function endsOf(log: EventLog, partitions: readonly TopicPartition[]): Promise<ReadonlyMap<string, Ends>> {
  const found = [...Map.groupBy(partitions, ({ topic }) => topic).values()].map(async (of) => {
    try {
      const [starts, ends] = await Promise.all(
        (['earliest', 'latest'] as const).map((at) => log.listOffsets(of.map((one) => ({ ...one, at })))),
      );
      return of.map((one, index) => [keyOf(one), { start: starts![index]!, end: ends![index]! }] as const);
    } catch (error) {
      if (isKitError(error) && UNKNOWABLE.includes(error.code)) return [];
      throw error;
    }
  });
  return new Map((await Promise.all(found)).flat());
}

export function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`;
}
