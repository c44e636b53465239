/** Which groups and which partitions are meant. */
import { KitError } from '../kit/errors.ts';
import type { EventLog, TopicPartition } from '../kit/log/event-log.ts';

/** @throws KitError USAGE without any; null is all */
export function groupsNamed(
  named: readonly string[],
  { group = [], allGroups }: { readonly group?: readonly string[]; readonly allGroups?: boolean },
  alternative = '',
): string[] | null {
  const groups = [...new Set([...named, ...group])];
  if (allGroups) return null;
  if (groups.length > 0) return groups;
  const or = alternative === '' ? '' : ` or ${alternative}`;
  throw new KitError('USAGE', `Say which group${or} (streamsocial groups list shows them)`);
}

/** @throws KitError USAGE */
export function oneGroup(argument: string | undefined, option: string | undefined): string {
  const group = argument ?? option;
  if (group === undefined || (argument !== undefined && option !== undefined && argument !== option))
    throw new KitError('USAGE', 'Say which group, once (streamsocial groups list shows them)');
  return group;
}

/**
 * Of `orders` or `orders:0,2`, as kafka-consumer-groups.sh takes it. Ascending by topic and partition, each once.
 *
 * @throws KitError USAGE, UNKNOWN_TOPIC, UNKNOWN_PARTITION
 */
export async function partitionsNamed(log: EventLog, texts: readonly string[]): Promise<TopicPartition[]> {
  const wanted = texts.map(parse);
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
  return [...once.values()].sort((a, b) =>
    a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1,
  );
}

function parse(text: string): { topic: string; partitions: number[] | null } {
  const match = /^([^:]+)(?::(\d+(?:,\d+)*))?$/.exec(text);
  if (match === null) {
    throw new KitError('USAGE', `Invalid topic arg '${text}': a topic, or a topic and partitions such as orders:0,2`);
  }
  return { topic: match[1]!, partitions: match[2]?.split(',').map(Number) ?? null };
}
