/** One partition's records in either direction, read in pieces that are bounded in records and bytes, and held as what is made of them. */
import { isKitError } from '../errors.ts';
import type { EventLog, LogRecord, PartitionBatch } from './event-log.ts';

export type Order = 'newest' | 'oldest';

/** Offsets from `from` on, and below `to`. */
export interface OffsetRange {
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

export interface Looked<T> {
  readonly offset: number;
  readonly timestamp: number;
  /** Null for a record that is passed over. */
  readonly item: T | null;
}

export interface CursorOptions<T> {
  readonly log: Pick<EventLog, 'read'>;
  readonly topic: string;
  readonly order: Order;
  /** What is held of a record, so that its bytes are not; null passes it over. */
  readonly keep: (record: LogRecord) => T | null;
  /** Of one read, soft. */
  readonly maxBytes: number;
  /** Called with the bytes of what was read. */
  readonly onRead: (bytes: number) => void;
  readonly signal?: AbortSignal;
}

/** Grows with every read: the first one is for a look, later ones for a search. */
const FIRST_RECORDS = 16;
const MAX_RECORDS = 512;

export class PartitionCursor<T> {
  readonly partition: number;
  readonly #options: CursorOptions<T>;
  #from: number;
  #to: number;
  /** In the order in which it is taken, from `#next` on. */
  #held: Looked<T>[] = [];
  #next = 0;
  #records = FIRST_RECORDS;

  constructor(range: OffsetRange, options: CursorOptions<T>) {
    this.partition = range.partition;
    this.#from = range.from;
    this.#to = range.to;
    this.#options = options;
  }

  /** What `take` gives next, as far as it has been read. */
  get head(): Looked<T> | undefined {
    return this.#held[this.#next];
  }

  /** Whether there is nothing to take until `read` was called, or nothing at all. */
  get isDry(): boolean {
    return this.head === undefined;
  }

  /** What has not been taken. */
  get rest(): OffsetRange {
    const { partition, head } = this;
    if (head === undefined) return { partition, from: this.#from, to: this.#to };
    return this.#options.order === 'oldest'
      ? { partition, from: head.offset, to: this.#to }
      : { partition, from: this.#from, to: head.offset + 1 };
  }

  take(): Looked<T> {
    return this.#held[this.#next++]!;
  }

  /** Once it is dry: afterwards it still is only where nothing is left. @throws KitError those of `EventLog.read` */
  async read(): Promise<void> {
    while (this.isDry && this.#from < this.#to) {
      const records = this.#options.order === 'oldest' ? await this.#forwards() : await this.#backwards();
      this.#held = records;
      this.#next = 0;
      this.#records = Math.min(MAX_RECORDS, Math.max(this.#records, FIRST_RECORDS) * 2);
    }
  }

  async #forwards(): Promise<Looked<T>[]> {
    const batch = await this.#readFrom(this.#from, this.#records);
    const looked = this.#look(batch.records);
    // beyond the range, or a hole up to its end
    this.#from = looked.length === 0 ? this.#to : looked.at(-1)!.offset + 1;
    return looked;
  }

  /** A log reads upwards: so many below the end, fewer where they are large, more where compaction has left a hole. */
  async #backwards(): Promise<Looked<T>[]> {
    for (let wanted = this.#records; ; ) {
      const low = Math.max(this.#from, this.#to - wanted);
      const looked: Looked<T>[] = [];
      let tooLarge = false;
      for (let at = low; at < this.#to; ) {
        const { records } = await this.#readFrom(at, this.#to - at);
        const found = this.#look(records);
        looked.push(...found);
        const last = found.at(-1);
        if (last === undefined) break;
        at = last.offset + 1;
        tooLarge = at < this.#to && wanted > 1 && sizeOf(records) * 2 > this.#options.maxBytes;
        if (tooLarge) break;
      }
      if (tooLarge) {
        wanted = Math.max(1, Math.floor(Math.min(wanted / 2, looked.length)));
        continue;
      }
      this.#to = Math.max(low, this.#from);
      if (looked.length > 0) return looked.reverse();
      if (this.#to <= this.#from) return [];
      wanted *= 2;
    }
  }

  /** Records that retention removed meanwhile are not waited for. */
  async #readFrom(offset: number, maxRecords: number): Promise<PartitionBatch> {
    const { log, topic, maxBytes, onRead, signal } = this.#options;
    signal?.throwIfAborted();
    const request = { topic, partition: this.partition, maxRecords, maxBytes, ...(signal && { signal }) };
    const batch = await log.read({ ...request, offset }).catch((error: unknown) => {
      if (!isKitError(error, 'OFFSET_OUT_OF_RANGE') || !(Number(error.details.earliest) > offset)) throw error;
      this.#from = Math.min(this.#to, Number(error.details.earliest));
      if (this.#from === this.#to) return { topic, partition: this.partition, records: [], highWatermark: this.#to };
      return log.read({ ...request, offset: this.#from });
    });
    onRead(sizeOf(batch.records));
    return batch;
  }

  #look(records: readonly LogRecord[]): Looked<T>[] {
    return records
      .filter(({ offset }) => offset < this.#to)
      .map((record) => ({ offset: record.offset, timestamp: record.timestamp, item: this.#options.keep(record) }));
  }
}

/** Of keys and values; each record counts for something. */
function sizeOf(records: readonly LogRecord[]): number {
  return records.reduce((sum, { key, value }) => sum + 32 + (key?.length ?? 0) + (value?.length ?? 0), 0);
}
