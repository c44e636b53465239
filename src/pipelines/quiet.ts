import { SOCIAL_TOPICS } from '../domains/social/topics.ts';
import type { EventLog } from '../kit/log/event-log.ts';
import type { Projection } from './projection.ts';
import { ends } from './reconciliation.ts';

/** Every projection at these ends, and nothing parked. */
export async function isQuiet(
  projections: readonly Projection[],
  latest: ReadonlyMap<string, readonly number[]>,
): Promise<boolean> {
  for (const { store, topics } of projections) {
    const states = await store.partitions();
    if (states.some(({ parked }) => parked > 0)) return false;
    for (const topic of topics) {
      for (const [partition, end] of (latest.get(topic) ?? []).entries()) {
        const next = states.find((state) => state.topic === topic && state.partition === partition)?.next ?? 0;
        if (next < end) return false;
      }
    }
  }
  return true;
}

/** The next offset of every partition of the social topics, by topic. */
export async function logEnds(log: EventLog): Promise<Map<string, number[]>> {
  const { topics } = await log.describe(SOCIAL_TOPICS);
  return new Map(
    await Promise.all(
      topics.map(async ({ name, partitions }) => [name, await ends(log, name, partitions.length, 'latest')] as const),
    ),
  );
}
