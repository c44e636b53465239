/** Many partitions as one sequence by time, for folds that need an order across partitions. */
import type { EventLog, LogRecord, PartitionOffset } from './event-log.ts';

export interface MergedRange extends PartitionOffset {
  /** The offset after the last one. */
  readonly end: number;
  /** Of the records before `offset`, the greatest `at`. Default 0. */
  readonly after?: number;
}

export interface MergedRecord {
  /**
   * The greatest timestamp of its partition so far, ms since the epoch: the records below a partition's offset for a time
   * (`OffsetQuery`) are those whose `at` is earlier.
   */
  readonly at: number;
  readonly record: LogRecord;
}

const READ_BYTES = 1024 * 1024;
const MIN_READ_BYTES = 16 * 1024;
/** Of all partitions together, each with a read in hand and the next one under way. */
const TOTAL_BYTES = 4 * 1024 * 1024;
/** After an answer without records below the end, asked once more with this wait before the rest counts as a hole. */
const HOLE_WAIT_MS = 500;
const MAX_MERGED = 1_000;

/**
 * Ascending by `at`, then by topic, partition and offset: the same log gives the same order, and each partition keeps its own.
 *
 * @throws KitError those of `EventLog.read`; the signal's reason
 */
export async function* mergedRecords(
  log: Pick<EventLog, 'read'>,
  ranges: readonly MergedRange[],
  signal: AbortSignal,
): AsyncGenerator<readonly MergedRecord[]> {
  const maxBytes = Math.max(MIN_READ_BYTES, Math.min(READ_BYTES, TOTAL_BYTES / 2 / Math.max(1, ranges.length)));
  const cursors = ranges.map((range) => new Cursor(log, range, maxBytes, signal));
  const waiting: Cursor[] = [];
  for (const cursor of cursors) if (await cursor.fill()) insert(waiting, cursor);
  let merged: MergedRecord[] = [];
  for (let first = waiting.shift(); first !== undefined; first = waiting.shift()) {
    first.takeBefore(waiting[0], merged);
    if (first.isEmpty || merged.length >= MAX_MERGED) {
      signal.throwIfAborted();
      yield merged;
      merged = [];
    }
    if (!first.isEmpty || (await first.fill())) insert(waiting, first);
  }
}

class Cursor {
  readonly place: MergedRange;
  readonly #log: Pick<EventLog, 'read'>;
  readonly #maxBytes: number;
  readonly #signal: AbortSignal;
  #reading: Promise<readonly LogRecord[]>;
  #held: readonly LogRecord[] = [];
  #index = 0;
  #offset: number;
  #at: number;

  constructor(log: Pick<EventLog, 'read'>, place: MergedRange, maxBytes: number, signal: AbortSignal) {
    this.#log = log;
    this.place = place;
    this.#maxBytes = Math.floor(maxBytes);
    this.#signal = signal;
    this.#offset = place.offset;
    this.#at = place.after ?? 0;
    this.#reading = this.#readOn();
  }

  /** Of the record that is next. */
  get at(): number {
    return Math.max(this.#at, this.#held[this.#index]!.timestamp);
  }

  /** Until it is filled. */
  get isEmpty(): boolean {
    return this.#index === this.#held.length;
  }

  /** @returns false at the end */
  async fill(): Promise<boolean> {
    this.#held = await this.#reading;
    this.#index = 0;
    const last = this.#held.at(-1);
    if (last === undefined) return false;
    this.#offset = last.offset + 1;
    this.#reading = this.#readOn();
    return true;
  }

  /** What comes before the other one's next record; at least one. */
  takeBefore(other: Cursor | undefined, into: MergedRecord[]): void {
    const limit = other?.at ?? Number.POSITIVE_INFINITY;
    const goesFirst = other === undefined || comparePlaces(this.place, other.place) < 0;
    const held = this.#held;
    let taken = 0;
    while (this.#index < held.length) {
      const { at } = this;
      if (taken++ > 0 && (goesFirst ? at > limit : at >= limit)) break;
      this.#at = at;
      into.push({ at, record: held[this.#index++]! });
    }
  }

  #readOn(): Promise<readonly LogRecord[]> {
    const reading = this.#read();
    // it may fail while nobody looks: whoever awaits it next is told
    reading.catch(() => {});
    return reading;
  }

  async #read(): Promise<readonly LogRecord[]> {
    const { topic, partition, end } = this.place;
    if (this.#offset >= end) return [];
    const request = { topic, partition, offset: this.#offset, maxBytes: this.#maxBytes, signal: this.#signal };
    let { records } = await this.#log.read(request);
    if (records.length === 0) ({ records } = await this.#log.read({ ...request, maxWaitMs: HOLE_WAIT_MS }));
    const last = records.at(-1);
    return last === undefined || last.offset < end ? records : records.filter(({ offset }) => offset < end);
  }
}

function insert(waiting: Cursor[], cursor: Cursor): void {
  let [low, high] = [0, waiting.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compare(waiting[middle]!, cursor) < 0) low = middle + 1;
    else high = middle;
  }
  waiting.splice(low, 0, cursor);
}

function compare(a: Cursor, b: Cursor): number {
  return a.at - b.at || comparePlaces(a.place, b.place);
}

export function comparePlaces(a: PartitionOffset, b: PartitionOffset): number {
  if (a.topic !== b.topic) return a.topic < b.topic ? -1 : 1;
  return a.partition - b.partition;
}
