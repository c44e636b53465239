import type { LogStore } from '../kit/log/embedded/log-store.ts';
import type { TopicPartition } from '../kit/log/event-log.ts';

export function isKnown(store: LogStore, { topic, partition }: TopicPartition): boolean {
  return store.hasTopic(topic) && partition >= 0 && partition < store.topic(topic).partitions;
}

/** As requests and responses name partitions: topic by topic, in the order in which the topics come. */
export function byTopic<P extends TopicPartition, R>(partitions: readonly P[], toAnswer: (partition: P) => R) {
  return [...Map.groupBy(partitions, ({ topic }) => topic)].map(([name, of]) => ({
    name,
    partitions: of.map(toAnswer),
  }));
}
