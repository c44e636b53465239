/** Where a group is to go on. Pure, apart from asking the log for its ends; rules and words are those of kafka-consumer-groups.sh. */
import { KitError } from '../kit/errors.ts';
import type { EventLog, PartitionOffset, TopicPartition } from '../kit/log/event-log.ts';
import { type Ends, keyOf } from './topics-report.ts';

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
  const wanted =
    target.to === 'time'
      ? await log.listOffsets(partitions.map((at) => ({ ...at, at: Math.max(0, target.timeMs) })))
      : partitions.map((at) => offsetFor(at, target, offsets.get(keyOf(at)), ends.get(keyOf(at))!));
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
  target: Exclude<ResetTarget, { readonly to: 'time' }>,
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
    case 'plan':
      return target.offsets.find(({ topic, partition }) => topic === at.topic && partition === at.partition)!.offset;
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

/** What it means for the group, at most: compaction and transactions leave fewer records than offsets. */
export function effectOf({ from, to }: Reset): string {
  if (from === null) return 'new';
  const count = Math.abs(to - from);
  if (count === 0) return 'unchanged';
  return `${count.toLocaleString('en-US')} record${count === 1 ? '' : 's'} ${to < from ? 'repeated' : 'skipped'}`;
}

/** `orders,0,42` a line, as kafka-consumer-groups.sh --export writes it for one group. */
export function asCsv(offsets: readonly PartitionOffset[]): string {
  return offsets.map(({ topic, partition, offset }) => `${topic},${partition},${offset}`).join('\n');
}

/** @throws KitError USAGE with the line that does not fit */
export function fromCsv(text: string): PartitionOffset[] {
  const lines = text.split(/\r?\n/).map((line, index) => ({ line: line.trim(), number: index + 1 }));
  const offsets = lines
    .filter(({ line }) => line !== '')
    .map(({ line, number }) => {
      const match = /^"?([A-Za-z0-9._-]+)"?,(\d{1,10}),(\d{1,15})$/.exec(line);
      if (match === null)
        throw new KitError('USAGE', `Line ${number} is not topic,partition,offset (orders,0,42): ${line}`);
      return { topic: match[1]!, partition: Number(match[2]), offset: Number(match[3]) };
    });
  const seen = new Set<string>();
  for (const at of offsets) {
    if (seen.has(keyOf(at))) throw new KitError('USAGE', `${keyOf(at)} is there twice`);
    seen.add(keyOf(at));
  }
  return offsets;
}

const DURATION = /^P(?=.)(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d{1,9})?)S)?)?$/i;

/** Milliseconds of an ISO 8601 duration of days and less (`PT1H30M`, `P1DT12H`); null where the text is none. */
export function durationMs(text: string): number | null {
  const match = DURATION.exec(text);
  if (match === null) return null;
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = match.slice(1).map((part) => Number(part ?? 0));
  const ms = (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1_000;
  return Number.isSafeInteger(Math.round(ms)) ? Math.round(ms) : null;
}
