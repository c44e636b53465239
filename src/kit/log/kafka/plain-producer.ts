import { createAPI, metadataV12, produceV11, Writer } from '@platformatic/kafka';
import { type Clock, steadyClock } from '../../clock.ts';
import { KitError } from '../../errors.ts';
import type { AppendBatch, AppendResult } from '../event-log.ts';
import { encodeRecordBatch } from '../record-encoder.ts';
import { BrokerLink } from './broker-link.ts';
import { ClusterView, parseAddress } from './cluster-view.ts';
import { errorName, isStaleLeader, mayBeStored, refusal, unavailable } from './errors.ts';

export interface PlainProducerOptions {
  readonly bootstrap: readonly string[];
  /** 0: nobody answers; 1: the leader answers before any replica has the batch. */
  readonly acks: 0 | 1;
  readonly clientId?: string;
  /** Default 3,000. */
  readonly requestTimeoutMs?: number;
  readonly clock?: Clock;
}

/** One connection to one broker, and one request on it at a time: a broker takes them in this order. */
interface Way {
  readonly link: BrokerLink;
  last: Promise<unknown>;
  /** Sent with acks=0 since the broker last showed that it has read everything. */
  unseenBytes: number;
}

/** Of acks=0: more than this is not put into a socket that may not be read. */
const MAX_UNSEEN_BYTES = 4 * 1024 * 1024;
const CLOSE_LIMIT_MS = 3_000;

const produce = createAPI<[acks: number, timeoutMs: number, batch: AppendBatch], produceV11.ProduceResponse>(
  0,
  11,
  (acks: number, timeoutMs: number, { topic, partition, records }: AppendBatch) => {
    const bytes = encodeRecordBatch(records);
    const writer = Writer.create()
      .appendString(null)
      .appendInt16(acks)
      .appendInt32(timeoutMs)
      .appendArray([topic], (w, name) =>
        w.appendString(name).appendArray([partition], (inner, index) =>
          inner
            .appendInt32(index)
            .appendUnsignedVarInt(bytes.length + 1)
            .append(bytes),
        ),
      )
      .appendTaggedFields();
    if (acks === 0) writer.context.noResponse = true;
    return writer;
  },
  produceV11.parseResponse,
);

/**
 * Appends as a producer without guarantees does, acks 0 or 1 and not idempotent: an acknowledged batch can be lost with its leader,
 * and one that is appended again after a failure can be in the log twice. `KafkaLog` refuses to be used like this; this is for those
 * who say so themselves, and for showing the difference.
 */
export class PlainProducer {
  readonly #options: PlainProducerOptions;
  readonly #requestTimeoutMs: number;
  readonly #cluster: ClusterView;
  readonly #ways = new Map<string, Way>();

  /** @throws KitError INVALID_BOOTSTRAP */
  constructor(options: PlainProducerOptions) {
    const { bootstrap, clientId = 'streamsocial', requestTimeoutMs = 3_000, clock = steadyClock } = options;
    for (const address of bootstrap) parseAddress(address);
    this.#options = { ...options, clientId };
    this.#requestTimeoutMs = requestTimeoutMs;
    this.#cluster = new ClusterView({ bootstrap, clientId, requestTimeoutMs, clock });
  }

  /**
   * With acks=1 resolves once the leader has the batch. With acks=0 once it is on its way, whatever the broker thinks of it;
   * `baseOffset` is -1 then, as nobody tells.
   *
   * @throws KitError UNKNOWN_TOPIC, UNKNOWN_PARTITION, RECORD_TOO_LARGE, BATCH_TOO_LARGE, INVALID_RECORD,
   *   LOG_UNAVAILABLE (retriable, `details.maybeStored`)
   */
  async append(batch: AppendBatch): Promise<AppendResult> {
    const node = await this.#cluster.leader(batch);
    const way = this.#way(node);
    const turn = way.last.then(() => this.#send(way, batch));
    way.last = turn.catch(() => {});
    return { baseOffset: await turn };
  }

  /** Waits, a few seconds at most, until the brokers have read what was sent with acks=0. */
  async close(): Promise<void> {
    await Promise.all([...this.#ways.values()].map((way) => way.last.then(() => this.#untilRead(way)).catch(() => {})));
    for (const { link } of this.#ways.values()) link.close();
    this.#cluster.close();
  }

  async #send(way: Way, batch: AppendBatch): Promise<number> {
    const { acks } = this.#options;
    const { topic, partition } = batch;
    if (way.unseenBytes > MAX_UNSEEN_BYTES) await this.#untilRead(way);
    const limits = { timeoutMs: this.#requestTimeoutMs };
    const asked = way.link.request(produce, [acks, Math.ceil(this.#requestTimeoutMs * 0.8), batch], limits);
    const response = await asked.catch((cause: unknown) => {
      this.#cluster.forget(topic);
      throw cause instanceof KitError && cause.code === 'LOG_UNAVAILABLE'
        ? unavailable(cause.message, {
            cause,
            details: { topic, partition, maybeStored: cause.details.sent !== false },
          })
        : cause;
    });
    if (acks === 0) {
      way.unseenBytes += sizeOf(batch);
      return -1;
    }
    const answer = response.responses[0]?.partitionResponses[0];
    if (answer === undefined)
      throw unavailable('the answer leaves out the partition', { details: { maybeStored: true } });
    if (answer.errorCode !== 0) throw this.#refusal(answer.errorCode, batch);
    return Number(answer.baseOffset);
  }

  /** An answer to any later request on this connection shows that the earlier ones were read. */
  async #untilRead(way: Way): Promise<void> {
    if (way.unseenBytes === 0) return;
    way.unseenBytes = 0;
    await way.link.request(metadataV12.api, [[], false, false], { timeoutMs: CLOSE_LIMIT_MS });
  }

  #refusal(errorCode: number, { topic, partition, records }: AppendBatch): KitError {
    const what = `append to ${topic}-${partition}`;
    if (errorName(errorCode) === 'MESSAGE_TOO_LARGE' || errorName(errorCode) === 'RECORD_LIST_TOO_LARGE')
      return records.length === 1
        ? new KitError('RECORD_TOO_LARGE', `${what}: the record is larger than the topic takes`)
        : new KitError('BATCH_TOO_LARGE', `${what}: ${records.length} records are larger than the topic takes at once`);
    if (!isStaleLeader(errorCode)) return refusal(errorCode, what, { topic, partition });
    this.#cluster.forget(topic);
    return unavailable(`${what}: ${errorName(errorCode)}`, {
      details: { topic, partition, maybeStored: mayBeStored(errorCode) },
    });
  }

  #way(node: number): Way {
    const address = this.#cluster.nodes().get(node)!;
    let way = this.#ways.get(address);
    if (way === undefined) {
      const clientId = this.#options.clientId!;
      const { host, port } = parseAddress(address);
      const link = new BrokerLink(host, port, { clientId, connectTimeoutMs: this.#requestTimeoutMs });
      way = { link, last: Promise.resolve(), unseenBytes: 0 };
      this.#ways.set(address, way);
    }
    return way;
  }
}

function sizeOf({ records }: AppendBatch): number {
  return records.reduce((sum, { key, value }) => sum + 32 + (key?.length ?? 0) + (value?.length ?? 0), 0);
}
