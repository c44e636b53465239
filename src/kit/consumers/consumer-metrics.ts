export interface PartitionProgress {
  readonly topic: string;
  readonly partition: number;
  /** The next offset to process. */
  readonly position: number;
  readonly end_offset: number;
  readonly lag: number;
}

/** Counts of this process since it started; what is durable is counted in the store. */
export interface ConsumerMetrics {
  readonly uptime_seconds: number;
  /** Events whose effect is stored. */
  readonly messages_processed: number;
  /** Deliveries that failed: unreadable, refused, or to be tried again. */
  readonly messages_failed: number;
  /** messages_processed / (messages_processed + messages_failed), 0 to 1; 1 before the first. */
  readonly success_rate: number;
  /** From decoding to the stored effect, the mean share of one event in its transaction. */
  readonly avg_processing_time_ms: number;
  readonly dead_letter_count: number;
  /** Deliveries after an event's first. */
  readonly retry_count: number;
  /** Records of the owned partitions not yet processed. */
  readonly lag: number;
  readonly consumer_running: boolean;
  readonly partitions: readonly PartitionProgress[];
  /** Events waiting for a retry, or behind one. */
  readonly parked: number;
  /** Records that retention removed before they were processed. */
  readonly skipped: number;
}

/** What one transaction adds to the counts. */
export interface Tally {
  readonly processed: number;
  readonly failed: number;
  readonly dead: number;
  readonly retries: number;
  readonly elapsedMs: number;
}

export class ConsumerMeter {
  #processed = 0;
  #failed = 0;
  #dead = 0;
  #retries = 0;
  #elapsedMs = 0;
  #skipped = 0;

  add(tally: Tally): void {
    this.#processed += tally.processed;
    this.#failed += tally.failed;
    this.#dead += tally.dead;
    this.#retries += tally.retries;
    this.#elapsedMs += tally.elapsedMs;
  }

  skip(records: number): void {
    this.#skipped += records;
  }

  report(state: {
    readonly uptimeMs: number;
    readonly running: boolean;
    readonly parked: number;
    readonly partitions: readonly PartitionProgress[];
  }): ConsumerMetrics {
    const deliveries = this.#processed + this.#failed;
    return {
      uptime_seconds: state.uptimeMs / 1000,
      messages_processed: this.#processed,
      messages_failed: this.#failed,
      success_rate: deliveries === 0 ? 1 : this.#processed / deliveries,
      avg_processing_time_ms: deliveries === 0 ? 0 : this.#elapsedMs / deliveries,
      dead_letter_count: this.#dead,
      retry_count: this.#retries,
      lag: state.partitions.reduce((sum, partition) => sum + partition.lag, 0),
      consumer_running: state.running,
      partitions: state.partitions,
      parked: state.parked,
      skipped: this.#skipped,
    };
  }
}
