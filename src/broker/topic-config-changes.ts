/** Changes to a topic's configuration, checked as Kafka's controller does it: the values first, then whether there is the topic. */
import { KitError } from '../kit/errors.ts';
import type { LogStore } from '../kit/log/embedded/log-store.ts';
import { checkTopicConfigs, type TopicConfigs } from '../kit/log/embedded/topic-configs.ts';
import { checkTopicName } from '../kit/log/embedded/topic-rules.ts';
import { RESOURCE_TYPE } from './topic-config-entries.ts';

/** Null: back to the default. */
export type ConfigChanges = Readonly<Record<string, string | null>>;

interface Resource {
  readonly resourceType: number;
  readonly resourceName: string;
  readonly configs: readonly { readonly name: string; readonly value: string | null }[];
}

/** The resources that are named more than once, which Kafka refuses altogether. */
export function namedTwice<R extends Resource>(resources: readonly R[]): ReadonlySet<R> {
  const same = Map.groupBy(resources, ({ resourceType, resourceName }) => `${resourceType} ${resourceName}`);
  return new Set([...same.values()].filter((each) => each.length > 1).flat());
}

/** @throws KitError INVALID_ARGUMENT */
export function checkResource(resource: Resource, twice: ReadonlySet<Resource>): void {
  if (twice.has(resource)) throw new KitError('INVALID_ARGUMENT', 'Each resource may be named once.');
  if (resource.resourceType !== RESOURCE_TYPE.TOPIC) {
    throw new KitError('INVALID_ARGUMENT', 'Only the configuration of topics can be changed here.');
  }
  const names = new Set(resource.configs.map(({ name }) => name));
  if (names.size < resource.configs.length) throw new KitError('INVALID_ARGUMENT', 'A configuration is changed twice.');
}

/** What was set; nothing for a topic that is not there. */
export function currentConfig(topic: string, store: LogStore): TopicConfigs {
  return store.hasTopic(topic) ? store.topic(topic).config : {};
}

/** @throws KitError INVALID_TOPIC, INVALID_CONFIG, UNKNOWN_TOPIC */
export async function changeConfig(
  topic: string,
  changes: ConfigChanges,
  { store, validateOnly }: { readonly store: LogStore; readonly validateOnly: boolean },
): Promise<void> {
  if (topic === '') throw new KitError('INVALID_ARGUMENT', 'There is no configuration of all topics.');
  checkTopicName(topic);
  const merged = Object.entries({ ...currentConfig(topic, store), ...changes });
  checkTopicConfigs(Object.fromEntries(merged.filter((entry): entry is [string, string] => entry[1] !== null)));
  store.topic(topic);
  if (!validateOnly) await store.alterConfig(topic, changes);
}
