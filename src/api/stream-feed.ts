/** What all subscriptions share of the log: its tail, turns at reading what lies before it, and where partitions begin and end. */
import { KitError } from '../kit/errors.ts';
import type { EventLog, PartitionOffset, TopicPartition } from '../kit/log/event-log.ts';
import { LogTail } from '../kit/log/log-tail.ts';
import { StreamItem } from './stream-item.ts';
import { formatPosition, logFingerprint, type Positions, parsePosition } from './stream-position.ts';
import type { Start } from './stream-protocol.ts';
import { Turns } from './stream-turns.ts';

/** As it is read, soft; twice to four times that as JSON. */
const CATCH_UP_READ_BYTES = 64 * 1024;
const CATCH_UP_READ_RECORDS = 500;

/** Where a subscription begins in one partition, and where that ended when it was asked. */
export interface Place extends TopicPartition {
  readonly offset: number;
  readonly end: number;
}

export class StreamFeed {
  readonly tail: LogTail<StreamItem>;
  readonly #log: EventLog;
  readonly #turns: Turns;
  readonly #counts = new Map<string, number>();
  #fingerprint = '';

  constructor(log: EventLog, { maxCatchUpReads }: { readonly maxCatchUpReads: number }) {
    this.#log = log;
    this.#turns = new Turns(maxCatchUpReads);
    this.tail = new LogTail({ log, map: (record) => new StreamItem(record) });
  }

  /**
   * Partitions that a position does not name are newer than it, and begin at their first record.
   *
   * @throws KitError INVALID_POSITION, POSITION_GONE, LOG_UNAVAILABLE, UNKNOWN_TOPIC
   */
  async places(topics: readonly string[], start: Start): Promise<Place[]> {
    await this.describe(topics);
    const partitions = this.partitions(topics);
    const position =
      typeof start === 'object' && 'position' in start
        ? parsePosition(start.position, this.#fingerprint, topics)
        : null;
    for (const [topic, offsets] of position ?? [])
      if (offsets.length > this.#counts.get(topic)!)
        throw new KitError(
          'INVALID_POSITION',
          `The position cannot be used: it has ${offsets.length} partitions of ${topic}, the log ${this.#counts.get(topic)}.`,
        );
    // the end is asked for last: what is published meanwhile lies before it
    const [earliest, starts] =
      position !== null
        ? [await this.#offsets(partitions, 'earliest'), null]
        : [null, await this.#offsets(partitions, startOffset(start))];
    const ends = start === 'latest' ? starts! : await this.#offsets(partitions, 'latest');
    return partitions.map((at, index) => {
      const end = ends[index]!;
      if (starts !== null) return { ...at, offset: starts[index]!, end };
      const offset = position?.get(at.topic)?.[at.partition] ?? earliest![index]!;
      if (offset < earliest![index]! || offset > end) throw gone(at, offset, earliest![index]!, end);
      return { ...at, offset, end };
    });
  }

  /**
   * The next records of a partition; waits for its turn, and gives it away with null where it is not wanted by then.
   *
   * @throws as `EventLog.read`, POSITION_GONE
   */
  async read(at: TopicPartition, offset: number, signal: AbortSignal, wanted: () => boolean) {
    await using _turn = await this.#turns.take(signal);
    if (!wanted()) return null;
    try {
      const { records, highWatermark } = await this.#log.read({
        ...at,
        offset,
        maxBytes: CATCH_UP_READ_BYTES,
        maxRecords: CATCH_UP_READ_RECORDS,
        signal,
      });
      return { items: records.map((record) => new StreamItem(record)), end: highWatermark };
    } catch (error) {
      if (!(error instanceof KitError) || error.code !== 'OFFSET_OUT_OF_RANGE') throw error;
      throw gone(at, offset, Number(error.details.earliest), Number(error.details.latest));
    }
  }

  /** Where the next record of each will be. @throws KitError LOG_UNAVAILABLE, UNKNOWN_TOPIC */
  async ends(partitions: readonly TopicPartition[]): Promise<PartitionOffset[]> {
    const ends = await this.#offsets(partitions, 'latest');
    return partitions.map((at, index) => ({ ...at, offset: ends[index]! }));
  }

  /** Learns of partitions that are new. @throws KitError LOG_UNAVAILABLE, UNKNOWN_TOPIC */
  async describe(topics: readonly string[]): Promise<void> {
    const { clusterId, topics: described } = await this.#log.describe(topics);
    this.#fingerprint = logFingerprint(clusterId);
    for (const { name, partitions } of described) this.#counts.set(name, partitions.length);
  }

  /** As of the last description, ascending within a topic. */
  partitions(topics: readonly string[]): TopicPartition[] {
    return topics.flatMap((topic) =>
      Array.from({ length: this.#counts.get(topic)! }, (_, partition) => ({ topic, partition })),
    );
  }

  format(positions: Positions): string {
    return formatPosition(this.#fingerprint, positions);
  }

  close(): void {
    this.tail.close();
  }

  #offsets(partitions: readonly TopicPartition[], at: 'earliest' | 'latest' | number): Promise<number[]> {
    return this.#log.listOffsets(partitions.map((partition) => ({ ...partition, at })));
  }
}

function startOffset(start: Start): 'earliest' | 'latest' | number {
  if (typeof start === 'string') return start;
  return 'atMs' in start ? start.atMs : 'earliest';
}

function gone({ topic, partition }: TopicPartition, offset: number, earliest: number, latest: number): KitError {
  const details = { topic, partition, offset, earliest, latest };
  if (offset < earliest)
    return new KitError(
      'POSITION_GONE',
      `${topic}/${partition} begins at ${earliest} now: the events from ${offset} on are no longer kept. Subscribe from "earliest" for all that is left, and expect a gap.`,
      { details },
    );
  return new KitError(
    'INVALID_POSITION',
    `${topic}/${partition} ends at ${latest}, before ${offset}: the log is not the one that the position is from, or has lost its end.`,
    { details },
  );
}
