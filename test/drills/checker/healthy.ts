/** A system after a drill, as the checker gets it. */
import { check } from '../../../src/drills/checker/check.ts';
import type { CheckReport, Observation, ObservedProjection } from '../../../src/drills/checker/findings.ts';
import type { HistoryEntry } from '../../../src/drills/history/history.ts';
import type { Document, PartitionState } from '../../../src/kit/projections/projection-store.ts';
import { Consumers } from './consumers.ts';
import { Senders } from './senders.ts';
import { World } from './world.ts';

/** Everything in it may be changed. */
export interface Scene {
  readonly world: World;
  readonly partitions: { topic: string; partition: number; earliest: number; latest: number }[];
  readonly projections: (Omit<ObservedProjection, 'states' | 'documents'> & {
    states: PartitionState[];
    documents: Map<string, Document>;
  })[];
}

export async function healthyScene(seed: number, steps: number): Promise<Scene> {
  const world = new World(seed);
  const senders = new Senders(world);
  const consumers = new Consumers(world);
  for (let step = 0; step < steps; step++) {
    if (world.chance(0.6)) senders.step();
    else await consumers.step();
  }
  await consumers.drain();
  const projections = world.groups.map(async ({ id, topics, folded, store }) => ({
    group: id,
    topics,
    folded,
    states: await store.partitions(),
    documents: new Map(await Array.fromAsync(store.documents())),
  }));
  const partitions = [...world.logs].map(([name, { length }]) => {
    const slash = name.lastIndexOf('/');
    return { topic: name.slice(0, slash), partition: Number(name.slice(slash + 1)), earliest: 0, latest: length };
  });
  return { world, partitions, projections: await Promise.all(projections) };
}

export function observationOf({ world, partitions, projections }: Scene): Observation {
  return {
    partitions,
    projections,
    async *records({ topic, partition }) {
      const records = world.logs.get(`${topic}/${partition}`)!;
      for (let from = 0; from < records.length; from += 7) yield records.slice(from, from + 7);
    },
  };
}

/** As history files have it: process after process, publishes in the order of their answers, what has no end last. */
export function historyOf({ world }: Scene): HistoryEntry[] {
  const files = [...Map.groupBy(world.history as HistoryEntry[], ({ process }) => process).values()];
  return files.reverse().flatMap((entries) => entries.toSorted((a, b) => endOf(a) - endOf(b)));
}

function endOf(entry: HistoryEntry): number {
  return entry.kind === 'mark' ? entry.atMs : (entry.completedMs ?? Number.POSITIVE_INFINITY);
}

export function checkScene(scene: Scene): Promise<CheckReport> {
  return check(historyOf(scene), observationOf(scene));
}
