/** Topic configurations as Kafka's tools show them: value, where it comes from, type. Codes: `DescribeConfigsResponse`. */
import { TOPIC_CONFIGS, type TopicConfigDefinition } from '../kit/log/embedded/topic-configs.ts';

/** Codes of Kafka's `ConfigResource`. */
export const RESOURCE_TYPE = { TOPIC: 2, BROKER: 4 } as const;
export const CONFIG_SOURCE = { TOPIC: 1, STATIC_BROKER: 4, DEFAULT: 5 } as const;
export const CONFIG_TYPE = { boolean: 1, string: 2, int: 3, long: 5, double: 6, list: 7 } as const;

export interface TopicConfigEntry {
  readonly definition: TopicConfigDefinition;
  readonly name: string;
  readonly value: string;
  readonly source: number;
}

/** Every configuration a topic can have, ascending by name, with what is set or the default. */
export function topicConfigEntries(set: Readonly<Record<string, string>>): TopicConfigEntry[] {
  return TOPIC_CONFIGS.map((definition) => {
    const { name } = definition;
    const own = set[name];
    if (own !== undefined) return { definition, name, value: own, source: CONFIG_SOURCE.TOPIC };
    return { definition, name, value: definition.default, source: CONFIG_SOURCE.DEFAULT };
  });
}
