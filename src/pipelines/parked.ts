/** What waits for another attempt, and what waits behind it, of every handler; read from where it is stored. */
import type { ParkedRecord, PartitionState } from '../kit/projections/projection-store.ts';
import { DEFAULT_PARKING_LIMITS } from '../kit/retry/parking.ts';
import type { Projection, ProjectionName } from './projection.ts';

/** A key that waits: its first event failed, the others may not overtake it. */
export interface ParkedKey {
  readonly handler: ProjectionName;
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  /** As text; empty where the record has none. */
  readonly key: string;
  /** Of the event that failed. */
  readonly offset: number;
  /** That failed so far. */
  readonly attempts: number;
  readonly reason: string;
  /** Milliseconds since the epoch. */
  readonly firstFailedAt: number;
  readonly nextAttemptAt: number;
  /** Events behind it. */
  readonly waiting: number;
  /** The first of their offsets. */
  readonly waitingOffsets: readonly number[];
}

export interface ParkedPartition {
  readonly handler: ProjectionName;
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  /** Events that failed, and those behind them. */
  readonly parked: number;
  /** Null where it was not looked into: too much is parked. */
  readonly keys: number | null;
  /** As much waits as may: the partition takes no further events until there is room. */
  readonly full: boolean;
}

export interface ParkedReport {
  /** Events of all handlers, those that failed and those behind them. */
  readonly parked: number;
  readonly partitions: readonly ParkedPartition[];
  /** The next attempt first. */
  readonly keys: readonly ParkedKey[];
  /** Keys in all, as far as they were looked into. */
  readonly keyCount: number;
}

export interface ParkedOptions {
  readonly handler?: ProjectionName;
  /** Keys in the answer. */
  readonly limit: number;
}

/** Parked records read for one answer: two partitions that hold all they may. */
const MAX_READ = 20_000;
const MAX_WAITING_OFFSETS = 20;

export async function readParked(
  projections: readonly Projection[],
  { handler, limit }: ParkedOptions,
): Promise<ParkedReport> {
  const partitions: ParkedPartition[] = [];
  const keys: ParkedKey[] = [];
  let read = 0;
  for (const projection of projections) {
    if (handler !== undefined && projection.name !== handler) continue;
    for (const state of (await projection.store.partitions()).filter(({ parked }) => parked > 0)) {
      const isRead = read + state.parked <= MAX_READ;
      if (isRead) read += state.parked;
      const records = isRead ? await projection.store.parked(state) : null;
      // counted in the same look as the keys, so that the two agree while events are parked and freed
      const parked = records?.length ?? state.parked;
      if (parked === 0) continue;
      const found = records === null ? null : keysOf(projection, state, records);
      partitions.push(partitionOf(projection, { ...state, parked }, found));
      keys.push(...(found ?? []));
    }
  }
  keys.sort((a, b) => a.nextAttemptAt - b.nextAttemptAt || a.offset - b.offset);
  return {
    parked: partitions.reduce((sum, { parked }) => sum + parked, 0),
    partitions,
    keys: keys.slice(0, limit),
    keyCount: keys.length,
  };
}

function partitionOf(
  { name, group }: Projection,
  { topic, partition, parked }: PartitionState,
  keys: readonly ParkedKey[] | null,
): ParkedPartition {
  const { maxPerKey, maxPerPartition } = DEFAULT_PARKING_LIMITS;
  const full = parked >= maxPerPartition || (keys?.some(({ waiting }) => waiting + 1 >= maxPerKey) ?? false);
  return { handler: name, group, topic, partition, parked, keys: keys?.length ?? null, full };
}

/** @param records ascending by offset, so that the first of a key is the one that failed */
function keysOf(
  { name, group }: Projection,
  { topic, partition }: PartitionState,
  records: readonly ParkedRecord[],
): ParkedKey[] {
  return [...Map.groupBy(records, ({ key }) => key)].map(([key, [head, ...behind]]) => {
    const { offset, attempts, reason, firstFailedAt, dueAt: nextAttemptAt } = head!;
    return {
      handler: name,
      group,
      topic,
      partition,
      key,
      offset,
      attempts,
      reason,
      firstFailedAt,
      nextAttemptAt,
      waiting: behind.length,
      waitingOffsets: behind.slice(0, MAX_WAITING_OFFSETS).map((record) => record.offset),
    };
  });
}
