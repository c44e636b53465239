/** What every plant needs: to look around in a scene, and to say what it did. */
import type { FindingKind } from '../../../src/drills/checker/findings.ts';
import type { TopicPartition } from '../../../src/kit/log/event-log.ts';
import type { Scene } from './healthy.ts';
import type { Apply, Publish } from './world.ts';

export interface Planted {
  readonly kind: FindingKind;
  /** What one example must name. */
  readonly says: readonly string[];
  /** Other kinds that are true of the scene now as well. */
  readonly also?: readonly FindingKind[];
}

/** Changes a healthy scene; null where it has no place for this fault. */
export type Plant = (scene: Scene) => Planted | null;

export const at = ({ topic, partition }: TopicPartition, offset: number): string => `${topic}/${partition}@${offset}`;

export function pick<T>({ world }: Scene, values: readonly T[]): T | null {
  return values.length === 0 ? null : world.random.pick(values);
}

/** As `pick`, of what no fault has changed yet: a second one could undo the first. */
export function take<T extends object>(scene: Scene, values: readonly T[]): T | null {
  const taken = pick(
    scene,
    values.filter((value) => !isTaken(value)),
  );
  if (taken !== null) changed.add(taken);
  return taken;
}

export function isTaken(value: object): boolean {
  return changed.has(value);
}

const changed = new WeakSet<object>();

export function publishesOf({ world }: Scene): Publish[] {
  return world.history.filter((entry) => entry.kind === 'publish');
}

/** Acknowledged events, each of which was sent once. */
export function sentOnce(scene: Scene): Publish[] {
  const byId = Map.groupBy(publishesOf(scene), ({ eventId }) => eventId);
  return [...byId.values()].flatMap((sent) =>
    sent.length === 1 && sent[0]!.eventId !== null && sent[0]!.outcome === 'acked' ? sent : [],
  );
}

export function transactionsOf({ world }: Scene): Apply[] {
  return world.history.filter((entry) => entry.kind === 'apply') as Apply[];
}

/** Accepted after the last time that a store lost its data, by group and partition, in order. */
export function acceptedOf(scene: Scene): Apply[][] {
  const sinceMs = scene.world.lossesMs.at(-1) ?? 0;
  const accepted = transactionsOf(scene).filter(({ outcome, invokedMs }) => outcome === 'ok' && invokedMs > sinceMs);
  accepted.sort((a, b) => a.epoch - b.epoch || a.invokedMs - b.invokedMs);
  return [...Map.groupBy(accepted, ({ group, topic, partition }) => `${group} ${topic}/${partition}`).values()];
}

interface PlacedEffect {
  readonly transaction: Apply;
  readonly offset: number;
}

/** Places of effects that only one transaction of the whole history has anything to do with. */
export function singleEffects(scene: Scene): PlacedEffect[] {
  // what a store forgot when it fell back to a snapshot is told from what it never did by its position only
  if (scene.world.counts.has('back to a snapshot')) return [];
  const touched = new Map<string, number>();
  for (const { topic, partition, offsets, parked, unparked } of transactionsOf(scene)) {
    for (const offset of [...offsets, ...parked, ...unparked]) {
      const name = at({ topic, partition }, offset);
      touched.set(name, (touched.get(name) ?? 0) + 1);
    }
  }
  return acceptedOf(scene)
    .flat()
    .filter((transaction) => !isTaken(transaction))
    .flatMap((transaction) => transaction.offsets.map((offset) => ({ transaction, offset })))
    .filter(({ transaction, offset }) => touched.get(at(transaction, offset)) === 1);
}

export function keyAt({ world }: Scene, place: TopicPartition, offset: number): string {
  return String(world.log(place)[offset]?.key ?? '');
}

export function sourceLogs({ partitions }: Scene): Scene['partitions'] {
  return partitions.filter(({ topic, latest }) => !topic.endsWith('.dlq') && latest > 0);
}

export function takeEffect(scene: Scene, effects: readonly PlacedEffect[]): PlacedEffect | null {
  const effect = pick(scene, effects);
  if (effect !== null) changed.add(effect.transaction);
  return effect;
}
