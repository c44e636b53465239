/**
 * Kafka's classic group coordinator: who is in a group, in which generation, with which assignment. It serves members in
 * this process and, behind Kafka's protocol, members anywhere. State machine and answers follow
 * `kafka.coordinator.group.GroupCoordinator` and the protocol guide; KIP-394 for the member id that is given first.
 *
 *   Empty -> PreparingRebalance -> CompletingRebalance -> Stable; any change of members goes back to PreparingRebalance
 */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import { isKitError, KitError } from '../../errors.ts';
import type { PartitionOffset } from '../event-log.ts';
import type { GroupTransport, JoinRequest, JoinResponse, MemberIdentity } from '../group-transport.ts';
import type { GroupStore } from './group-store.ts';

export type GroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead';

export interface CoordinatorOptions {
  readonly store: Pick<GroupStore, 'generation' | 'saveGeneration' | 'offsets' | 'saveOffsets'>;
  readonly clock: Clock;
  /** How long an empty group waits for more members before its first generation. */
  readonly initialRebalanceDelayMs: number;
  readonly minSessionTimeoutMs: number;
  readonly maxSessionTimeoutMs: number;
  readonly maxMembers: number;
}

export interface GroupDescription {
  readonly groupId: string;
  readonly state: GroupState;
  readonly generation: number;
  readonly protocolType: string;
  readonly protocolName: string;
  readonly members: readonly { readonly memberId: string; readonly clientId: string; readonly assignment: Buffer }[];
}

interface Member {
  readonly id: string;
  request: JoinRequest;
  assignment: Buffer;
  joining: PromiseWithResolvers<JoinResponse> | null;
  syncing: PromiseWithResolvers<Buffer> | null;
  cancelExpiry: () => void;
}

interface Group {
  readonly id: string;
  state: GroupState;
  generation: number;
  protocolName: string;
  leaderId: string;
  readonly members: Map<string, Member>;
  /** Ids that were given out and not used yet, each with what cancels its expiry. */
  readonly promised: Map<string, () => void>;
  /** Ends the wait for members to join, or for the leader to assign. */
  cancelDeadline: () => void;
  /** In the initial delay: completes at the deadline, not before. */
  gathering: boolean;
}

const nothing = (): void => {};

export class GroupCoordinator implements GroupTransport {
  readonly #options: CoordinatorOptions;
  readonly #groups = new Map<string, Group>();
  #closed = false;

  constructor(options: CoordinatorOptions) {
    this.#options = options;
  }

  /** @param memberIdRequired a new member is first given its id (MEMBER_ID_REQUIRED), so that it can leave at any time */
  async join(request: JoinRequest, { memberIdRequired = true } = {}): Promise<JoinResponse> {
    this.#check(request);
    const group = this.#group(request.groupId);
    const { memberId } = request;
    let member = group.members.get(memberId);
    if (member === undefined) {
      if (memberId === '' && memberIdRequired) this.#promise(group, request);
      if (memberId !== '' && !group.promised.has(memberId)) throw unknownMember(request);
      this.#checkJoinable(group, request);
      member = this.#add(group, memberId === '' ? newId(request) : memberId, request);
    } else {
      this.#checkJoinable(group, request);
      const same = sameProtocols(member.request, request);
      member.request = request;
      const settled = group.state === 'Stable' || group.state === 'CompletingRebalance';
      // A follower that repeats itself missed the answer; a leader that does wants a new assignment.
      const missed = settled && same && (member.id !== group.leaderId || group.state === 'CompletingRebalance');
      if (missed) {
        this.#watch(group, member);
        return this.#joined(group, member);
      }
    }
    member.joining ??= Promise.withResolvers();
    const { promise } = member.joining;
    this.#hold(member);
    if (group.state === 'PreparingRebalance') this.#tryComplete(group);
    else this.#prepare(group);
    return promise;
  }

  async sync(identity: MemberIdentity, assignments: Parameters<GroupTransport['sync']>[1]): Promise<Buffer> {
    const { group, member } = this.#member(identity);
    if (group.state === 'PreparingRebalance') throw rebalancing(identity);
    if (group.state === 'Stable') return member.assignment;
    member.syncing ??= Promise.withResolvers();
    const { promise } = member.syncing;
    this.#hold(member);
    if (member.id === group.leaderId) this.#assign(group, assignments);
    return promise;
  }

  async heartbeat(identity: MemberIdentity): Promise<void> {
    const { group, member } = this.#member(identity);
    this.#watch(group, member);
    if (group.state === 'PreparingRebalance') throw rebalancing(identity);
  }

  async leave(identity: Pick<MemberIdentity, 'groupId' | 'memberId'>): Promise<void> {
    const group = this.#groups.get(identity.groupId);
    const cancelPromise = group?.promised.get(identity.memberId);
    if (group !== undefined && cancelPromise !== undefined) {
      cancelPromise();
      group.promised.delete(identity.memberId);
      this.#tryComplete(group);
      return;
    }
    const member = group?.members.get(identity.memberId);
    if (group === undefined || member === undefined) throw unknownMember(identity);
    this.#remove(group, member);
  }

  async commit(identity: MemberIdentity, offsets: readonly PartitionOffset[]): Promise<void> {
    if (identity.generation < 0 && identity.memberId === '') {
      const group = this.#groups.get(identity.groupId);
      if (group !== undefined && group.members.size > 0) {
        throw new KitError('GROUP_ACTIVE', `Group "${identity.groupId}" has members; stop them to set its offsets.`, {
          details: { groupId: identity.groupId, members: [...group.members.keys()] },
        });
      }
    } else {
      const { group, member } = this.#member(identity);
      if (group.state === 'CompletingRebalance') throw rebalancing(identity);
      this.#watch(group, member);
    }
    this.#options.store.saveOffsets(identity.groupId, offsets);
  }

  async committed(groupId: string): Promise<PartitionOffset[]> {
    return this.#options.store.offsets(groupId);
  }

  /** A group that has no members here is Dead, whether it has offsets or not. */
  describe(groupId: string): GroupDescription {
    const group = this.#groups.get(groupId);
    const members = [...(group?.members.values() ?? [])];
    return {
      groupId,
      state: group?.state ?? 'Dead',
      generation: group?.generation ?? this.#options.store.generation(groupId),
      protocolType: members[0]?.request.protocolType ?? '',
      protocolName: group?.protocolName ?? '',
      members: members.map(({ id, request, assignment }) => ({
        memberId: id,
        clientId: request.clientId,
        assignment,
      })),
    };
  }

  /** Members that wait are told that the coordinator is gone. */
  close(): void {
    this.#closed = true;
    const gone = new KitError('LOG_CLOSED', 'The log has been closed.');
    for (const group of this.#groups.values()) {
      group.cancelDeadline();
      for (const cancel of group.promised.values()) cancel();
      for (const member of group.members.values()) {
        member.cancelExpiry();
        member.joining?.reject(gone);
        member.syncing?.reject(gone);
      }
    }
    this.#groups.clear();
  }

  #check({ groupId, sessionTimeoutMs }: JoinRequest): void {
    if (this.#closed) throw new KitError('LOG_CLOSED', 'The log has been closed.');
    if (groupId === '') throw new KitError('INVALID_GROUP_ID', 'A group id must not be empty.');
    const { minSessionTimeoutMs: min, maxSessionTimeoutMs: max } = this.#options;
    if (!(sessionTimeoutMs >= min && sessionTimeoutMs <= max)) {
      throw new KitError(
        'INVALID_SESSION_TIMEOUT',
        `A session timeout is ${min} to ${max} ms, not ${sessionTimeoutMs}.`,
      );
    }
  }

  #group(id: string): Group {
    const known = this.#groups.get(id);
    if (known !== undefined) return known;
    const group: Group = {
      id,
      state: 'Empty',
      generation: this.#options.store.generation(id),
      protocolName: '',
      leaderId: '',
      members: new Map(),
      promised: new Map(),
      cancelDeadline: nothing,
      gathering: false,
    };
    this.#groups.set(id, group);
    return group;
  }

  /** @throws KitError UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION */
  #member(identity: MemberIdentity): { group: Group; member: Member } {
    const group = this.#groups.get(identity.groupId);
    const member = group?.members.get(identity.memberId);
    if (group === undefined || member === undefined) throw unknownMember(identity);
    if (identity.generation !== group.generation) {
      const { groupId, generation } = identity;
      const message = `Group "${groupId}" is in generation ${group.generation}, not ${generation}.`;
      throw new KitError('ILLEGAL_GENERATION', message, { details: { groupId, generation: group.generation } });
    }
    return { group, member };
  }

  #checkJoinable(group: Group, request: JoinRequest): void {
    const others = [...group.members.values()].filter(({ id }) => id !== request.memberId).map((m) => m.request);
    const names = new Set(request.protocols.map(({ name }) => name));
    for (const other of others) {
      for (const name of names) if (!other.protocols.some((p) => p.name === name)) names.delete(name);
    }
    if (names.size === 0 || others.some(({ protocolType }) => protocolType !== request.protocolType)) {
      const message = `The members of group "${group.id}" support no common assignor with this one.`;
      throw new KitError('INCONSISTENT_GROUP_PROTOCOL', message, { details: { groupId: group.id } });
    }
    if (others.length >= this.#options.maxMembers) {
      const message = `Group "${group.id}" has as many members as it may, ${this.#options.maxMembers}.`;
      throw new KitError('GROUP_FULL', message, { details: { groupId: group.id } });
    }
  }

  #promise(group: Group, request: JoinRequest): never {
    this.#checkJoinable(group, request);
    if (group.promised.size >= this.#options.maxMembers) {
      throw new KitError('GROUP_FULL', `Group "${group.id}" has given out as many member ids as it may.`);
    }
    const memberId = newId(request);
    const cancel = this.#options.clock.after(request.sessionTimeoutMs, () => {
      group.promised.delete(memberId);
      this.#tryComplete(group);
    });
    group.promised.set(memberId, cancel);
    throw new KitError('MEMBER_ID_REQUIRED', 'Join again with the member id given.', { details: { memberId } });
  }

  #add(group: Group, id: string, request: JoinRequest): Member {
    group.promised.get(id)?.();
    group.promised.delete(id);
    const assignment = Buffer.alloc(0);
    const member = { id, request, assignment, joining: null, syncing: null, cancelExpiry: nothing };
    group.members.set(id, member);
    return member;
  }

  #remove(group: Group, member: Member): void {
    member.cancelExpiry();
    member.joining?.reject(unknownMember({ groupId: group.id, memberId: member.id }));
    member.syncing?.reject(unknownMember({ groupId: group.id, memberId: member.id }));
    group.members.delete(member.id);
    if (group.state === 'PreparingRebalance') this.#tryComplete(group);
    else this.#prepare(group);
  }

  /** Everybody has to join again; those who have not within the longest rebalance timeout are out. */
  #prepare(group: Group): void {
    group.gathering = group.state === 'Empty' && this.#options.initialRebalanceDelayMs > 0;
    for (const member of group.members.values()) {
      member.syncing?.reject(rebalancing({ groupId: group.id }));
      if (member.syncing !== null) this.#watch(group, member);
      member.syncing = null;
    }
    group.state = 'PreparingRebalance';
    group.cancelDeadline();
    const timeouts = [...group.members.values()].map(({ request }) => request.rebalanceTimeoutMs);
    const waitMs = group.gathering ? this.#options.initialRebalanceDelayMs : Math.max(0, ...timeouts);
    group.cancelDeadline = this.#options.clock.after(waitMs, () => this.#complete(group));
    this.#tryComplete(group);
  }

  #tryComplete(group: Group): void {
    if (group.state !== 'PreparingRebalance') {
      this.#forgetIfUnused(group);
      return;
    }
    const missing = [...group.members.values()].some(({ joining }) => joining === null);
    if (!missing && group.promised.size === 0 && !group.gathering) this.#complete(group);
  }

  #complete(group: Group): void {
    group.cancelDeadline();
    group.cancelDeadline = nothing;
    for (const member of group.members.values()) {
      if (member.joining !== null) continue;
      member.cancelExpiry();
      group.members.delete(member.id);
    }
    group.gathering = false;
    group.generation++;
    this.#saveGeneration(group);
    if (group.members.size === 0) {
      group.state = 'Empty';
      this.#forgetIfUnused(group);
      return;
    }
    group.state = 'CompletingRebalance';
    group.protocolName = vote([...group.members.values()]);
    if (!group.members.has(group.leaderId)) group.leaderId = group.members.keys().next().value!;
    for (const member of group.members.values()) {
      member.joining!.resolve(this.#joined(group, member));
      member.joining = null;
      member.assignment = Buffer.alloc(0);
      this.#watch(group, member);
    }
    const leader = group.members.get(group.leaderId)!;
    // A leader that does not assign in time is left behind; the others would wait for ever.
    group.cancelDeadline = this.#options.clock.after(leader.request.rebalanceTimeoutMs, () =>
      this.#remove(group, leader),
    );
  }

  /** So that generations ascend over restarts. No member depends on it, so a disk that is full does not stop the group. */
  #saveGeneration({ id, generation }: Group): void {
    try {
      this.#options.store.saveGeneration(id, generation);
    } catch (error) {
      if (!isKitError(error, 'STORE_UNAVAILABLE')) throw error;
    }
  }

  #joined(group: Group, member: Member): JoinResponse {
    const { generation, leaderId, protocolName } = group;
    const metadataOf = ({ request }: Member): Buffer =>
      request.protocols.find(({ name }) => name === protocolName)!.metadata;
    const members = [...group.members.values()].map((each) => ({ memberId: each.id, metadata: metadataOf(each) }));
    return { generation, memberId: member.id, leaderId, protocolName, members: member.id === leaderId ? members : [] };
  }

  #assign(group: Group, assignments: Parameters<GroupTransport['sync']>[1]): void {
    group.cancelDeadline();
    group.state = 'Stable';
    for (const { memberId, assignment } of assignments) {
      const member = group.members.get(memberId);
      if (member !== undefined) member.assignment = assignment;
    }
    for (const member of group.members.values()) {
      if (member.syncing !== null) this.#watch(group, member);
      member.syncing?.resolve(member.assignment);
      member.syncing = null;
    }
  }

  /** (Re)starts the session. */
  #watch(group: Group, member: Member): void {
    member.cancelExpiry();
    // One that waits for our answer cannot be asked for signs of life.
    if (member.joining !== null) return;
    const { sessionTimeoutMs } = member.request;
    member.cancelExpiry = this.#options.clock.after(sessionTimeoutMs, () => this.#remove(group, member));
  }

  #hold(member: Member): void {
    member.cancelExpiry();
    member.cancelExpiry = nothing;
  }

  #forgetIfUnused(group: Group): void {
    if (group.state === 'Empty' && group.members.size === 0 && group.promised.size === 0) this.#groups.delete(group.id);
  }
}

/** Each member votes for the first of its protocols that all support; the most votes win, then the name. */
function vote(members: readonly Member[]): string {
  const [first, ...others] = members.map(({ request }) => request.protocols.map(({ name }) => name));
  const common = new Set(first!.filter((name) => others.every((names) => names.includes(name))));
  const votes = Map.groupBy(members, ({ request }) => request.protocols.find(({ name }) => common.has(name))!.name);
  return [...votes].sort(([a, of], [b, others]) => others.length - of.length || (a < b ? -1 : 1))[0]![0];
}

function sameProtocols({ protocols: a }: JoinRequest, { protocols: b }: JoinRequest): boolean {
  return (
    a.length === b.length && a.every(({ name, metadata }, i) => name === b[i]!.name && metadata.equals(b[i]!.metadata))
  );
}

function newId({ clientId }: JoinRequest): string {
  return `${clientId}-${randomUUID()}`;
}

function unknownMember({ groupId, memberId }: Pick<MemberIdentity, 'groupId' | 'memberId'>): KitError {
  const message = `Group "${groupId}" has no member "${memberId}" (any more).`;
  return new KitError('UNKNOWN_MEMBER_ID', message, { details: { groupId, memberId } });
}

function rebalancing({ groupId }: Pick<MemberIdentity, 'groupId'>): KitError {
  return new KitError('REBALANCE_IN_PROGRESS', `Group "${groupId}" is rebalancing.`, { details: { groupId } });
}
