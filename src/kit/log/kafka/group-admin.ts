import {
  type API,
  consumerGroupDescribeV0,
  deleteGroupsV2,
  describeGroupsV5,
  findCoordinatorV4,
  listGroupsV4,
  listGroupsV5,
  offsetDeleteV0,
} from '@platformatic/kafka';
import { KitError } from '../../errors.ts';
import type { PartitionOffset, TopicPartition } from '../event-log.ts';
import type { GroupDescription, GroupListing } from '../log-admin.ts';
import type { ClusterView } from './cluster-view.ts';
import { errorName, refusal, unavailable } from './errors.ts';
import { classicGroup, consumerGroup } from './group-descriptions.ts';
import { KafkaGroupTransport } from './group-transport.ts';
import { offeredVersion } from './offered-version.ts';

const GROUP_KEY = 0;
const LIST_GROUPS = 16;
const CONSUMER_GROUP_DESCRIBE = 69;
/** What DescribeGroups calls a group that it does not know, and one of the newer protocol. */
const DEAD = 'Dead';

/**
 * Groups as their coordinators know them. Versions: FindCoordinator 4, ListGroups 5 or 4, DescribeGroups 5, ConsumerGroupDescribe 0
 * (KIP-848, where the broker has it), DeleteGroups 2, OffsetDelete 0, OffsetFetch 9.
 */
export class GroupAdmin {
  readonly #cluster: ClusterView;
  readonly #transport: KafkaGroupTransport;

  constructor(cluster: ClusterView) {
    this.#cluster = cluster;
    this.#transport = new KafkaGroupTransport(cluster);
  }

  async list(): Promise<GroupListing[]> {
    await this.#cluster.metadata([]);
    const lists = await Promise.all([...this.#cluster.nodes().keys()].map((node) => this.#listAt(node)));
    return lists.flat().sort((a, b) => (a.groupId < b.groupId ? -1 : 1));
  }

  async describe(groupId: string): Promise<GroupDescription> {
    return this.#cluster.persist(async () => {
      const coordinator = await this.#coordinatorOf(groupId);
      const found =
        (await this.#describeClassic(groupId, coordinator)) ?? (await this.#describeConsumer(groupId, coordinator));
      if (found !== null) return found;
      const listed = (await this.#listAt(coordinator)).find((group) => group.groupId === groupId);
      if (listed === undefined) throw unknownGroup(groupId);
      const { type } = listed;
      throw new KitError(
        'GROUP_TYPE_UNSUPPORTED',
        `${groupId} is a group of type ${type}, which is not described here`,
        {
          details: { groupId, type },
        },
      );
    });
  }

  committed(groupId: string): Promise<PartitionOffset[]> {
    return this.#transport.committed(groupId);
  }

  async delete(groupId: string): Promise<void> {
    const { results } = await this.#ask(groupId, deleteGroupsV2.api, [[groupId]]);
    const errorCode = results[0]?.errorCode ?? 0;
    if (errorCode !== 0) throw refusal(errorCode, `delete group ${groupId}`, { groupId });
  }

  async deleteOffsets(groupId: string, partitions: readonly TopicPartition[]): Promise<void> {
    const topics = [...Map.groupBy(partitions, ({ topic }) => topic)].map(([name, of]) => ({
      name,
      partitions: of.map(({ partition }) => ({ partitionIndex: partition })),
    }));
    const answer = await this.#ask(groupId, offsetDeleteV0.api, [groupId, topics]);
    const what = `delete offsets of group ${groupId}`;
    if (answer.errorCode !== 0) throw refusal(answer.errorCode, what, { groupId });
    for (const { name, partitions: outcomes } of answer.topics) {
      const refused = outcomes.find(({ errorCode }) => errorCode !== 0);
      if (refused === undefined) continue;
      const at = { topic: name, partition: refused.partitionIndex };
      throw refusal(refused.errorCode, `${what} in ${at.topic}-${at.partition}`, { groupId, ...at });
    }
  }

  async #listAt(node: number): Promise<GroupListing[]> {
    const api = (await offeredVersion(this.#cluster, node, LIST_GROUPS)) >= 5 ? listGroupsV5.api : listGroupsV4.api;
    return this.#cluster.persist(async () => {
      const { errorCode, groups } = await this.#cluster.askNode(node, api, [[], []]);
      if (errorCode !== 0) throw refusal(errorCode, 'list groups');
      return groups.map(({ groupId, protocolType, groupState, groupType = '' }) => ({
        groupId,
        protocolType,
        state: groupState,
        type: groupType.toLowerCase(),
      }));
    });
  }

  async #describeClassic(groupId: string, coordinator: number): Promise<GroupDescription | null> {
    const { groups } = await this.#cluster.askNode(coordinator, describeGroupsV5.api, [[groupId], false]);
    const [group] = groups;
    if (group === undefined) throw unavailable(`no answer about the group ${groupId}`);
    const { errorCode, groupState: state } = group;
    if (errorName(errorCode) === 'GROUP_ID_NOT_FOUND' || state === DEAD) return null;
    if (errorCode !== 0) throw refusal(errorCode, `describe group ${groupId}`, { groupId });
    return classicGroup(group, coordinator);
  }

  async #describeConsumer(groupId: string, coordinator: number): Promise<GroupDescription | null> {
    if ((await offeredVersion(this.#cluster, coordinator, CONSUMER_GROUP_DESCRIBE)) < 0) return null;
    const { groups } = await this.#cluster.askNode(coordinator, consumerGroupDescribeV0.api, [[groupId], false]);
    const [group] = groups;
    if (group === undefined || errorName(group.errorCode) === 'GROUP_ID_NOT_FOUND') return null;
    if (group.errorCode !== 0) throw refusal(group.errorCode, `describe group ${groupId}`, { groupId });
    return consumerGroup(group, coordinator);
  }

  /** To the group's coordinator, which may move while it is asked. */
  #ask<A extends unknown[], R>(groupId: string, api: API<A, R>, args: A): Promise<R> {
    return this.#cluster.persist(async () => this.#cluster.askNode(await this.#coordinatorOf(groupId), api, args));
  }

  async #coordinatorOf(groupId: string): Promise<number> {
    return this.#cluster.persist(async () => {
      const { coordinators } = await this.#cluster.askFirst(findCoordinatorV4.api, [GROUP_KEY, [groupId]]);
      const [found] = coordinators;
      if (found === undefined) throw unavailable(`no coordinator for the group ${groupId}`);
      if (found.errorCode !== 0) throw refusal(found.errorCode, `find the coordinator of ${groupId}`, { groupId });
      if (!this.#cluster.nodes().has(found.nodeId)) await this.#cluster.metadata([]);
      return found.nodeId;
    });
  }
}

function unknownGroup(groupId: string): KitError {
  return new KitError('UNKNOWN_GROUP', `Consumer group '${groupId}' does not exist.`, { details: { groupId } });
}
