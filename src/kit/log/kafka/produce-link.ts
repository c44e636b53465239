import { createAPI, produceV11, Writer } from '@platformatic/kafka';
import { isKitError } from '../../errors.ts';
import type { TopicPartition } from '../event-log.ts';
import type { ClusterView } from './cluster-view.ts';
import { unavailable } from './errors.ts';

type LinkCluster = Pick<ClusterView, 'requestTimeoutMs' | 'clock' | 'askNode' | 'refresh'>;
export type ProducePartition = produceV11.ProduceResponsePartition;

interface PendingBatch {
  readonly at: TopicPartition;
  readonly bytes: Buffer;
  readonly settle: PromiseWithResolvers<ProducePartition>;
}

interface Request {
  readonly batches: readonly PendingBatch[];
  readonly cut: AbortController;
}

const ACKS_ALL = -1;
/** A broker refuses a request above 100 MiB (`socket.request.max.bytes`); far less is already efficient. */
const MAX_REQUEST_BYTES = 4 * 1024 * 1024;
/** Requests under way to one broker, each on a connection of its own. */
const MAX_IN_FLIGHT = 4;
/** A batch that waits longer than this, and twice this at most, may wait for a broker that hangs: whether it leads still, the others know. */
const WATCH_MS = 250;

/**
 * Produce v11 with batches that are encoded already, which is what makes a retry the same bytes.
 * The library's own request builder encodes anew each time, with one producer id for all partitions.
 */
const produceEncoded = createAPI<[batches: readonly PendingBatch[], timeoutMs: number], produceV11.ProduceResponse>(
  0,
  11,
  (batches: readonly PendingBatch[], timeoutMs: number) =>
    Writer.create()
      .appendString(null)
      .appendInt16(ACKS_ALL)
      .appendInt32(timeoutMs)
      .appendArray([...Map.groupBy(batches, ({ at }) => at.topic)], (topic, [name, partitions]) =>
        topic.appendString(name).appendArray(partitions, (w, { at, bytes }) =>
          w
            .appendInt32(at.partition)
            .appendUnsignedVarInt(bytes.length + 1)
            .append(bytes),
        ),
      )
      .appendTaggedFields(),
  produceV11.parseResponse,
);

/**
 * Batches on their way to one broker. What is handed over in one turn of the event loop, or while MAX_IN_FLIGHT requests
 * are under way, goes in one request. There is at most one batch of a partition at a time (see `ProduceLane`), so
 * requests may overtake each other without any partition's order being touched.
 */
export class ProduceLink {
  readonly #cluster: LinkCluster;
  readonly #node: number;
  /** The broker gives up waiting for replicas before the connection is torn down, and says so. */
  readonly #replicationTimeoutMs: number;
  /** Handed over and not settled, the oldest first. */
  readonly #open = new Set<PendingBatch>();
  readonly #requests = new Set<Request>();
  #pending: PendingBatch[] = [];
  #scheduled = false;
  #watching = false;

  constructor(cluster: LinkCluster, node: number) {
    this.#cluster = cluster;
    this.#node = node;
    this.#replicationTimeoutMs = Math.ceil(cluster.requestTimeoutMs * 0.8);
  }

  /** @throws KitError LOG_UNAVAILABLE with `details.sent` */
  send(at: TopicPartition, bytes: Buffer): Promise<ProducePartition> {
    const settle = Promise.withResolvers<ProducePartition>();
    const batch = { at, bytes, settle };
    this.#pending.push(batch);
    this.#open.add(batch);
    if (!this.#watching) void this.#watch();
    if (!this.#scheduled) {
      this.#scheduled = true;
      setImmediate(() => {
        this.#scheduled = false;
        this.#pump();
      });
    }
    return settle.promise;
  }

  #pump(): void {
    while (this.#requests.size < MAX_IN_FLIGHT && this.#pending.length > 0) {
      let bytes = 0;
      const cut = this.#pending.findIndex((batch, index) => {
        bytes += batch.bytes.length;
        return index > 0 && bytes > MAX_REQUEST_BYTES;
      });
      void this.#request(this.#pending.splice(0, cut < 0 ? this.#pending.length : cut));
    }
  }

  async #request(batches: readonly PendingBatch[]): Promise<void> {
    const request = { batches, cut: new AbortController() };
    this.#requests.add(request);
    try {
      const response = await this.#cluster.askNode(this.#node, produceEncoded, [batches, this.#replicationTimeoutMs], {
        signal: request.cut.signal,
      });
      const answers = new Map(
        response.responses.flatMap(({ name, partitionResponses }) =>
          partitionResponses.map((answer) => [`${name}:${answer.index}`, answer] as const),
        ),
      );
      for (const batch of batches) {
        const answer = answers.get(`${batch.at.topic}:${batch.at.partition}`);
        if (answer === undefined) this.#fail(batch, 'the answer leaves out a partition', true);
        else if (this.#open.delete(batch)) batch.settle.resolve(answer);
      }
    } catch (error) {
      for (const batch of batches) if (this.#open.delete(batch)) batch.settle.reject(error);
      // the next request would meet the same, while the lanes could ask for another leader
      if (isKitError(error, 'LOG_UNAVAILABLE'))
        for (const batch of this.#pending.splice(0)) this.#fail(batch, error.message, false);
    } finally {
      this.#requests.delete(request);
      this.#pump();
    }
  }

  #fail(batch: PendingBatch, why: string, sent: boolean): void {
    if (this.#open.delete(batch)) batch.settle.reject(unavailable(why, { details: { ...batch.at, sent } }));
  }

  async #watch(): Promise<void> {
    this.#watching = true;
    while (this.#open.size > 0) {
      const before = [...this.#open];
      await new Promise<void>((resolve) => this.#cluster.clock.after(WATCH_MS, resolve));
      await this.#releaseMoved(before.filter((batch) => this.#open.has(batch)));
    }
    this.#watching = false;
  }

  /** Gives those back whose partition has another leader by now. */
  async #releaseMoved(batches: readonly PendingBatch[]): Promise<void> {
    const topics = [...new Set(batches.map(({ at }) => at.topic))];
    // where nobody can tell, the limit of the request remains
    const views = await Promise.all(topics.map((topic) => this.#cluster.refresh(topic).catch(() => undefined)));
    for (const batch of batches) {
      const { topic, partition } = batch.at;
      const leader = views[topics.indexOf(topic)]?.leaders[partition] ?? -1;
      if (leader < 0 || leader === this.#node) continue;
      const pending = this.#pending.indexOf(batch);
      if (pending >= 0) this.#pending.splice(pending, 1);
      this.#fail(batch, `${topic}-${partition} has moved to broker ${leader}`, pending < 0);
    }
    for (const { batches, cut } of this.#requests) if (batches.every((batch) => !this.#open.has(batch))) cut.abort();
  }
}
