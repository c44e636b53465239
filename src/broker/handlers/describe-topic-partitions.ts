import { NODE_ID } from '../../kit/log/embedded/log-reader.ts';
import { checkTopicName } from '../../kit/log/embedded/topic-rules.ts';
import { TOPIC_OPERATIONS } from '../authorized-operations.ts';
import { handler } from '../handler.ts';
import { ERROR, errorCodeOf } from '../protocol/error-codes.ts';
import type { ResponseOf } from '../protocol/layout.ts';
import { describeTopicPartitions as api } from '../protocol/messages/describe-topic-partitions.ts';
import { LEADER_EPOCH } from './metadata.ts';

type Response = ResponseOf<typeof api>;

/** KIP-966: topics in the order of their names, so many partitions at a time, and where to go on. */
const MAX_PARTITIONS = 2_000;

export const describeTopicPartitions = handler(api, (request, _asking, { store }) => {
  const { cursor } = request;
  const asked = request.topics.length === 0 ? store.topics() : request.topics;
  const names = [...new Set(asked.map(({ name }) => name))].sort();
  const isValid = cursor === null || (cursor.partitionIndex >= 0 && names.includes(cursor.topicName));
  if (!isValid) {
    // Kafka answers so for each topic: the response has no place for an error of its own.
    return { topics: request.topics.map(({ name }) => ({ errorCode: ERROR.INVALID_REQUEST, name, partitions: [] })) };
  }
  const limit = Math.max(1, Math.min(MAX_PARTITIONS, request.responsePartitionLimit));
  const topics: Response['topics'][number][] = [];
  let left = limit;
  for (const name of names) {
    if (cursor !== null && name < cursor.topicName) continue;
    if (left === 0) return { topics, nextCursor: { topicName: name, partitionIndex: 0 } };
    try {
      checkTopicName(name);
      const { uuid, partitions: count } = store.topic(name);
      const from = cursor?.topicName === name ? Math.max(0, cursor.partitionIndex) : 0;
      const to = Math.min(count, from + left);
      const partitions = Array.from({ length: Math.max(0, to - from) }, (_, i) => describePartition(from + i));
      left -= partitions.length;
      const topicAuthorizedOperations = TOPIC_OPERATIONS;
      topics.push({ errorCode: ERROR.NONE, name, topicId: uuid, partitions, topicAuthorizedOperations });
      if (to < count) return { topics, nextCursor: { topicName: name, partitionIndex: to } };
    } catch (error) {
      const topicAuthorizedOperations = TOPIC_OPERATIONS;
      topics.push({ errorCode: errorCodeOf(error), name, partitions: [], topicAuthorizedOperations });
    }
  }
  return { topics };
});

function describePartition(partitionIndex: number) {
  return {
    errorCode: ERROR.NONE,
    partitionIndex,
    leaderId: NODE_ID,
    leaderEpoch: LEADER_EPOCH,
    replicaNodes: [NODE_ID],
    isrNodes: [NODE_ID],
    eligibleLeaderReplicas: [],
    lastKnownElr: [],
  };
}
