import { deadLetterTopic } from '../../kit/dlq/dead-letter.ts';
import type { EventLog } from '../../kit/log/event-log.ts';
import type { Projection } from '../../pipelines/projection.ts';
import { consistent, ends } from '../../pipelines/reconciliation.ts';
import { recordsOf } from '../../pipelines/records-of.ts';
import type { Observation, ObservedProjection } from './findings.ts';

/**
 * The system as it is now: ends of the projections' topics and of their dead letter topics, positions and documents of one
 * moment. Records are read when they are asked for, up to the ends of now. Nothing is written.
 *
 * @throws KitError LOG_UNAVAILABLE, STORE_UNAVAILABLE, UNKNOWN_TOPIC
 */
export async function observe(
  log: EventLog,
  projections: { readonly [name in ObservedProjection['folded']]: Projection },
): Promise<Observation> {
  const observed: ObservedProjection[] = [];
  for (const folded of ['engagement', 'activity'] as const) {
    const { group, topics, store } = projections[folded];
    observed.push({ group, topics, folded, ...(await consistent(store)) });
  }
  const partitions = await partitionsOf(
    log,
    observed.flatMap(({ topics }) => topics),
  );
  return {
    partitions,
    projections: observed,
    records(place) {
      const known = partitions.find(({ topic, partition }) => topic === place.topic && partition === place.partition);
      return recordsOf(log, place, known && { from: known.earliest, end: known.latest });
    },
  };
}

async function partitionsOf(log: EventLog, topics: readonly string[]): Promise<Observation['partitions']> {
  const wanted = [...topics, ...topics.map(deadLetterTopic)];
  const described = (await log.describe()).topics.filter(({ name }) => wanted.includes(name));
  const places = described.map(async ({ name: topic, partitions: { length } }) => {
    const earliest = await ends(log, topic, length, 'earliest');
    const latest = await ends(log, topic, length, 'latest');
    return latest.map((end, partition) => ({ topic, partition, earliest: earliest[partition]!, latest: end }));
  });
  return (await Promise.all(places)).flat();
}
