/** Where a group is to go on. Pure, apart from asking the log for its ends; rules and words are those of kafka-consumer-groups.sh. */
import { KitError } from '../errors.ts';
import type { EventLog, PartitionOffset, TopicPartition } from './event-log.ts';
import { type Ends, endsOf, keyOf } from './topic-report.ts';

export type ResetTarget =
  | { readonly to: 'earliest' | 'latest' | 'current' }
  | { readonly to: 'offset'; readonly offset: number }
  | { readonly to: 'shift'; readonly by: number }
  | { readonly to: 'time'; readonly timeMs: number }
  | { readonly to: 'plan'; readonly offsets: readonly PartitionOffset[] };

export interface Reset extends TopicPartition {
  /** Null where nothing was committed. */
  readonly from: number | null;
  readonly to: number;
}

export interface ResetPlan {
  readonly resets: readonly Reset[];
  readonly warnings: readonly string[];
}

/**
 * An offset outside of the log is moved to its nearer end, with a warning.
 *
 * @param ends of every partition, by `keyOf`
 * @throws KitError NO_COMMITTED_OFFSET where there is nothing to shift; LOG_UNAVAILABLE
 */
export async function planReset(
  log: Pick<EventLog, 'listOffsets'>,
  partitions: readonly TopicPartition[],
  target: ResetTarget,
  { committed, ends }: { readonly committed: readonly PartitionOffset[]; readonly ends: ReadonlyMap<string, Ends> },
): Promise<ResetPlan> {
  const offsets = new Map(committed.map((at) => [keyOf(at), at.offset]));
  const named = new Map(target.to === 'plan' ? target.offsets.map((at) => [keyOf(at), at.offset]) : []);
  const wanted =
    target.to === 'time'
      ? await log.listOffsets(partitions.map((at) => ({ ...at, at: Math.max(0, target.timeMs) })))
      : partitions.map((at) =>
          target.to === 'plan'
            ? named.get(keyOf(at))!
            : offsetFor(at, target, offsets.get(keyOf(at)), ends.get(keyOf(at))!),
        );
  const warnings: string[] = [];
  const resets = partitions.map(({ topic, partition }, index) => {
    const at = { topic, partition };
    const to = within(at, wanted[index]!, ends.get(keyOf(at))!, warnings);
    return { ...at, from: offsets.get(keyOf(at)) ?? null, to };
  });
  return { resets, warnings };
}

function offsetFor(
  at: TopicPartition,
  target: Exclude<ResetTarget, { readonly to: 'time' | 'plan' }>,
  current: number | undefined,
  { start, end }: Ends,
): number {
  switch (target.to) {
    case 'earliest':
      return start;
    case 'latest':
      return end;
    case 'current':
      return current ?? end;
    case 'offset':
      return target.offset;
    case 'shift':
      if (current !== undefined) return current + target.by;
      throw new KitError(
        'NO_COMMITTED_OFFSET',
        `Cannot shift offset for partition ${keyOf(at)} since there is no current committed offset`,
        { details: { ...at } },
      );
  }
}

function within(at: TopicPartition, offset: number, { start, end }: Ends, warnings: string[]): number {
  const to = Math.min(Math.max(offset, start), end);
  if (to !== offset) {
    const how = offset > to ? 'higher than latest' : 'lower than earliest';
    warnings.push(
      `New offset (${offset}) is ${how} offset for topic partition ${keyOf(at)}. Value will be set to ${to}.`,
    );
  }
  return to;
}

/**
 * The same with the log's ends as they are now.
 *
 * @throws KitError LOG_UNAVAILABLE where a leader does not answer; NO_COMMITTED_OFFSET
 */
export async function planResetOf(
  log: EventLog,
  partitions: readonly TopicPartition[],
  target: ResetTarget,
  committed: readonly PartitionOffset[],
): Promise<ResetPlan & { readonly ends: ReadonlyMap<string, Ends> }> {
  const ends = await endsOf(log, partitions);
  const silent = partitions.find((at) => !ends.has(keyOf(at)));
  if (silent !== undefined)
    throw new KitError('LOG_UNAVAILABLE', `the leader of ${keyOf(silent)} does not answer`, { retriable: true });
  return { ...(await planReset(log, partitions, target, { committed, ends })), ends };
}

/** Whether nobody is in a group of this state, so that its offsets may be set from outside. */
export function isInactive(state: string): boolean {
  return state === 'Empty' || state === 'Dead';
}

export interface ResetEffect {
  readonly kind: 'new' | 'unchanged' | 'repeated' | 'skipped';
  /** At most: compaction and transactions leave fewer records than offsets. */
  readonly records: number;
}

/** What it means for the group. */
export function effectOf({ from, to }: Reset): ResetEffect {
  if (from === null) return { kind: 'new', records: 0 };
  const records = Math.abs(to - from);
  if (records === 0) return { kind: 'unchanged', records };
  return { kind: to < from ? 'repeated' : 'skipped', records };
}
