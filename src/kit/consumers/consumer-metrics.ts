import { RecentHistogram } from '../monitoring/recent-histogram.ts';

export interface PartitionProgress {
  readonly topic: string;
  readonly partition: number;
  /** The next offset to process. */
  readonly position: number;
  readonly end_offset: number;
  readonly lag: number;
  /** When the record at `position` was published (ms since the epoch); null while it has not been fetched. */
  readonly waiting_since: number | null;
}

/** Of the last ten seconds. */
export interface ConsumerLatencies {
  /**
   * From the record's timestamp to the commit of its effect in the store, retries and waiting included; to the millisecond. Of every
   * effect of a record that came while its partition was followed: what was in the log already when it was claimed, or is
   * processed once more because the store went back, would tell how old the log is.
   */
  readonly endToEnd: RecentHistogram;
  /** Of every delivery: its share of its transaction, from decoding to the stored effect. */
  readonly processing: RecentHistogram;
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
  readonly published: Published;
}

/** When the records of a chunk's effects were published, as far as they came while they were followed: runs of the same millisecond, as a batch brings them. */
export class Published {
  readonly #times: number[] = [];
  readonly #counts: number[] = [];

  add(timestamp: number): void {
    const last = this.#times.length - 1;
    if (last >= 0 && this.#times[last] === timestamp) {
      this.#counts[last]! += 1;
    } else {
      this.#times.push(timestamp);
      this.#counts.push(1);
    }
  }

  /** @param wallMs now, by the clock that producers stamp records with */
  ages(wallMs: number, into: RecentHistogram, nowMs: number): void {
    // there are clients that stamp nothing
    for (const [run, time] of this.#times.entries()) if (time > 0) into.record(wallMs - time, nowMs, this.#counts[run]);
  }
}

export class ConsumerMeter {
  readonly latencies: ConsumerLatencies = { endToEnd: new RecentHistogram(), processing: new RecentHistogram() };
  #processed = 0;
  #failed = 0;
  #dead = 0;
  #retries = 0;
  #elapsedMs = 0;
  #skipped = 0;

  /** @param wallMs when it was stored, by the clock that producers stamp records with */
  add(tally: Tally, wallMs: number): void {
    const { processed, failed, elapsedMs } = tally;
    this.#processed += processed;
    this.#failed += failed;
    this.#dead += tally.dead;
    this.#retries += tally.retries;
    this.#elapsedMs += elapsedMs;
    const nowMs = performance.now();
    const deliveries = processed + failed;
    if (deliveries > 0) this.latencies.processing.record(elapsedMs / deliveries, nowMs, deliveries);
    tally.published.ages(wallMs, this.latencies.endToEnd, nowMs);
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
