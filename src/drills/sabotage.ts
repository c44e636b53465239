/**
 * Safeguards taken away, to show that the drills notice. Wrappers of the harness: the product has no such switch.
 * `no-fsync` is one of the disk, see `UnsyncedOptions.ignoreSync`.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { ApplyBatch, ApplyOutcome, ProjectionStore } from '../kit/projections/projection-store.ts';
import { withApply } from '../kit/projections/with-apply.ts';

export const SABOTAGES = ['no-fence', 'no-dedup', 'commit-before-effect', 'no-fsync'] as const;
export type Sabotage = (typeof SABOTAGES)[number];

/** Longer than it takes the next records to come, so that a busy partition is always in between. */
const GAP_MS = 100;
const MAX_ATTEMPTS = 10;

type Apply = ProjectionStore['apply'];

export function sabotaged(store: ProjectionStore, sabotage: Sabotage | null): ProjectionStore {
  if (sabotage === null || sabotage === 'no-fsync') return store;
  return withApply(store, APPLY[sabotage](store));
}

const APPLY: Readonly<Record<Exclude<Sabotage, 'no-fsync'>, (store: ProjectionStore) => Apply>> = {
  /** Repeated events are not recognized. */
  'no-dedup': (store) => (batch) =>
    store.apply({ ...batch, effects: batch.effects.map((effect) => ({ ...effect, eventId: null })) }),

  /** The position moves first and the effects follow, as with offsets committed before the work. */
  'commit-before-effect': (store) => async (batch) => {
    const first = await store.apply({ ...batch, effects: [] });
    if (first.status !== 'ok' || batch.effects.length === 0) return first;
    await delay(GAP_MS);
    const { topic, partition, epoch, next, effects, now } = batch;
    return store.apply({ topic, partition, epoch, expect: next, next, effects, park: [], unpark: [], dead: 0, now });
  },

  /** An owner that was replaced goes on writing, whatever the epoch and the position say. */
  'no-fence': (store) => async (batch) => {
    let outcome = await store.apply(batch);
    for (let attempt = 1; outcome.status !== 'ok' && attempt < MAX_ATTEMPTS; attempt++)
      outcome = await store.apply(await forced(store, batch, outcome));
    return outcome;
  },
};

async function forced(store: ProjectionStore, batch: ApplyBatch, refused: ApplyOutcome): Promise<ApplyBatch> {
  const states = await store.partitions();
  const state = states.find(({ topic, partition }) => topic === batch.topic && partition === batch.partition);
  const epoch = refused.status === 'fenced' ? refused.epoch : batch.epoch;
  const expect = state?.next ?? null;
  return { ...batch, epoch: state?.epoch ?? epoch, expect, next: Math.max(batch.next, expect ?? 0) };
}
