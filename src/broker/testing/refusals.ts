/** What a broker answers that refuses a request whole: the same error for each thing asked. */
import type { Api, Fields, RequestOf, ResponseOf } from '../protocol/layout.ts';
import { NO_UUID } from '../protocol/layout.ts';
import { createTopics } from '../protocol/messages/create-topics.ts';
import { deleteTopics } from '../protocol/messages/delete-topics.ts';
import { fetch } from '../protocol/messages/fetch.ts';
import { findCoordinator } from '../protocol/messages/find-coordinator.ts';
import { heartbeat } from '../protocol/messages/heartbeat.ts';
import { initProducerId } from '../protocol/messages/init-producer-id.ts';
import { joinGroup } from '../protocol/messages/join-group.ts';
import { leaveGroup } from '../protocol/messages/leave-group.ts';
import { listOffsets } from '../protocol/messages/list-offsets.ts';
import { offsetCommit } from '../protocol/messages/offset-commit.ts';
import { offsetFetch } from '../protocol/messages/offset-fetch.ts';
import { produce } from '../protocol/messages/produce.ts';
import { syncGroup } from '../protocol/messages/sync-group.ts';

type Refusal = (request: unknown, errorCode: number) => unknown;

function refusal<Request extends Fields, Response extends Fields>(
  api: Api<Request, Response>,
  refuse: (request: RequestOf<Api<Request, Response>>, errorCode: number) => ResponseOf<Api<Request, Response>>,
): [name: string, refuse: Refusal] {
  return [api.name, refuse as Refusal];
}

const NOTHING = Buffer.alloc(0);

/** By the name of the API. What is not here cannot be refused by a fault. */
export const REFUSALS: ReadonlyMap<string, Refusal> = new Map([
  refusal(produce, ({ topicData }, errorCode) => ({
    responses: topicData.map(({ name, topicId, partitionData }) => ({
      name,
      topicId,
      partitionResponses: partitionData.map(({ index }) => ({ index, errorCode, baseOffset: -1 })),
    })),
  })),
  refusal(fetch, ({ topics }, errorCode) => ({
    errorCode: 0,
    responses: topics.map(({ topic, topicId, partitions }) => ({
      topic,
      topicId,
      partitions: partitions.map(({ partition }) => ({
        partitionIndex: partition,
        errorCode,
        highWatermark: -1,
        abortedTransactions: null,
        records: [],
      })),
    })),
  })),
  refusal(listOffsets, ({ topics }, errorCode) => ({
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
    })),
  })),
  refusal(findCoordinator, ({ coordinatorKeys }, errorCode) => ({
    errorCode,
    nodeId: -1,
    host: '',
    port: -1,
    coordinators: coordinatorKeys.map((key) => ({ key, nodeId: -1, host: '', port: -1, errorCode })),
  })),
  refusal(joinGroup, ({ memberId }, errorCode) => ({
    errorCode,
    protocolName: '',
    leader: '',
    memberId,
    members: [],
  })),
  refusal(syncGroup, (_, errorCode) => ({ errorCode, assignment: NOTHING })),
  refusal(heartbeat, (_, errorCode) => ({ errorCode })),
  refusal(leaveGroup, (_, errorCode) => ({ errorCode, members: [] })),
  refusal(offsetCommit, ({ topics }, errorCode) => ({
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
    })),
  })),
  refusal(offsetFetch, ({ groups }, errorCode) => ({
    topics: [],
    errorCode,
    groups: groups.map(({ groupId }) => ({ groupId, topics: [], errorCode })),
  })),
  refusal(initProducerId, (_, errorCode) => ({ errorCode, producerEpoch: -1 })),
  refusal(createTopics, ({ topics }, errorCode) => ({ topics: topics.map(({ name }) => ({ name, errorCode })) })),
  refusal(deleteTopics, ({ topics, topicNames }, errorCode) => ({
    responses: [
      ...topics.map(({ name, topicId }) => ({ name, topicId, errorCode })),
      ...topicNames.map((name) => ({ name, topicId: NO_UUID, errorCode })),
    ],
  })),
]);
