import { isKitError, KitError } from '../errors.ts';
import type { EventLog, LogRecord, PartitionOffset, TopicPartition } from '../log/event-log.ts';

/**
 * Single records of one partition by offset. What a read brings beyond the record is kept for the next call: parked events
 * of one key often stand close together, and a log reads whole batches. Made for one pass, so that no batch is held longer.
 */
export class RecordReader {
  readonly #log: EventLog;
  readonly #partition: TopicPartition;
  /** Ascending without holes in what was asked of the log. */
  #ahead: readonly LogRecord[] = [];

  constructor(log: EventLog, partition: TopicPartition) {
    this.#log = log;
    this.#partition = partition;
  }

  /**
   * @returns null when the log no longer has this record (retention, compaction)
   * @throws KitError LOG_UNAVAILABLE and what `read` throws, when that cannot be known now
   */
  async read(offset: number): Promise<LogRecord | null> {
    const known = this.#ahead.find((record) => record.offset === offset);
    return known ?? this.#fetch({ ...this.#partition, offset });
  }

  async #fetch(at: PartitionOffset): Promise<LogRecord | null> {
    const { topic, partition, offset } = at;
    try {
      const { records, highWatermark } = await this.#log.read({ ...at, maxBytes: 1, maxWaitMs: 500 });
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
