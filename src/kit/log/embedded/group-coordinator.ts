/**
 * Kafka's classic group coordinator: the groups of one log and their committed offsets. It serves members in this process
 * and, behind Kafka's protocol, members anywhere. What happens inside a group is `group.ts`.
 */
import type { Clock } from '../../clock.ts';
import { isKitError, KitError } from '../../errors.ts';
import type { PartitionOffset, TopicPartition } from '../event-log.ts';
import type { GroupTransport, JoinRequest, MemberIdentity } from '../group-transport.ts';
import { Group, type GroupRules } from './group.ts';
import { describeMember, type GroupDescription, type GroupListing, subscribedTopics } from './group-description.ts';
import {
  coordinatorClosed,
  groupActive,
  groupLimit,
  groupSubscribed,
  illegalGeneration,
  unknownGroup,
  unknownMember,
} from './group-errors.ts';
import { type Assignment, GroupMemory, type JoinAnswer, type JoinTerms, type SyncIdentity } from './group-member.ts';
import type { Named } from './group-roster.ts';
import type { CommittedOffset, GroupStore, NewOffset, StoredGroup } from './group-store.ts';

export interface CoordinatorOptions {
  readonly store: GroupStore;
  readonly clock: Clock;
  /** How long an empty group waits for more members before its first generation, again for as long as some come. */
  readonly initialRebalanceDelayMs: number;
  readonly minSessionTimeoutMs: number;
  readonly maxSessionTimeoutMs: number;
  /** Of one group. */
  readonly maxMembers: number;
  /** That have members at one time, and that are remembered. Default 10,000. */
  readonly maxGroups?: number;
  /** Of what members say of themselves and are assigned, all groups together. Default 64 MiB. */
  readonly maxMemoryBytes?: number;
  /** How long a group without members, and its offsets, are kept. Default 7 days. */
  readonly offsetsRetentionMs?: number;
}

export interface JoinOptions extends Partial<JoinTerms> {
  /** Instead of the coordinator's own. */
  readonly minSessionTimeoutMs?: number;
}

const CONSUMER = 'consumer';
const EXPIRY_INTERVAL_MS = 600_000;
const WEEK_MS = 7 * 24 * 3_600_000;

export class GroupCoordinator implements GroupTransport {
  readonly #options: Required<CoordinatorOptions>;
  readonly #rules: GroupRules;
  /** Those that somebody is in, or has an id to come with. */
  readonly #live = new Map<string, Group>();
  #nextExpiryAt = 0;
  #closed = false;

  constructor(options: CoordinatorOptions) {
    const { clock, initialRebalanceDelayMs, maxMembers, maxMemoryBytes = 64 * 1024 * 1024 } = options;
    this.#options = { maxGroups: 10_000, offsetsRetentionMs: WEEK_MS, ...options, maxMemoryBytes };
    this.#rules = {
      clock,
      initialRebalanceDelayMs,
      maxMembers,
      memory: new GroupMemory(maxMemoryBytes),
      onGeneration: (group) => this.#save(group),
      onDeserted: (group) => this.#live.delete(group.id),
    };
    this.#ifPossible(() => options.store.restart(this.#now()));
  }

  /**
   * @throws KitError MEMBER_ID_REQUIRED, INVALID_GROUP_ID, INVALID_SESSION_TIMEOUT, UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID,
   *   INCONSISTENT_GROUP_PROTOCOL, GROUP_FULL, GROUP_LIMIT, STORE_UNAVAILABLE, LOG_CLOSED
   */
  async join(request: JoinRequest, options: JoinOptions = {}): Promise<JoinAnswer> {
    const { memberIdRequired = true, canSkipAssignment = false } = options;
    this.#expire();
    this.#checkId(request.groupId);
    this.#checkSession(request, options.minSessionTimeoutMs ?? this.#options.minSessionTimeoutMs);
    const group = this.#found(request);
    // Its part before the first wait is done when this returns.
    const joining = group.join(request, { memberIdRequired, canSkipAssignment });
    if (group.isDeserted) this.#live.delete(group.id);
    return joining;
  }

  async sync(identity: SyncIdentity, assignments: readonly Assignment[]): Promise<Buffer> {
    return this.#groupOf(identity).sync(identity, assignments);
  }

  async heartbeat(identity: MemberIdentity): Promise<void> {
    this.#groupOf(identity).heartbeat(identity);
  }

  async leave(identity: Named & Pick<MemberIdentity, 'groupId'>): Promise<void> {
    const [error] = await this.leaveTogether(identity.groupId, [identity]);
    if (error !== null) throw error;
  }

  /**
   * Static members may be named by their instance id alone. For each member null, or why it could not leave
   * (UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID).
   */
  async leaveTogether(groupId: string, members: readonly Named[]): Promise<unknown[]> {
    this.#checkId(groupId);
    const group = this.#live.get(groupId);
    return group?.leave(members) ?? members.map(({ memberId }) => unknownMember({ groupId, memberId }));
  }

  /**
   * Members commit under their generation. With `generation` -1 anyone may, while the group has no members.
   *
   * @param expiresAfterMs instead of the retention of offsets
   * @throws KitError GROUP_ACTIVE, ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, REBALANCE_IN_PROGRESS, GROUP_LIMIT,
   *   STORE_UNAVAILABLE, LOG_CLOSED
   */
  async commit(
    identity: MemberIdentity,
    offsets: readonly NewOffset[],
    expiresAfterMs: number | null = null,
  ): Promise<void> {
    this.#expire();
    this.#checkCommit(identity);
    if (offsets.length === 0) return;
    const now = this.#now();
    const expiresAt = expiresAfterMs === null ? null : Math.min(now + expiresAfterMs, Number.MAX_SAFE_INTEGER);
    this.#options.store.saveOffsets(identity.groupId, offsets, now, expiresAt);
  }

  async committed(groupId: string): Promise<PartitionOffset[]> {
    const offsets = await this.committedWithMetadata(groupId);
    return offsets
      .filter(({ offset }) => offset >= 0)
      .map(({ topic, partition, offset }) => ({ topic, partition, offset }));
  }

  async committedWithMetadata(groupId: string): Promise<CommittedOffset[]> {
    this.#expire();
    return this.#options.store.offsets(groupId);
  }

  /** Every group that has members or is remembered, ascending by id. */
  list(): GroupListing[] {
    this.#expire();
    const stored = this.#options.store.groups().map((group) => listingOf(group.id, group));
    const live = [...this.#live.keys()].map((id) => this.#listing(id));
    const all = new Map([...stored, ...live].map((listing) => [listing.groupId, listing]));
    return [...all.values()].sort((a, b) => (a.groupId < b.groupId ? -1 : 1));
  }

  /** A group that nobody has heard of is Dead. */
  describe(groupId: string): GroupDescription {
    this.#expire();
    const group = this.#live.get(groupId);
    const generation = group?.generation ?? this.#options.store.group(groupId)?.generation ?? 0;
    const protocolName = group?.state === 'Stable' ? group.protocolName : '';
    const members = (group?.members ?? []).map((member) => describeMember(member, protocolName));
    return { ...this.#listing(groupId), generation, protocolName, members };
  }

  /** With its offsets. @throws KitError UNKNOWN_GROUP, GROUP_ACTIVE, STORE_UNAVAILABLE, LOG_CLOSED */
  deleteGroup(groupId: string): void {
    const { state } = this.#known(groupId);
    if (state !== 'Empty') throw groupActive(groupId);
    this.#options.store.deleteGroup(groupId);
    this.#live.get(groupId)?.close();
    this.#live.delete(groupId);
  }

  /**
   * For each partition null, or why its offset is kept: GROUP_SUBSCRIBED, members read its topic.
   *
   * @throws KitError UNKNOWN_GROUP, INVALID_GROUP_ID, GROUP_ACTIVE (its members are no consumers), STORE_UNAVAILABLE, LOG_CLOSED
   */
  deleteOffsets(groupId: string, partitions: readonly TopicPartition[]): (KitError | null)[] {
    this.#checkId(groupId);
    const { state, protocolType } = this.#known(groupId);
    if (state !== 'Empty' && protocolType !== CONSUMER) throw groupActive(groupId);
    const topics = state === 'Empty' ? new Set<string>() : subscribedTopics(this.#live.get(groupId)!);
    const isSubscribed = ({ topic }: TopicPartition): boolean => topics === null || topics.has(topic);
    const free = partitions.filter((each) => !isSubscribed(each));
    this.#options.store.deleteOffsets(groupId, free);
    return partitions.map((each) => (isSubscribed(each) ? groupSubscribed(groupId, each.topic) : null));
  }

  /** Committed offsets of a topic that is gone. @throws KitError STORE_UNAVAILABLE, LOG_CLOSED */
  forgetTopic(topic: string): void {
    this.#assertOpen();
    this.#options.store.deleteTopic(topic);
  }

  /** Members that wait are told that the coordinator is gone. */
  close(): void {
    this.#closed = true;
    for (const group of this.#live.values()) group.close();
    this.#live.clear();
  }

  #assertOpen(): void {
    if (this.#closed) throw coordinatorClosed();
  }

  #checkId(groupId: string): void {
    this.#assertOpen();
    if (groupId === '') throw new KitError('INVALID_GROUP_ID', 'A group id must not be empty.');
  }

  #checkSession({ sessionTimeoutMs }: JoinRequest, min: number): void {
    const max = this.#options.maxSessionTimeoutMs;
    if (sessionTimeoutMs >= min && sessionTimeoutMs <= max) return;
    const message = `A session timeout is ${min} to ${max} ms, not ${sessionTimeoutMs}.`;
    throw new KitError('INVALID_SESSION_TIMEOUT', message);
  }

  #checkCommit(identity: MemberIdentity): void {
    const { groupId, generation, memberId, groupInstanceId = null } = identity;
    const state = this.#listing(groupId).state;
    const group = this.#live.get(groupId);
    if (generation < 0 && state === 'Dead') this.#checkRoom();
    else if (state === 'Dead') throw illegalGeneration(groupId, 0, generation);
    else if (state !== 'Empty' && generation < 0 && memberId === '' && groupInstanceId === null)
      throw groupActive(groupId);
    else if (state === 'Empty' && generation >= 0) throw unknownMember({ groupId, memberId });
    else if (state !== 'Empty') group!.checkCommit(identity);
  }

  /** The group to join; nobody but a new member founds one. */
  #found({ groupId, memberId }: JoinRequest): Group {
    const live = this.#live.get(groupId);
    if (live !== undefined) return live;
    const { store, maxGroups } = this.#options;
    const stored = store.group(groupId);
    if (stored === null && memberId !== '') throw unknownMember({ groupId, memberId });
    if (stored === null) this.#checkRoom();
    if (this.#live.size >= maxGroups) throw groupLimit(`${maxGroups} with members`);
    const group = new Group(groupId, this.#rules, stored ?? { generation: 0, protocolType: '' });
    this.#live.set(groupId, group);
    return group;
  }

  #checkRoom(): void {
    const { store, maxGroups } = this.#options;
    if (store.count() >= maxGroups) throw groupLimit(`${maxGroups}`);
  }

  #groupOf({ groupId, memberId }: MemberIdentity): Group {
    this.#checkId(groupId);
    const group = this.#live.get(groupId);
    if (group === undefined) throw unknownMember({ groupId, memberId });
    return group;
  }

  #listing(groupId: string): GroupListing {
    const group = this.#live.get(groupId);
    if (group !== undefined) return { groupId, protocolType: group.protocolType, state: group.state };
    return listingOf(groupId, this.#options.store.group(groupId));
  }

  #known(groupId: string): GroupListing {
    this.#expire();
    const listing = this.#listing(groupId);
    if (listing.state === 'Dead') throw unknownGroup(groupId);
    return listing;
  }

  /** So that generations ascend over restarts. No member depends on it, so a disk that is full does not stop the group. */
  #save({ id, generation, protocolType, state }: Group): void {
    const saved: StoredGroup = { id, generation, protocolType };
    this.#ifPossible(() => this.#options.store.saveGroup(saved, state === 'Empty' ? this.#now() : null));
  }

  /** What has not been used for too long goes now and then, before anybody looks. */
  #expire(): void {
    this.#assertOpen();
    const now = this.#now();
    if (now < this.#nextExpiryAt) return;
    this.#nextExpiryAt = now + EXPIRY_INTERVAL_MS;
    const { store, offsetsRetentionMs } = this.#options;
    this.#ifPossible(() => store.expire(now, offsetsRetentionMs, EXPIRY_INTERVAL_MS));
  }

  #ifPossible(save: () => void): void {
    try {
      save();
    } catch (error) {
      if (!isKitError(error, 'STORE_UNAVAILABLE')) throw error;
    }
  }

  #now(): number {
    return Math.floor(this.#options.clock.now());
  }
}

function listingOf(groupId: string, stored: StoredGroup | null): GroupListing {
  return { groupId, protocolType: stored?.protocolType ?? '', state: stored === null ? 'Dead' : 'Empty' };
}
