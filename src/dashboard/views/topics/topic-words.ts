/** What is said of topics. Pure. */
import type { TopicSummaryJson } from '../../../api/topic-facts.ts';
import { bytes, duration } from '../../format.ts';

/** `7 d`, `for ever`, `7 d or 1 GiB a partition`, `newest of each key` */
export function retentionText(retention: TopicSummaryJson['retention']): string | null {
  if (retention === null) return null;
  const limits = [
    ...(retention.ms === null ? [] : [duration(retention.ms)]),
    ...(retention.bytes === null ? [] : [`${bytes(retention.bytes)} a partition`]),
  ];
  const deleted = limits.length === 0 ? 'for ever' : limits.join(' or ');
  if (!retention.policy.includes('compact')) return deleted;
  return retention.policy.includes('delete') ? `newest of each key, ${deleted}` : 'newest of each key';
}

/** `content-interactions.dlq` -> its topic, and what is on it; null for a topic of its own. */
export function derivedFrom(name: string): { readonly topic: string; readonly what: string } | null {
  for (const [ending, what] of [
    ['.dlq', 'dead letters'],
    ['.retry', 'retries'],
  ] as const)
    if (name.endsWith(ending) && name.length > ending.length) return { topic: name.slice(0, -ending.length), what };
  return null;
}

const SOURCES: Readonly<Record<string, string>> = {
  DYNAMIC_TOPIC_CONFIG: 'set on the topic',
  DYNAMIC_BROKER_CONFIG: 'set on the broker',
  DYNAMIC_DEFAULT_BROKER_CONFIG: 'set for all brokers',
  STATIC_BROKER_CONFIG: "the broker's file",
  DEFAULT_CONFIG: 'default',
};

export function sourceText(source: string): string {
  return SOURCES[source] ?? source.toLowerCase().replaceAll('_', ' ');
}

/** What a number of milliseconds or bytes means, for a configuration named for its unit; null for others. */
export function configMeaning(name: string, value: string | null): string | null {
  const number = Number(value);
  if (value === null || value === '' || !Number.isFinite(number)) return null;
  if (number === -1 || value === '9223372036854775807') return /\.(ms|bytes|messages)$/.test(name) ? 'no limit' : null;
  if (name.endsWith('.ms') && number >= 1_000) return duration(number);
  if (name.endsWith('.bytes') && number >= 1_024) return bytes(number);
  return null;
}
