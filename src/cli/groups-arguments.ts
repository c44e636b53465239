/** Which groups and which partitions are meant. */
import { KitError } from '../kit/errors.ts';
import type { EventLog, TopicPartition } from '../kit/log/event-log.ts';
import { type PartitionChoice, partitionsChosen } from '../kit/log/partition-choice.ts';

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
export function partitionsNamed(log: EventLog, texts: readonly string[]): Promise<TopicPartition[]> {
  return partitionsChosen(log, texts.map(parse));
}

function parse(text: string): PartitionChoice {
  const match = /^([^:]+)(?::(\d+(?:,\d+)*))?$/.exec(text);
  if (match === null) {
    throw new KitError('USAGE', `Invalid topic arg '${text}': a topic, or a topic and partitions such as orders:0,2`);
  }
  return { topic: match[1]!, partitions: match[2]?.split(',').map(Number) ?? null };
}
