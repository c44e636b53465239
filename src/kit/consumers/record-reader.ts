import { isKitError, KitError } from '../errors.ts';
import type { EventLog, LogRecord, PartitionOffset, TopicPartition } from '../log/event-log.ts';

/** One retried event is the usual case; where there are more, the others of its key are somewhere behind it. */
const READ_AHEAD_BYTES = 256 * 1024;

/**
 * Single records of one partition by offset, ascending as a rule. What a read brings beyond the record is kept for the next
 * call, and from the second read on it brings more: a thousand events of a busy key are spread over as many batches, and a
 * read for each takes longer than the key's next thousand events. Made for one pass, so that nothing is held longer.
 */
export class RecordReader {
  readonly #log: EventLog;
  readonly #partition: TopicPartition;
  /** Ascending without holes in what was asked of the log. */
  #ahead: readonly LogRecord[] = [];
  #maxBytes = 1;

  constructor(log: EventLog, partition: TopicPartition) {
    this.#log = log;
    this.#partition = partition;
  }

  /**
   * @returns null when the log no longer has this record (retention, compaction)
   * @throws KitError LOG_UNAVAILABLE and what `read` throws, when that cannot be known now
   */
  async read(offset: number): Promise<LogRecord | null> {
    const first = this.#ahead[0]?.offset ?? offset;
    // compaction leaves holes, so a record stands at its distance from the first one or before
    for (let index = Math.min(offset - first, this.#ahead.length - 1); index >= 0; index--) {
      const record = this.#ahead[index]!;
      if (record.offset === offset) return record;
      if (record.offset < offset) break;
    }
    return this.#fetch({ ...this.#partition, offset });
  }

  async #fetch(at: PartitionOffset): Promise<LogRecord | null> {
    const { topic, partition, offset } = at;
    try {
      const { records, highWatermark } = await this.#log.read({ ...at, maxBytes: this.#maxBytes, maxWaitMs: 500 });
      this.#maxBytes = READ_AHEAD_BYTES;
      this.#ahead = records;
      const [record] = records;
      if (record !== undefined) return record.offset === offset ? record : null;
      if (highWatermark > offset) return null;
    } catch (error) {
      if (!isKitError(error, 'OFFSET_OUT_OF_RANGE')) throw error;
      const [earliest] = await this.#log.listOffsets([{ topic, partition, at: 'earliest' }]);
      if (offset < earliest!) return null;
    }
    throw new KitError('LOG_UNAVAILABLE', `${topic}/${partition} ends before offset ${offset}`, { retriable: true });
  }
}
