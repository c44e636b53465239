import { createAPI, produceV11, Writer } from '@platformatic/kafka';
import type { TopicPartition } from '../event-log.ts';
import type { ClusterView } from './cluster-view.ts';
import { unavailable } from './errors.ts';

type LinkCluster = Pick<ClusterView, 'requestTimeoutMs' | 'askNode'>;
export type ProducePartition = produceV11.ProduceResponsePartition;

interface PendingBatch {
  readonly at: TopicPartition;
  readonly bytes: Buffer;
  readonly settle: PromiseWithResolvers<ProducePartition>;
}

const ACKS_ALL = -1;
/** A broker refuses a request above 100 MiB (`socket.request.max.bytes`); far less is already efficient. */
const MAX_REQUEST_BYTES = 4 * 1024 * 1024;
/** Requests under way to one broker, each on a connection of its own. */
const MAX_IN_FLIGHT = 4;

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
  #pending: PendingBatch[] = [];
  #scheduled = false;
  #inFlight = 0;

  constructor(cluster: LinkCluster, node: number) {
    this.#cluster = cluster;
    this.#node = node;
    this.#replicationTimeoutMs = Math.ceil(cluster.requestTimeoutMs * 0.8);
  }

  /** @throws KitError LOG_UNAVAILABLE with `details.sent` */
  send(at: TopicPartition, bytes: Buffer): Promise<ProducePartition> {
    const settle = Promise.withResolvers<ProducePartition>();
    this.#pending.push({ at, bytes, settle });
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
    while (this.#inFlight < MAX_IN_FLIGHT && this.#pending.length > 0) {
      let bytes = 0;
      const cut = this.#pending.findIndex((batch, index) => {
        bytes += batch.bytes.length;
        return index > 0 && bytes > MAX_REQUEST_BYTES;
      });
      void this.#request(this.#pending.splice(0, cut < 0 ? this.#pending.length : cut));
    }
  }

  async #request(batches: readonly PendingBatch[]): Promise<void> {
    this.#inFlight++;
    try {
      const response = await this.#cluster.askNode(this.#node, produceEncoded, [batches, this.#replicationTimeoutMs]);
      const answers = new Map(
        response.responses.flatMap(({ name, partitionResponses }) =>
          partitionResponses.map((answer) => [`${name}:${answer.index}`, answer] as const),
        ),
      );
      for (const { at, settle } of batches) {
        const answer = answers.get(`${at.topic}:${at.partition}`);
        if (answer !== undefined) settle.resolve(answer);
        else settle.reject(unavailable('the answer leaves out a partition', { details: { ...at, sent: true } }));
      }
    } catch (error) {
      for (const { settle } of batches) settle.reject(error);
    } finally {
      this.#inFlight--;
      this.#pump();
    }
  }
}
