/** Sends lines as records, in bounded memory, and keeps account of where they came to lie. */
import { isKitError, KitError } from '../kit/errors.ts';
import type { Header } from '../kit/log/event-log.ts';
import type { HighVolumeProducer, Sent } from '../kit/producers/high-volume-producer.ts';
import { type InputLine, type LineFormat, recordOfLine } from './produce-input.ts';

export interface ProduceOptions extends LineFormat {
  readonly producer: HighVolumeProducer;
  readonly topic: string;
  readonly partition: number | null;
  readonly headers: readonly Header[];
  /** Lines that are no record are left out and told of; otherwise the first ends it. */
  readonly skipInvalid: boolean;
  /** Ends the reading; what was read is still sent. */
  readonly signal: AbortSignal;
  /** Waits for each line's acknowledgement before the next, and tells of it: for a prompt. */
  readonly onSent?: (sent: Sent) => void;
  readonly onSkipped: (error: KitError) => void;
}

export interface PartitionTally {
  readonly partition: number;
  readonly records: number;
  /** Null with acks=0: nobody tells. */
  readonly first_offset: number | null;
  readonly last_offset: number | null;
}

export interface ProduceTally {
  readonly lines: number;
  readonly records: number;
  readonly skipped: number;
  /** By partition, ascending. */
  readonly partitions: readonly PartitionTally[];
  /** What ended it, the first by line; null where all is well. */
  readonly error: KitError | null;
}

const MAX_OUTSTANDING_RECORDS = 20_000;
const MAX_OUTSTANDING_BYTES = 32 * 1024 * 1024;
const SKIPPABLE = ['INVALID_LINE', 'RECORD_TOO_LARGE', 'INVALID_RECORD'];

export async function produceLines(
  input: AsyncIterable<readonly InputLine[]>,
  options: ProduceOptions,
): Promise<ProduceTally> {
  const run = new Run(options);
  try {
    for await (const lines of input) {
      for (const line of lines) {
        if (run.ended) break;
        run.send(line);
      }
      if (run.ended) break;
      await run.room(options.onSent === undefined ? MAX_OUTSTANDING_RECORDS : 0);
    }
  } catch (error) {
    if (!options.signal.aborted) run.broken(error);
  }
  await run.room(0);
  return run.tally();
}

class Run {
  readonly #options: ProduceOptions;
  readonly #partitions = new Map<number, { records: number; first: number; last: number }>();
  #lines = 0;
  #skipped = 0;
  #outstanding = 0;
  #outstandingBytes = 0;
  #settled = Promise.withResolvers<void>();
  #error: { readonly line: number; readonly error: KitError } | null = null;

  constructor(options: ProduceOptions) {
    this.#options = options;
  }

  get ended(): boolean {
    return this.#error !== null || this.#options.signal.aborted;
  }

  send(line: InputLine): void {
    const { producer, topic, partition, headers } = this.#options;
    this.#lines = line.number;
    try {
      const { key, value } = recordOfLine(line, this.#options);
      const bytes = (key?.length ?? 0) + (value?.length ?? 0);
      const record = { topic, key, value, headers, ...(partition === null ? {} : { partition }) };
      this.#outstanding += 1;
      this.#outstandingBytes += bytes;
      producer.send(record).then(
        (sent) => {
          this.#count(sent);
          this.#settle(bytes);
        },
        (error) => {
          this.#failed(line.number, error);
          this.#settle(bytes);
        },
      );
    } catch (error) {
      this.#failed(line.number, error);
    }
  }

  /** Resolves once no more than so many records, and not too many bytes, wait for their acknowledgement. */
  async room(records: number): Promise<void> {
    while (this.#outstanding > records || (this.#outstanding > 0 && this.#outstandingBytes > MAX_OUTSTANDING_BYTES)) {
      this.#settled = Promise.withResolvers<void>();
      await this.#settled.promise;
    }
  }

  /** The input cannot be read on. */
  broken(cause: unknown): void {
    const why = cause instanceof Error ? cause.message : String(cause);
    const error = new KitError('UNREADABLE_INPUT', `The input cannot be read after line ${this.#lines}: ${why}`, {
      cause,
    });
    this.#error ??= { line: this.#lines, error };
  }

  tally(): ProduceTally {
    const partitions = [...this.#partitions]
      .sort(([a], [b]) => a - b)
      .map(([partition, { records, first, last }]) => {
        const known = first >= 0;
        return { partition, records, first_offset: known ? first : null, last_offset: known ? last : null };
      });
    const records = partitions.reduce((sum, each) => sum + each.records, 0);
    return { lines: this.#lines, records, skipped: this.#skipped, partitions, error: this.#error?.error ?? null };
  }

  #count(sent: Sent): void {
    const { partition, offset } = sent;
    const tally = this.#partitions.get(partition);
    if (tally === undefined) this.#partitions.set(partition, { records: 1, first: offset, last: offset });
    else {
      tally.records += 1;
      tally.last = offset;
    }
    this.#options.onSent?.(sent);
  }

  #settle(bytes: number): void {
    this.#outstanding -= 1;
    this.#outstandingBytes -= bytes;
    this.#settled.resolve();
  }

  #failed(line: number, cause: unknown): void {
    const code = isKitError(cause) ? cause.code : 'APPEND_FAILED';
    const message = `line ${line}: ${cause instanceof Error ? cause.message : String(cause)}`;
    const details = isKitError(cause) ? { ...cause.details, line } : { line };
    const error = new KitError(code, message, { cause, retriable: isKitError(cause) && cause.retriable, details });
    if (this.#options.skipInvalid && SKIPPABLE.includes(code)) {
      this.#skipped += 1;
      this.#options.onSkipped(error);
    } else if (this.#error === null || line < this.#error.line) this.#error = { line, error };
  }
}
