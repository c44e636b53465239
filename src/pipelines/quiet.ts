import { SOCIAL_TOPICS } from '../domains/social/topics.ts';
import type { EventLog } from '../kit/log/event-log.ts';
import type { Projection, ProjectionName } from './projection.ts';
import { ends } from './reconciliation.ts';

/** Projections that are not at these ends yet, or have something parked. */
export async function behind(
  projections: readonly Projection[],
  latest: ReadonlyMap<string, readonly number[]>,
): Promise<ProjectionName[]> {
  const reached = await Promise.all(projections.map((projection) => isAt(projection, latest)));
  return projections.filter((_, i) => !reached[i]).map(({ name }) => name);
}

/** Every projection at these ends, and nothing parked. */
export async function isQuiet(
  projections: readonly Projection[],
  latest: ReadonlyMap<string, readonly number[]>,
): Promise<boolean> {
  return (await behind(projections, latest)).length === 0;
}

async function isAt({ store, topics }: Projection, latest: ReadonlyMap<string, readonly number[]>): Promise<boolean> {
  const states = await store.partitions();
  if (states.some(({ parked }) => parked > 0)) return false;
  const next = new Map(states.map((state) => [`${state.topic}/${state.partition}`, state.next ?? 0]));
  return topics.every((topic) =>
    (latest.get(topic) ?? []).every((end, partition) => (next.get(`${topic}/${partition}`) ?? 0) >= end),
  );
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
