/** Where reading begins: what the flags say, as an offset of every partition. */
import { KitError } from '../kit/errors.ts';
import type { EventLog, PartitionOffset, TopicPartition } from '../kit/log/event-log.ts';
import { MOMENT_FORMS, momentOf } from './moment.ts';

export type Start =
  | { readonly at: 'earliest' | 'latest' }
  | { readonly offset: number }
  /** So many before the end. */
  | { readonly last: number }
  | { readonly timeMs: number };

export interface StartFlags {
  readonly fromBeginning?: boolean;
  readonly offset?: string;
  readonly fromTime?: string;
}

type Offsets = Pick<EventLog, 'listOffsets'>;

/** `latest` where nothing is said, as in Kafka's console consumer. @throws KitError USAGE */
export function startOf({ fromBeginning, offset, fromTime }: StartFlags, nowMs: number): Start {
  if ([fromBeginning, offset, fromTime].filter((flag) => flag !== undefined).length > 1)
    throw new KitError('USAGE', '--from-beginning, --offset and --from-time exclude each other');
  if (fromTime !== undefined) {
    const timeMs = momentOf(fromTime, nowMs);
    if (timeMs !== null) return { timeMs };
    throw new KitError('USAGE', `--from-time "${fromTime}" is no time: ${MOMENT_FORMS}`);
  }
  if (offset === undefined) return { at: fromBeginning ? 'earliest' : 'latest' };
  if (offset === 'earliest' || offset === 'latest') return { at: offset };
  const number = Number(offset);
  if (!/^-?\d+$/.test(offset) || !Number.isSafeInteger(number))
    throw new KitError('USAGE', `--offset "${offset}" is none: a number, -5 for the last five, earliest or latest`);
  return offset.startsWith('-') ? { last: -number } : { offset: number };
}

/** @throws KitError OFFSET_OUT_OF_RANGE, USAGE where one offset is given for several partitions */
export async function resolveStart(
  log: Offsets,
  partitions: readonly TopicPartition[],
  start: Start,
): Promise<PartitionOffset[]> {
  if ('at' in start) return offsetsAt(log, partitions, start.at);
  if ('timeMs' in start) return offsetsAt(log, partitions, start.timeMs);
  const [earliest, latest] = await rangesOf(log, partitions);
  if ('last' in start)
    return partitions.map((at, index) => ({ ...at, offset: Math.max(earliest[index]!, latest[index]! - start.last) }));
  if (partitions.length > 1)
    throw new KitError('USAGE', `--offset ${start.offset} is an offset of one partition: say which with -p`);
  const { offset } = start;
  return partitions.map((at, index) => {
    if (offset < earliest[index]! || offset > latest[index]!)
      throw outOfRange({ ...at, offset }, earliest[index]!, latest[index]!);
    return { ...at, offset };
  });
}

function outOfRange({ topic, partition, offset }: PartitionOffset, earliest: number, latest: number): KitError {
  const held =
    earliest === latest ? `is empty, its next offset is ${latest}` : `holds offsets ${earliest} to ${latest - 1}`;
  return new KitError('OFFSET_OUT_OF_RANGE', `${topic}-${partition} ${held}; ${offset} is outside`, {
    details: { topic, partition, offset, earliest, latest },
  });
}

export interface GroupStart {
  readonly positions: readonly PartitionOffset[];
  /** Committed once, and not in the log (any more): a line for each. */
  readonly moved: readonly string[];
}

/**
 * Where a member goes on: where its group has got to. Partitions that the group knows nothing of begin at `fallback`; one whose
 * position retention has overtaken goes on at what is left, so that nothing which is there is passed over.
 */
export async function resolveGroupStart(
  log: Offsets,
  partitions: readonly TopicPartition[],
  committed: readonly PartitionOffset[],
  fallback: 'earliest' | 'latest',
): Promise<GroupStart> {
  const [earliest, latest] = await rangesOf(log, partitions);
  const moved: string[] = [];
  const positions = partitions.map((at, index) => {
    const known = committed.find(({ topic, partition }) => topic === at.topic && partition === at.partition);
    if (known === undefined) return { ...at, offset: (fallback === 'earliest' ? earliest : latest)[index]! };
    const offset = Math.min(Math.max(known.offset, earliest[index]!), latest[index]!);
    if (offset !== known.offset)
      moved.push(`${outOfRange(known, earliest[index]!, latest[index]!).message}; goes on at ${offset}`);
    return { ...at, offset };
  });
  return { positions, moved };
}

async function offsetsAt(
  log: Offsets,
  partitions: readonly TopicPartition[],
  at: 'earliest' | 'latest' | number,
): Promise<PartitionOffset[]> {
  const offsets = await log.listOffsets(partitions.map((partition) => ({ ...partition, at })));
  return partitions.map((partition, index) => ({ ...partition, offset: offsets[index]! }));
}

async function rangesOf(log: Offsets, partitions: readonly TopicPartition[]): Promise<[number[], number[]]> {
  const of = async (at: 'earliest' | 'latest') => (await offsetsAt(log, partitions, at)).map(({ offset }) => offset);
  return Promise.all([of('earliest'), of('latest')]);
}
