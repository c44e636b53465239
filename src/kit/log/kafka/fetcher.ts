import { createAPI, fetchV17, listOffsetsV9, Reader } from '@platformatic/kafka';
import { isKitError, KitError } from '../../errors.ts';
import type { OffsetQuery, PartitionBatch, ReadRequest, TopicPartition } from '../event-log.ts';
import type { FetchPosition, FetchSource } from '../group-transport.ts';
import type { ProducerStamp } from '../record-encoder.ts';
import type { ClusterView } from './cluster-view.ts';
import { errorName, isStaleLeader, refusal, unavailable } from './errors.ts';
import { decodeBatches, limitRecords } from './record-batches.ts';

/** Transactions of other clients count once they are committed; their end is the end of the log until then. */
const READ_COMMITTED = 1;
const NO_SESSION = { id: 0, epoch: -1 };
const EARLIEST = -2n;
const LATEST = -1n;
/** ListOffsets by time: no record is as late. */
const NONE = -1;
/** UNKNOWN_SERVER_ERROR, for a partition that the answer leaves out. */
const NO_ANSWER = -1;
const DEFAULT_READ_BYTES = 1024 * 1024;
/** A leader that hangs is noticed after this and the time of one request. */
const MAX_WAIT_MS = 5_000;

/**
 * The library parses a response as it came from the socket, in pieces, and looks for the piece at every read.
 * In one piece it reads three times as fast.
 */
const fetchApi = createAPI<Parameters<typeof fetchV17.createRequest>, fetchV17.FetchResponse>(
  1,
  17,
  fetchV17.createRequest,
  (correlationId, key, version, reader) =>
    fetchV17.parseResponse(correlationId, key, version, Reader.from(reader.buffer.buffer)),
);

interface FetchLimits {
  readonly maxBytes: number;
  readonly maxWaitMs: number;
  readonly signal?: AbortSignal;
}

interface Fetched extends TopicPartition {
  readonly answer: fetchV17.FetchResponsePartition;
  readonly position: FetchPosition;
}

export class Fetcher implements FetchSource {
  readonly #cluster: ClusterView;
  /** Where a read at an offset found nothing but control records and aborted ones: where it goes on. */
  readonly #skips = new Map<string, { readonly offset: number; readonly next: number }>();

  constructor(cluster: ClusterView) {
    this.#cluster = cluster;
  }

  async partitionCount(topic: string): Promise<number> {
    return (await this.#cluster.topic(topic)).leaders.length;
  }

  leaderOf(partition: TopicPartition): Promise<number> {
    return this.#cluster.leader(partition);
  }

  async fetch(
    leader: number,
    positions: readonly FetchPosition[],
    limits: FetchLimits & { readonly signal: AbortSignal },
  ): Promise<PartitionBatch[]> {
    const fetched = await this.#fetch(leader, positions, limits);
    const refused = fetched.filter(({ answer }) => answer.errorCode !== 0);
    const outOfRange = refused.find(({ answer }) => errorName(answer.errorCode) === 'OFFSET_OUT_OF_RANGE');
    if (outOfRange !== undefined) throw await this.#outOfRange(outOfRange.position);
    const batches = fetched.flatMap((one) => {
      const batch = one.answer.errorCode === 0 ? this.#decode(one) : undefined;
      return batch === undefined || batch.records.length === 0 ? [] : [batch];
    });
    // What has arrived is passed on; a partition that has moved is asked for elsewhere the next time.
    const failures = refused.map((one) => this.#failure(one, one.answer.errorCode));
    if (batches.length === 0 && failures[0] !== undefined) throw failures[0];
    return batches;
  }

  async read(request: ReadRequest): Promise<PartitionBatch> {
    const { topic, partition, offset, maxBytes = DEFAULT_READ_BYTES, maxRecords = Number.POSITIVE_INFINITY } = request;
    const end = performance.now() + (request.maxWaitMs ?? 0);
    for (;;) {
      const batch = await this.#cluster.persist(() => {
        const maxWaitMs = Math.max(0, Math.min(MAX_WAIT_MS, end - performance.now()));
        return this.#readOnce({ topic, partition, offset }, { maxBytes, maxWaitMs, ...signalOf(request) });
      });
      if (batch.records.length > 0 || performance.now() >= end) {
        return { ...batch, records: limitRecords(batch.records, maxBytes, maxRecords) };
      }
    }
  }

  async #readOnce(position: FetchPosition, limits: FetchLimits): Promise<PartitionBatch> {
    for (;;) {
      const leader = await this.#cluster.leader(position);
      const [fetched] = await this.#fetch(leader, [position], limits);
      if (fetched === undefined) throw unavailable(`no answer for ${position.topic}-${position.partition}`);
      const { errorCode } = fetched.answer;
      if (errorName(errorCode) === 'OFFSET_OUT_OF_RANGE') throw await this.#outOfRange(position);
      if (errorCode !== 0) throw this.#failure(position, errorCode);
      const skippedBefore = this.#skips.get(keyOf(position))?.next;
      const batch = this.#decode(fetched);
      if (batch.records.length > 0 || this.#skips.get(keyOf(position))?.next === skippedBefore) return batch;
    }
  }

  async #fetch(leader: number, positions: readonly FetchPosition[], limits: FetchLimits): Promise<Fetched[]> {
    const { maxBytes, maxWaitMs, signal } = limits;
    const asked = positions.map((position) => {
      const skip = this.#skips.get(keyOf(position));
      return skip?.offset === position.offset
        ? { ...position, from: skip.next }
        : { ...position, from: position.offset };
    });
    const byTopic = Map.groupBy(asked, ({ topic }) => topic);
    const topics: fetchV17.FetchRequestTopic[] = await Promise.all(
      [...byTopic].map(async ([topic, partitions]) => ({
        topicId: (await this.#cluster.topic(topic)).id,
        partitions: partitions.map(({ partition, from }) => ({
          partition,
          currentLeaderEpoch: -1,
          fetchOffset: BigInt(from),
          lastFetchedEpoch: -1,
          partitionMaxBytes: maxBytes,
        })),
      })),
    );
    const asking = this.#cluster.askNode(
      leader,
      fetchApi,
      [maxWaitMs, 1, maxBytes, READ_COMMITTED, NO_SESSION.id, NO_SESSION.epoch, topics, [], ''],
      { timeoutMs: maxWaitMs + this.#cluster.requestTimeoutMs, ...(signal && { signal }) },
    );
    const response = await asking.catch((cause: unknown) => {
      if (!isKitError(cause) || cause.details.unreadable !== true) throw cause;
      const where = positions.map(({ topic, partition, offset }) => `${topic}-${partition} from ${offset}`).join(', ');
      throw new KitError('CORRUPT_BATCH', `a batch cannot be read: ${where}`, { cause, details: { positions } });
    });
    if (response.errorCode !== 0) throw refusal(response.errorCode, 'fetch');
    const positionOf = new Map(positions.map((position) => [keyOf(position), position]));
    return response.responses.flatMap(({ topicId, partitions }) => {
      const topic = this.#cluster.nameOf(topicId);
      if (topic === undefined) return [];
      return partitions.flatMap((answer) => {
        const at = { topic, partition: answer.partitionIndex };
        const position = positionOf.get(keyOf(at));
        return position === undefined ? [] : [{ ...at, answer, position }];
      });
    });
  }

  #decode({ topic, partition, answer, position }: Fetched): PartitionBatch {
    const key = keyOf(position);
    const { records, nextOffset } = decodeBatches(
      { topic, partition },
      answer.records ?? [],
      position.offset,
      answer.abortedTransactions ?? [],
    );
    if (records.length > 0) this.#skips.delete(key);
    else if (nextOffset !== undefined) this.#skips.set(key, { offset: position.offset, next: nextOffset });
    return { topic, partition, records, highWatermark: Number(answer.lastStableOffset) };
  }

  async listOffsets(queries: readonly OffsetQuery[]): Promise<number[]> {
    const offsets = await this.#cluster.persist(() => this.#listOnce(queries));
    const afterAll = queries.filter((_, index) => offsets[index] === NONE);
    if (afterAll.length === 0) return offsets;
    const ends = await this.listOffsets(afterAll.map((query) => ({ ...query, at: 'latest' as const })));
    return offsets.map((offset) => (offset === NONE ? ends.shift()! : offset));
  }

  /** Queries of one leader travel together; several of one partition, which a request may not hold, one after the other. */
  async #listOnce(queries: readonly OffsetQuery[]): Promise<number[]> {
    const seen = new Map<string, number>();
    const asked = await Promise.all(
      queries.map(async (query, index) => {
        const nth = seen.get(keyOf(query)) ?? 0;
        seen.set(keyOf(query), nth + 1);
        return { query, index, leader: await this.#cluster.leader(query), nth };
      }),
    );
    const offsets: number[] = [];
    await Promise.all(
      [...Map.groupBy(asked, ({ leader, nth }) => `${leader}/${nth}`).values()].map(async (together) => {
        const byTopic = Map.groupBy(together, ({ query }) => query.topic);
        const topics = [...byTopic].map(([name, partitions]) => ({
          name,
          partitions: partitions.map(({ query: { partition, at } }) => ({
            partitionIndex: partition,
            currentLeaderEpoch: -1,
            timestamp: at === 'earliest' ? EARLIEST : at === 'latest' ? LATEST : BigInt(at),
          })),
        }));
        const { leader } = together[0]!;
        const response = await this.#cluster.askNode(leader, listOffsetsV9.api, [-1, READ_COMMITTED, topics]);
        for (const { query, index } of together) {
          const answer = response.topics
            .find(({ name }) => name === query.topic)
            ?.partitions.find(({ partitionIndex }) => partitionIndex === query.partition);
          const errorCode = answer?.errorCode ?? NO_ANSWER;
          if (errorCode !== 0) throw this.#failure(query, errorCode);
          offsets[index] = Number(answer!.offset);
        }
      }),
    );
    return offsets;
  }

  /** The base offset of the batch that this producer wrote with this sequence, at `fromOffset` or later. */
  async findBatch(at: TopicPartition, stamp: ProducerStamp, fromOffset: number): Promise<number | undefined> {
    const [earliest] = await this.listOffsets([{ ...at, at: 'earliest' }]);
    for (let offset = Math.max(fromOffset, earliest!); ; ) {
      const leader = await this.#cluster.leader(at);
      const [fetched] = await this.#fetch(leader, [{ ...at, offset }], { maxBytes: DEFAULT_READ_BYTES, maxWaitMs: 0 });
      const batches = fetched?.answer.records ?? [];
      const found = batches.find(
        ({ producerId, firstSequence }) => producerId === stamp.producerId && firstSequence === stamp.firstSequence,
      );
      if (found !== undefined) return Number(found.firstOffset);
      const last = batches.at(-1);
      if (last === undefined) return undefined;
      offset = Number(last.firstOffset) + last.lastOffsetDelta + 1;
    }
  }

  /** Refusals of one partition; a leader that has moved is forgotten, so that the next attempt asks the new one. */
  #failure({ topic, partition }: TopicPartition, errorCode: number): KitError {
    const what = `read ${topic}-${partition}`;
    if (!isStaleLeader(errorCode)) return refusal(errorCode, what, { topic, partition });
    this.#cluster.forget(topic);
    return unavailable(`${what}: ${errorName(errorCode)}`, { details: { topic, partition } });
  }

  async #outOfRange({ topic, partition, offset }: FetchPosition): Promise<KitError> {
    const [earliest, latest] = await this.listOffsets([
      { topic, partition, at: 'earliest' },
      { topic, partition, at: 'latest' },
    ]);
    const held = earliest === latest ? 'is empty' : `holds offsets ${earliest} to ${latest! - 1}`;
    return new KitError('OFFSET_OUT_OF_RANGE', `${topic}-${partition} ${held}; ${offset} is outside`, {
      details: { topic, partition, offset, earliest, latest },
    });
  }
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}:${partition}`;
}

function signalOf({ signal }: ReadRequest): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}
