import { initProducerIdV4 } from '@platformatic/kafka';
import { isKitError, KitError } from '../../errors.ts';
import type { AppendBatch, AppendResult, TopicPartition } from '../event-log.ts';
import { encodeRecordBatch, type ProducerStamp } from '../record-encoder.ts';
import type { ClusterView } from './cluster-view.ts';
import { errorName, isBrokenSequence, isStaleLeader, mayBeStored, refusal, unavailable } from './errors.ts';
import { ProduceLink, type ProducePartition } from './produce-link.ts';

type Identity = Omit<ProducerStamp, 'firstSequence'>;

/** A batch as it was first sent. It is sent like this, and only like this, until its fate is known. */
interface Sent {
  readonly bytes: Buffer;
  readonly stamp: ProducerStamp;
  /** An earlier attempt may have put it into the log. */
  maybeStored: boolean;
}

/** What the broker expects next of this partition; `unresolved` may or may not have used that up. */
interface Lane {
  identity: Identity | null;
  nextSequence: number;
  /** Where an acknowledged batch ended last: nothing of ours that is looked for lies before. */
  endOffset: number;
  unresolved: AppendBatch | null;
  busy: boolean;
}

/** What appending needs of the cluster. */
export type ProducerCluster = Pick<
  ClusterView,
  'requestTimeoutMs' | 'clock' | 'leader' | 'forget' | 'refresh' | 'pause' | 'persist' | 'askAny' | 'askNode'
>;

/** Finds a batch of ours that the broker says it has already; undefined where it is not in the log any more. */
export type FindBatch = (at: TopicPartition, stamp: ProducerStamp, fromOffset: number) => Promise<number | undefined>;

/** How often one attempt asks again who leads: a leader may have moved, or not have heard yet that it is one. */
const MAX_HOPS = 5;
const MAX_SEQUENCE = 2 ** 31 - 1;

/**
 * Appends with acks=all, idempotent (KIP-98): every batch carries a producer id and a sequence, and a batch appended again
 * is sent as the same bytes, so that a broker which has it already does not store it twice. A batch that is given up while
 * its fate is open (its sequence used or not, nobody knows) makes the lane go on under a fresh producer id.
 */
export class Producer {
  readonly #cluster: ProducerCluster;
  readonly #findBatch: FindBatch;
  readonly #links = new Map<number, ProduceLink>();
  readonly #lanes = new Map<string, Lane>();
  readonly #sent = new WeakMap<AppendBatch, Sent>();
  readonly #results = new WeakMap<AppendBatch, AppendResult>();
  /** One id serves all lanes: sequences are counted per partition. */
  #shared: Promise<Identity> | null = null;

  constructor(cluster: ProducerCluster, findBatch: FindBatch) {
    this.#cluster = cluster;
    this.#findBatch = findBatch;
  }

  async append(batch: AppendBatch): Promise<AppendResult> {
    if (batch.records.length === 0) throw new KitError('EMPTY_BATCH', 'a batch has at least one record');
    const earlier = this.#results.get(batch);
    if (earlier !== undefined) return earlier;
    const lane = this.#lane(batch);
    if (lane.busy) {
      throw new KitError('APPEND_OVERLAP', `an append to ${batch.topic}-${batch.partition} is under way already`, {
        details: { topic: batch.topic, partition: batch.partition },
      });
    }
    lane.busy = true;
    try {
      const result = { baseOffset: await this.#append(lane, batch) };
      this.#results.set(batch, result);
      return result;
    } catch (error) {
      throw this.#outcome(lane, batch, error);
    } finally {
      lane.busy = false;
    }
  }

  async #append(lane: Lane, batch: AppendBatch): Promise<number> {
    let restarted = false;
    for (let hop = 0; ; hop++) {
      const leader = await this.#cluster.leader(batch);
      const sent = this.#sent.get(batch) ?? (await this.#encode(lane, batch));
      const answer = await this.#send(leader, batch, sent);
      const { errorCode } = answer;
      if (errorCode === 0) return this.#stored(lane, batch, sent, Number(answer.baseOffset));
      if (errorName(errorCode) === 'DUPLICATE_SEQUENCE_NUMBER') {
        const baseOffset = await this.#findBatch(batch, sent.stamp, lane.endOffset);
        if (baseOffset !== undefined) return this.#stored(lane, batch, sent, baseOffset);
      }
      sent.maybeStored ||= mayBeStored(errorCode);
      if (isBrokenSequence(errorCode) && !restarted) {
        // The batch is not in the log, or the broker would have known it for a duplicate.
        restarted = true;
        this.#sent.delete(batch);
        lane.identity = null;
        this.#shared = null;
        continue;
      }
      if (isStaleLeader(errorCode) && hop < MAX_HOPS) {
        this.#cluster.forget(batch.topic);
        if ((await this.#cluster.leader(batch)) === leader) await this.#cluster.pause();
        continue;
      }
      throw this.#refusal(answer, batch);
    }
  }

  async #send(leader: number, batch: AppendBatch, sent: Sent): Promise<ProducePartition> {
    let link = this.#links.get(leader);
    if (link === undefined) {
      link = new ProduceLink(this.#cluster, leader);
      this.#links.set(leader, link);
    }
    try {
      return await link.send(batch, sent.bytes);
    } catch (error) {
      if (isKitError(error) && error.details.sent === true) sent.maybeStored = true;
      throw error;
    }
  }

  async #encode(lane: Lane, batch: AppendBatch): Promise<Sent> {
    if (lane.unresolved !== null || lane.nextSequence + batch.records.length > MAX_SEQUENCE) {
      lane.identity = await this.#freshIdentity();
      lane.nextSequence = 0;
      lane.unresolved = null;
    }
    if (lane.identity === null) {
      lane.identity = await this.#sharedIdentity();
      lane.nextSequence = 0;
    }
    const stamp = { ...lane.identity, firstSequence: lane.nextSequence };
    const sent = { bytes: encodeRecordBatch(batch.records, stamp), stamp, maybeStored: false };
    this.#sent.set(batch, sent);
    return sent;
  }

  #stored(lane: Lane, batch: AppendBatch, { stamp }: Sent, baseOffset: number): number {
    this.#sent.delete(batch);
    // A batch retried after the lane had moved on has an id of its own; the lane's count is not touched by it.
    if (stamp.producerId === lane.identity?.producerId) {
      lane.nextSequence = stamp.firstSequence + batch.records.length;
      lane.unresolved = null;
    }
    lane.endOffset = Math.max(lane.endOffset, baseOffset + batch.records.length);
    return baseOffset;
  }

  /** What to tell the caller of a failure, and whether the batch keeps its sequence. */
  #outcome(lane: Lane, batch: AppendBatch, error: unknown): unknown {
    const maybeStored = this.#sent.get(batch)?.maybeStored ?? false;
    if (maybeStored) lane.unresolved = batch;
    // Its sequence is still free, and the next batch will take it.
    else this.#sent.delete(batch);
    if (!isKitError(error)) return error;
    const { topic, partition } = batch;
    return new KitError(error.code, error.message, {
      cause: error,
      retriable: error.retriable,
      details: { ...error.details, topic, partition, maybeStored },
    });
  }

  #refusal({ errorCode, errorMessage, recordErrors }: ProducePartition, batch: AppendBatch): KitError {
    const { topic, partition, records } = batch;
    const what = `append to ${topic}-${partition}`;
    switch (errorName(errorCode)) {
      case 'MESSAGE_TOO_LARGE':
      case 'RECORD_LIST_TOO_LARGE':
        return records.length === 1
          ? new KitError('RECORD_TOO_LARGE', `${what}: the record is larger than the topic takes`)
          : new KitError(
              'BATCH_TOO_LARGE',
              `${what}: ${records.length} records are larger than the topic takes at once`,
            );
      case 'REQUEST_TIMED_OUT':
        return new KitError('APPEND_TIMEOUT', `${what}: not all in-sync replicas acknowledged in time`, {
          retriable: true,
        });
      case 'INVALID_RECORD':
      case 'INVALID_TIMESTAMP':
        return new KitError('INVALID_RECORD', `${what}: ${errorMessage ?? errorName(errorCode)}`, {
          details: { records: recordErrors.map(({ batchIndex }) => batchIndex) },
        });
      default:
        // A partition that its leader does not know (yet) is no unknown topic: metadata has it.
        return isStaleLeader(errorCode) ? unavailable(`${what}: ${errorName(errorCode)}`) : refusal(errorCode, what);
    }
  }

  #lane({ topic, partition }: TopicPartition): Lane {
    const key = `${topic}:${partition}`;
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      lane = { identity: null, nextSequence: 0, endOffset: 0, unresolved: null, busy: false };
      this.#lanes.set(key, lane);
    }
    return lane;
  }

  #sharedIdentity(): Promise<Identity> {
    this.#shared ??= this.#freshIdentity().catch((error) => {
      this.#shared = null;
      throw error;
    });
    return this.#shared;
  }

  /** A cluster that has just started has none to give yet. */
  #freshIdentity(): Promise<Identity> {
    return this.#cluster.persist(async () => {
      const { errorCode, producerId, producerEpoch } = await this.#cluster.askAny(initProducerIdV4.api, [null, 0]);
      if (errorCode !== 0) throw refusal(errorCode, 'producer id');
      return { producerId, producerEpoch };
    });
  }
}
