import {
  type API,
  findCoordinatorV4,
  heartbeatV4,
  joinGroupV9,
  leaveGroupV5,
  offsetCommitV9,
  offsetFetchV9,
  syncGroupV4,
} from '@platformatic/kafka';
import { isKitError, KitError } from '../../errors.ts';
import type { PartitionOffset } from '../event-log.ts';
import type { GroupTransport, JoinRequest, JoinResponse, MemberIdentity } from '../group-transport.ts';
import type { ClusterView } from './cluster-view.ts';
import { errorName, isStaleCoordinator, refusal, unavailable } from './errors.ts';

const GROUP_KEY = 0;
/** A commit or a look from outside has no generation. */
const NO_GENERATION = -1;
const UNKNOWN_EPOCH = -1;

/** Kafka's group coordinators: which broker is one is asked for, remembered per group, and forgotten when it proves wrong. */
export class KafkaGroupTransport implements GroupTransport {
  readonly #cluster: ClusterView;
  readonly #coordinators = new Map<string, number>();
  /** How long a member waits for the others, by group: the answers to join and sync come that late. */
  readonly #patienceMs = new Map<string, number>();

  constructor(cluster: ClusterView) {
    this.#cluster = cluster;
  }

  async join(request: JoinRequest): Promise<JoinResponse> {
    const { groupId, memberId, sessionTimeoutMs, rebalanceTimeoutMs, protocolType, protocols } = request;
    this.#patienceMs.set(groupId, rebalanceTimeoutMs);
    const response = await this.#ask(
      groupId,
      joinGroupV9.api,
      [groupId, sessionTimeoutMs, rebalanceTimeoutMs, memberId, null, protocolType, [...protocols], null],
      rebalanceTimeoutMs,
    );
    this.#check(groupId, response.errorCode, 'join', { memberId: response.memberId });
    return {
      generation: response.generationId,
      memberId: response.memberId,
      leaderId: response.leader,
      protocolName: response.protocolName ?? '',
      members: response.members.map(({ memberId, metadata }) => ({ memberId, metadata })),
    };
  }

  async sync(
    { groupId, generation, memberId }: MemberIdentity,
    assignments: readonly { readonly memberId: string; readonly assignment: Buffer }[],
  ): Promise<Buffer> {
    const response = await this.#ask(
      groupId,
      syncGroupV4.api,
      [groupId, generation, memberId, null, null, null, [...assignments]],
      this.#patienceMs.get(groupId) ?? 0,
    );
    this.#check(groupId, response.errorCode, 'sync', { memberId });
    return response.assignment;
  }

  async heartbeat({ groupId, generation, memberId }: MemberIdentity): Promise<void> {
    const { errorCode } = await this.#ask(groupId, heartbeatV4.api, [groupId, generation, memberId, null]);
    this.#check(groupId, errorCode, 'heartbeat', { memberId });
  }

  async leave({ groupId, memberId }: MemberIdentity): Promise<void> {
    const { errorCode, members } = await this.#ask(groupId, leaveGroupV5.api, [groupId, [{ memberId }]]);
    this.#check(groupId, errorCode || (members[0]?.errorCode ?? 0), 'leave', { memberId });
  }

  async commit({ groupId, generation, memberId }: MemberIdentity, offsets: readonly PartitionOffset[]): Promise<void> {
    const topics = [...Map.groupBy(offsets, ({ topic }) => topic)].map(([name, partitions]) => ({
      name,
      partitions: partitions.map(({ partition, offset }) => ({
        partitionIndex: partition,
        committedOffset: BigInt(offset),
        committedLeaderEpoch: UNKNOWN_EPOCH,
        committedMetadata: '',
      })),
    }));
    const response = await this.#ask(groupId, offsetCommitV9.api, [groupId, generation, memberId, null, topics]);
    for (const { name, partitions } of response.topics) {
      for (const { partitionIndex, errorCode } of partitions) {
        if (generation === NO_GENERATION && errorName(errorCode) === 'UNKNOWN_MEMBER_ID') {
          throw new KitError('GROUP_ACTIVE', `the group ${groupId} has members; its offsets are theirs to commit`, {
            details: { groupId },
          });
        }
        this.#check(groupId, errorCode, 'commit', { topic: name, partition: partitionIndex, memberId });
      }
    }
  }

  async committed(groupId: string): Promise<PartitionOffset[]> {
    return this.#cluster.persist(async () => {
      const group = { groupId, memberId: null, memberEpoch: NO_GENERATION, topics: null };
      const response = await this.#ask(groupId, offsetFetchV9.api, [[group], false]);
      const answer = response.groups[0];
      if (answer === undefined) throw unavailable(`no answer for the group ${groupId}`);
      this.#check(groupId, answer.errorCode, 'committed offsets');
      return answer.topics.flatMap(({ name, partitions }) =>
        partitions.flatMap(({ partitionIndex, committedOffset, errorCode }) => {
          this.#check(groupId, errorCode, 'committed offsets', { topic: name, partition: partitionIndex });
          const offset = Number(committedOffset);
          return offset < 0 ? [] : [{ topic: name, partition: partitionIndex, offset }];
        }),
      );
    });
  }

  async #ask<A extends unknown[], R>(groupId: string, api: API<A, R>, args: A, patienceMs = 0): Promise<R> {
    const node = this.#coordinators.get(groupId) ?? (await this.#cluster.persist(() => this.#findCoordinator(groupId)));
    const watch = patienceMs > 0 ? this.#watch(groupId, node) : undefined;
    try {
      const timeoutMs = patienceMs + this.#cluster.requestTimeoutMs;
      return await this.#cluster.askNode(node, api, args, { timeoutMs, ...(watch && { signal: watch.moved }) });
    } catch (error) {
      if (isKitError(error, 'LOG_UNAVAILABLE') && this.#coordinators.get(groupId) === node) {
        this.#coordinators.delete(groupId);
      }
      throw error;
    } finally {
      watch?.stop();
    }
  }

  /** A coordinator that hangs would be waited for as long as a slow member: whether it still is one, the others know. */
  #watch(groupId: string, node: number): { moved: AbortSignal; stop(): void } {
    const moved = new AbortController();
    let cancel = (): void => {};
    const look = async (): Promise<void> => {
      const now = await this.#findCoordinator(groupId).catch(() => node);
      if (now !== node) moved.abort(unavailable(`the group ${groupId} has moved to broker ${now}`));
    };
    const lookLater = (): void => {
      cancel = this.#cluster.clock.after(
        this.#cluster.requestTimeoutMs,
        () => void look().then(() => moved.signal.aborted || lookLater()),
      );
    };
    lookLater();
    return {
      moved: moved.signal,
      stop: () => {
        moved.abort();
        cancel();
      },
    };
  }

  async #findCoordinator(groupId: string): Promise<number> {
    const { coordinators } = await this.#cluster.askFirst(findCoordinatorV4.api, [GROUP_KEY, [groupId]]);
    const found = coordinators[0];
    if (found === undefined) throw unavailable(`no coordinator for the group ${groupId}`);
    this.#check(groupId, found.errorCode, 'find coordinator');
    // The answer names an address too, but links go by node, as everything else.
    if (!this.#cluster.nodes().has(found.nodeId)) await this.#cluster.metadata([]);
    this.#coordinators.set(groupId, found.nodeId);
    return found.nodeId;
  }

  #check(groupId: string, errorCode: number, what: string, details: Record<string, unknown> = {}): void {
    if (errorCode === 0) return;
    if (isStaleCoordinator(errorCode)) this.#coordinators.delete(groupId);
    throw refusal(errorCode, `group ${groupId}: ${what}`, { groupId, ...details });
  }
}
