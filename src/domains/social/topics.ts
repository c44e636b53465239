import type { TopicSpec } from '../../kit/log/event-log.ts';
import { CATEGORIES, type SocialTopic } from './events.ts';

export type TopicPreset = 'local' | 'curriculum';

/** `local` fits one machine; `curriculum` is the course's plan for 50 million requests a second. */
const PARTITIONS: Readonly<Record<TopicPreset, Readonly<Record<SocialTopic, number>>>> = {
  local: { 'user-actions': 12, 'content-interactions': 6, 'system-events': 3 },
  curriculum: { 'user-actions': 1000, 'content-interactions': 500, 'system-events': 3 },
};

export const SOCIAL_TOPICS: readonly SocialTopic[] = Object.values(CATEGORIES).map(({ topic }) => topic);

/** Kept for ever, because the log is the system of record: every projection can be rebuilt from offset 0. */
const KEEP = { 'cleanup.policy': 'delete', 'retention.ms': '-1', 'retention.bytes': '-1' };

/** @param replicationFactor from 3 on, a write needs all but one replica (min.insync.replicas) */
export function socialTopicSpecs(preset: TopicPreset = 'local', replicationFactor = 1): TopicSpec[] {
  const minInSync = String(Math.max(1, replicationFactor - 1));
  return SOCIAL_TOPICS.map((name) => ({
    name,
    partitions: PARTITIONS[preset][name],
    replicationFactor,
    config: { ...KEEP, 'min.insync.replicas': minInSync, 'unclean.leader.election.enable': 'false' },
  }));
}
