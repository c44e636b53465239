/** Writes records to a stream in large pieces and knows, for each partition, up to where that is done. */
import type { Writable } from 'node:stream';
import { steadyClock } from '../kit/clock.ts';
import type { PartitionBatch, PartitionOffset } from '../kit/log/event-log.ts';
import { noLongerThan } from '../kit/waiting.ts';
import type { RecordFilter } from './consume-filter.ts';
import { ByteWriter, type RecordFormat } from './record-format.ts';

export interface RecordPrinterOptions {
  readonly output: Writable;
  readonly format: RecordFormat;
  readonly filter: RecordFilter | null;
  /** Records to write, at most. */
  readonly max: number;
}

/** Also the turns of the event loop that formatting takes: heartbeats and Ctrl-C come between. */
const CHUNK_RECORDS = 5_000;

export class RecordPrinter {
  /** Resolves when `max` records are written. */
  readonly full: Promise<void>;
  readonly #options: RecordPrinterOptions;
  readonly #full = Promise.withResolvers<void>();
  readonly #positions = new Map<string, PartitionOffset>();
  readonly #bytes = new ByteWriter();
  #left: number;
  #written = 0;
  #read = 0;
  readonly #writing = new Set<Promise<boolean>>();
  readonly #abandoned = Promise.withResolvers<false>();
  #stopped = false;

  constructor(options: RecordPrinterOptions) {
    this.#options = options;
    this.#left = options.max;
    this.full = this.#full.promise;
  }

  /** Records that came, whether or not the filter let them pass. */
  get read(): number {
    return this.#read;
  }

  get written(): number {
    return this.#written;
  }

  /** Whether the reader of the output has not yet taken what it was given. */
  get isWriting(): boolean {
    return this.#writing.size > 0;
  }

  /** Resolves once the records are written; the output's back-pressure is in that. What breaks the output is told by its `error` event. */
  async print({ topic, partition, records }: PartitionBatch): Promise<void> {
    for (let from = 0; from < records.length; from += CHUNK_RECORDS) {
      const next = this.#format(records.slice(from, from + CHUNK_RECORDS));
      if (next === null) return;
      if (!(await this.#write())) return;
      this.#positions.set(`${topic}:${partition}`, { topic, partition, offset: next });
      if (this.#left === 0) this.#full.resolve();
    }
  }

  /** The offset after the last record that is done with, of partitions where that has changed since the last call. */
  takePositions(): PartitionOffset[] {
    const positions = [...this.#positions.values()];
    this.#positions.clear();
    return positions;
  }

  /**
   * Nothing further is begun. What is being written has `graceMs` to be taken; then its `print` resolves without it: in a pager
   * that nobody scrolls it may be stuck for ever.
   */
  async stop(graceMs: number): Promise<void> {
    this.#stopped = true;
    await noLongerThan(graceMs, Promise.all(this.#writing), steadyClock);
    this.#abandoned.resolve(false);
  }

  /** The offset after the last record that was looked at; null where there is nothing to look at any more. */
  #format(records: PartitionBatch['records']): number | null {
    const { format, filter } = this.#options;
    let next: number | null = null;
    for (const record of records) {
      if (this.#stopped || this.#left === 0) break;
      next = record.offset + 1;
      this.#read += 1;
      if (filter !== null && !filter(record)) continue;
      format(record, this.#bytes);
      this.#left -= 1;
      this.#written += 1;
    }
    return next;
  }

  /** Whether it was written. */
  async #write(): Promise<boolean> {
    const bytes = this.#bytes.take();
    if (bytes.length === 0) return true;
    const writing = new Promise<boolean>((resolve) => {
      this.#options.output.write(bytes, (error) => {
        if (error) this.#stopped = true;
        resolve(!error);
      });
    });
    this.#writing.add(writing);
    try {
      return await Promise.race([writing, this.#abandoned.promise]);
    } finally {
      this.#writing.delete(writing);
    }
  }
}
