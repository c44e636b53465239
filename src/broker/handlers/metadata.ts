import { isKitError } from '../../kit/errors.ts';
import { NODE_ID } from '../../kit/log/embedded/log-reader.ts';
import type { StoredTopic } from '../../kit/log/embedded/log-store.ts';
import { checkTopicName } from '../../kit/log/embedded/topic-rules.ts';
import { CLUSTER_OPERATIONS, TOPIC_OPERATIONS } from '../authorized-operations.ts';
import { type Broker, handler } from '../handler.ts';
import { ERROR, errorCodeOf } from '../protocol/error-codes.ts';
import { NO_UUID, type RequestOf, type ResponseOf } from '../protocol/layout.ts';
import { metadata as api } from '../protocol/messages/metadata.ts';

type Request = RequestOf<typeof api>;
type TopicMetadata = ResponseOf<typeof api>['topics'][number];

/** The log has never had another leader than this one broker. */
export const LEADER_EPOCH = 0;

export const metadata = handler(api, async (request, { version }, broker) => {
  const { store, host, port } = broker;
  const asked = request.topics;
  // Version 0 cannot say null.
  const everything = asked === null || (version === 0 && asked.length === 0);
  const topics = everything
    ? store.topics().map(found)
    : await Promise.all(once(asked).map((one) => look(one, request, broker)));
  const { includeTopicAuthorizedOperations, includeClusterAuthorizedOperations } = request;
  return {
    brokers: [{ nodeId: NODE_ID, host, port }],
    clusterId: store.clusterId,
    controllerId: NODE_ID,
    topics: includeTopicAuthorizedOperations
      ? topics.map((topic) => (topic.name === null ? topic : { ...topic, topicAuthorizedOperations: TOPIC_OPERATIONS }))
      : topics,
    ...(includeClusterAuthorizedOperations ? { clusterAuthorizedOperations: CLUSTER_OPERATIONS } : {}),
  };
});

type AskedTopic = NonNullable<Request['topics']>[number];

/** Whatever is asked many times is answered once, or a small request could make a response without end. */
function once(asked: readonly AskedTopic[]): AskedTopic[] {
  return [...new Map(asked.map((one) => [`${one.name} ${one.topicId}`, one])).values()];
}

async function look({ name, topicId }: AskedTopic, request: Request, broker: Broker): Promise<TopicMetadata> {
  const { store } = broker;
  try {
    if (name === null) return found(store.topicById(topicId));
    checkTopicName(name);
    if (request.allowAutoTopicCreation) await createIfMissing(name, broker);
    return found(store.topic(name));
  } catch (error) {
    return { errorCode: errorCodeOf(error), name, topicId: name === null ? topicId : NO_UUID, partitions: [] };
  }
}

async function createIfMissing(name: string, { store, settings }: Broker): Promise<void> {
  if (!settings.autoCreateTopics || store.hasTopic(name)) return;
  try {
    await store.createTopics([{ name, partitions: settings.defaultPartitions }]);
  } catch (error) {
    if (!isKitError(error, 'TOPIC_EXISTS')) throw error;
  }
}

function found({ name, uuid, partitions }: StoredTopic): TopicMetadata {
  return {
    errorCode: ERROR.NONE,
    name,
    topicId: uuid,
    partitions: Array.from({ length: partitions }, (_, partitionIndex) => ({
      errorCode: ERROR.NONE,
      partitionIndex,
      leaderId: NODE_ID,
      leaderEpoch: LEADER_EPOCH,
      replicaNodes: [NODE_ID],
      isrNodes: [NODE_ID],
    })),
  };
}
