import { steadyClock } from '../../clock.ts';
import { Delivery } from '../delivery.ts';
import type { PartitionBatch, PartitionOffset } from '../event-log.ts';
import { ClusterView } from './cluster-view.ts';
import { Fetcher } from './fetcher.ts';

export interface AssignedReaderOptions {
  readonly bootstrap: readonly string[];
  /** Where to begin, one entry for each partition to be read. */
  readonly starts: readonly PartitionOffset[];
  /** Called for one partition at a time, in offset order; the next batch of that partition waits for the promise. */
  readonly onRecords: (batch: PartitionBatch) => Promise<void>;
  readonly clientId?: string;
  /** Of the records fetched ahead, all partitions together. Default 32 MiB. */
  readonly maxBufferedBytes?: number;
}

const REQUEST_TIMEOUT_MS = 3_000;
const MAX_BUFFERED_BYTES = 32 * 1024 * 1024;

/**
 * Reads partitions without a group, as Java's `assign` does: partitions of one broker are fetched together and ahead of
 * `onRecords`. While no broker answers it goes on trying.
 */
export class AssignedReader {
  /** Rejects with what no retry can help, OFFSET_OUT_OF_RANGE or UNKNOWN_TOPIC for example; otherwise pending until `stop`. */
  readonly ended: Promise<void>;
  readonly #cluster: ClusterView;
  readonly #delivery: Delivery;
  readonly #end = Promise.withResolvers<void>();

  constructor({ bootstrap, starts, onRecords, clientId = 'streamsocial', maxBufferedBytes }: AssignedReaderOptions) {
    this.ended = this.#end.promise;
    this.ended.catch(() => {});
    this.#cluster = new ClusterView({ bootstrap, clientId, requestTimeoutMs: REQUEST_TIMEOUT_MS, clock: steadyClock });
    this.#delivery = new Delivery(starts, starts, {
      source: new Fetcher(this.#cluster),
      clock: steadyClock,
      random: Math.random,
      maxBufferedBytes: maxBufferedBytes ?? MAX_BUFFERED_BYTES,
      onRecords,
      onFailed: (error) => this.#end.reject(error),
    });
  }

  /** Resolves when the last `onRecords` has settled. */
  async stop(): Promise<void> {
    await this.#delivery.stop();
    this.#cluster.close();
    this.#end.resolve();
  }
}
