import type { TopicPartition } from '../../kit/log/event-log.ts';
import { type Broker, handler } from '../handler.ts';
import { ERROR, errorCodeOf } from '../protocol/error-codes.ts';
import type { RequestOf, ResponseOf } from '../protocol/layout.ts';
import { fetch as api } from '../protocol/messages/fetch.ts';
import { LEADER_EPOCH } from './metadata.ts';

type Request = RequestOf<typeof api>;
type AskedTopic = Request['topics'][number];
type AskedPartition = AskedTopic['partitions'][number];
type PartitionAnswer = ResponseOf<typeof api>['responses'][number]['partitions'][number];

const READ_COMMITTED = 1;

/**
 * Fetch sessions (KIP-227) are not offered: the session id 0 in the answer tells a client to name its partitions every
 * time, as the proposal provides for.
 */
export const fetch = handler(api, async (request, { version, signal }, broker) => {
  const { sessionId, maxWaitMs, minBytes } = request;
  if (sessionId !== 0) return { errorCode: ERROR.FETCH_SESSION_ID_NOT_FOUND, responses: [] };
  const deadline = performance.now() + maxWaitMs;
  for (;;) {
    const gathered = gather(request, version, broker);
    const leftMs = deadline - performance.now();
    if (gathered.bytes >= minBytes || gathered.failed || gathered.ends.length === 0 || leftMs <= 0 || signal.aborted) {
      return { errorCode: ERROR.NONE, responses: gathered.responses };
    }
    await broker.store.grown(gathered.ends, leftMs, signal);
  }
});

interface Gathered {
  readonly responses: ResponseOf<typeof api>['responses'];
  readonly bytes: number;
  /** Something is wrong somewhere, which the client should hear of at once. */
  readonly failed: boolean;
  /** Where each partition ended when it was looked at. */
  readonly ends: readonly (TopicPartition & { readonly offset: number })[];
}

function gather(request: Request, version: number, broker: Broker): Gathered {
  let bytes = 0;
  let failed = false;
  const ends: (TopicPartition & { offset: number })[] = [];
  const limit = Math.min(request.maxBytes, broker.fetchBytes());
  const responses = request.topics.map((topic) => ({
    topic: topic.topic,
    topicId: topic.topicId,
    partitions: topic.partitions.map((partition): PartitionAnswer => {
      try {
        const at = { topic: nameOf(topic, version, broker), partition: partition.partition };
        const answer = read(at, partition, { request, version, broker, freeBytes: limit - bytes, first: bytes === 0 });
        bytes += answer.bytes;
        ends.push({ ...at, offset: answer.highWatermark });
        failed ||= answer.errorCode !== ERROR.NONE;
        return answer;
      } catch (error) {
        failed = true;
        const answer = empty(partition.partition, errorCodeOf(error));
        return { ...answer, abortedTransactions: [], highWatermark: -1 };
      }
    }),
  }));
  return { responses, bytes, failed, ends };
}

function nameOf(topic: AskedTopic, version: number, { store }: Broker): string {
  return version >= 13 ? store.topicById(topic.topicId).name : topic.topic;
}

function empty(partitionIndex: number, errorCode: number) {
  return { partitionIndex, errorCode, abortedTransactions: null, records: [] };
}

interface Reading {
  readonly request: Request;
  readonly version: number;
  readonly broker: Broker;
  /** Of the whole answer. */
  readonly freeBytes: number;
  /** The first batch of an answer is given whatever its size, so that readers always get on. */
  readonly first: boolean;
}

function read(at: TopicPartition, asked: AskedPartition, { request, broker, freeBytes, first }: Reading) {
  const { store } = broker;
  const { start, end } = store.offsets(at);
  const known = { highWatermark: end, lastStableOffset: end, logStartOffset: start, bytes: 0 };
  const refuse = (code: number) => ({
    ...empty(at.partition, code),
    ...known,
    highWatermark: -1,
    lastStableOffset: -1,
    logStartOffset: -1,
  });
  if (asked.currentLeaderEpoch > LEADER_EPOCH) return refuse(ERROR.UNKNOWN_LEADER_EPOCH);
  if (asked.fetchOffset < start || asked.fetchOffset > end) return refuse(ERROR.OFFSET_OUT_OF_RANGE);
  const room = Math.min(asked.partitionMaxBytes, freeBytes);
  const found = room > 0 || first ? store.read(at, asked.fetchOffset, room) : [];
  const [batch] = found;
  const batches = batch !== undefined && batch.bytes.length > room && !first ? [] : found;
  return {
    partitionIndex: at.partition,
    errorCode: ERROR.NONE as number,
    ...known,
    bytes: batches.reduce((sum, { bytes }) => sum + bytes.length, 0),
    abortedTransactions: request.isolationLevel === READ_COMMITTED ? [] : null,
    records: batches.map(({ bytes }) => bytes),
  };
}
