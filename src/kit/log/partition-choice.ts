import { KitError } from '../errors.ts';
import type { EventLog, TopicPartition } from './event-log.ts';

export interface PartitionChoice {
  readonly topic: string;
  /** Null: all of them. */
  readonly partitions: readonly number[] | null;
}

/**
 * Ascending by topic and partition, each once.
 *
 * @throws KitError UNKNOWN_TOPIC, UNKNOWN_PARTITION, LOG_UNAVAILABLE
 */
export async function partitionsChosen(
  log: Pick<EventLog, 'describe'>,
  wanted: readonly PartitionChoice[],
): Promise<TopicPartition[]> {
  const { topics } = await log.describe([...new Set(wanted.map(({ topic }) => topic))]);
  const counts = new Map(topics.map(({ name, partitions }) => [name, partitions.length]));
  const found = wanted.flatMap(({ topic, partitions }) => {
    const count = counts.get(topic)!;
    const missing = partitions?.find((partition) => partition >= count);
    if (missing !== undefined) {
      throw new KitError(
        'UNKNOWN_PARTITION',
        `${topic} has ${count} partition${count === 1 ? '' : 's'}, counted from 0: there is no ${missing}`,
        {
          details: { topic, partition: missing, partitions: count },
        },
      );
    }
    return (partitions ?? Array.from({ length: count }, (_, index) => index)).map((partition) => ({
      topic,
      partition,
    }));
  });
  const once = new Map(found.map((at) => [`${at.topic}:${at.partition}`, at]));
  return [...once.values()].sort(byPlace);
}

/** By topic, then by partition. */
export function byPlace(a: TopicPartition, b: TopicPartition): number {
  if (a.topic === b.topic) return a.partition - b.partition;
  return a.topic < b.topic ? -1 : 1;
}
