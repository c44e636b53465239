/** Many partitions as one sequence by time, for folds that need an order across partitions. */
import type { EventLog, LogRecord, PartitionOffset, RawRecord } from './event-log.ts';
import { rawOf } from './mentions.ts';

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

/** What is looked for: the other records are passed over, at little cost where the log leaves them out. */
export interface MergedFilter {
  readonly wanted: (record: RawRecord) => boolean;
  /** So many were looked at. */
  readonly onSearched: (records: number) => void;
}

const READ_BYTES = 1024 * 1024;
const MIN_READ_BYTES = 16 * 1024;
/** Of all partitions together, each with a read in hand and the next one under way. */
const TOTAL_BYTES = 1024 * 1024;
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
  filter?: MergedFilter,
): AsyncGenerator<readonly MergedRecord[]> {
  const maxBytes = Math.max(MIN_READ_BYTES, Math.min(READ_BYTES, TOTAL_BYTES / 2 / Math.max(1, ranges.length)));
  const cursors = ranges.map((range) => new Cursor(log, range, maxBytes, signal, filter));
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
  readonly #filter: MergedFilter | undefined;
  #reading: Promise<readonly MergedRecord[]>;
  #held: readonly MergedRecord[] = [];
  #index = 0;
  /** Where the next read begins, and the greatest timestamp before it. */
  #offset: number;
  #at: number;

  constructor(
    log: Pick<EventLog, 'read'>,
    place: MergedRange,
    maxBytes: number,
    signal: AbortSignal,
    filter: MergedFilter | undefined,
  ) {
    this.#log = log;
    this.place = place;
    this.#maxBytes = Math.floor(maxBytes);
    this.#signal = signal;
    this.#filter = filter;
    this.#offset = place.offset;
    this.#at = place.after ?? 0;
    this.#reading = this.#readOn();
  }

  /** Of the record that is next. */
  get at(): number {
    return this.#held[this.#index]!.at;
  }

  /** Until it is filled. */
  get isEmpty(): boolean {
    return this.#index === this.#held.length;
  }

  /** @returns false at the end */
  async fill(): Promise<boolean> {
    this.#held = await this.#reading;
    this.#index = 0;
    if (this.#held.length === 0) return false;
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
      into.push(held[this.#index++]!);
    }
  }

  #readOn(): Promise<readonly MergedRecord[]> {
    const reading = this.#read();
    // it may fail while nobody looks: whoever awaits it next is told
    reading.catch(() => {});
    return reading;
  }

  /** Empty at the end only. */
  async #read(): Promise<readonly MergedRecord[]> {
    const { end } = this.place;
    while (this.#offset < end) {
      const merged = await this.#readSome();
      if (merged === null) return [];
      if (merged.length > 0) return merged;
      this.#signal.throwIfAborted();
    }
    return [];
  }

  /** Null where nothing is left. */
  async #readSome(): Promise<MergedRecord[] | null> {
    const { topic, partition, end } = this.place;
    const filter = this.#filter;
    const times: number[] = [];
    let searched = 0;
    // asked for without a filter too: what is read once does not belong among the records that a log keeps at hand
    const wanted = (record: RawRecord): boolean => {
      if (record.offset >= end) return false;
      searched++;
      this.#at = Math.max(this.#at, record.timestamp);
      if (filter?.wanted(record) === false) return false;
      times.push(this.#at);
      return true;
    };
    const request = { topic, partition, offset: this.#offset, maxBytes: this.#maxBytes, signal: this.#signal };
    let batch = await this.#log.read({ ...request, wanted });
    if (batch.next === undefined && batch.records.length === 0)
      batch = await this.#log.read({ ...request, maxWaitMs: HOLE_WAIT_MS });
    const { records, next = (records.at(-1)?.offset ?? -1) + 1 } = batch;
    if (next <= this.#offset) return null;
    this.#offset = next;
    const found = batch.next === undefined ? records.filter((record) => wanted(rawOf(record))) : records;
    filter?.onSearched(searched);
    return found.map((record, index) => ({ at: times[index]!, record }));
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
