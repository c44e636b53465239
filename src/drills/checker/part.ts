/** One projection's partition: what the store, the log, the dead letters and the history have of it. */
import type { PartitionState } from '../../kit/projections/projection-store.ts';
import type { Life } from './course.ts';
import type { Fates } from './fates.ts';
import type { PartitionLog } from './partition-logs.ts';
import type { Transactions } from './transactions.ts';

export interface Part {
  readonly group: string;
  readonly state: PartitionState;
  readonly log: PartitionLog;
  /** Offsets with a dead letter of this group. */
  readonly letters: ReadonlySet<number>;
  /** What the history knows; null where it has no transaction of the whole group. */
  readonly known: Known | null;
}

export interface Known {
  readonly transactions: Transactions;
  readonly lives: readonly Life[];
  readonly fates: Fates;
}

/** Of a partition that the store has not heard of. */
export function newState({ topic, partition }: PartitionLog): PartitionState {
  return { topic, partition, epoch: 0, next: null, parked: 0, tallies: { applied: 0, duplicates: 0, dead: 0 } };
}

/** Whether an offset counts as given up: it has a dead letter, unless its event had its effect when the store was built anew. */
export function isGivenUp({ letters, known }: Pick<Part, 'letters' | 'known'>, offset: number): boolean {
  return letters.has(offset) && !(known?.fates.wasReset && known.fates.hasEffect(offset));
}

/** The offsets that are parked; null where the history does not tell which. */
export function parkedIn({ state, known }: Pick<Part, 'state' | 'known'>): ReadonlySet<number> | null {
  return state.parked === 0 ? new Set() : (known?.fates.parked(state.parked) ?? null);
}
