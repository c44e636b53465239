/**
 * One consumer group in Kafka's classic protocol: in which generation it is, and with which assignment.
 *
 *   Empty -> PreparingRebalance -> CompletingRebalance -> Stable; any change of members goes back to PreparingRebalance
 *
 * States, checks, their order and the deadlines are those of Kafka's `ClassicGroup` and `GroupMetadataManager`.
 * Source: Kafka protocol guide; KIP-62, KIP-134 (initial delay), KIP-345 (static members), KIP-394 (member id first),
 * KIP-814 (a static leader that comes back).
 */
import type { JoinRequest, MemberIdentity } from '../group-transport.ts';
import { groupFull, illegalGeneration, inconsistent, memberIdRequired, rebalancing } from './group-errors.ts';
import {
  type Assignment,
  type JoinAnswer,
  type JoinTerms,
  type Member,
  metadataOf,
  NO_ASSIGNMENT,
  newMemberId,
  nothing,
  type SyncIdentity,
  sameProtocols,
  vote,
} from './group-member.ts';
import { GroupRoster, type Named, type RosterRules } from './group-roster.ts';

export type GroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable';

export interface GroupRules extends RosterRules {
  readonly initialRebalanceDelayMs: number;
  /** A generation has begun, with members or without. */
  readonly onGeneration: (group: Group) => void;
  /** Nobody is in the group, and nobody has an id to come with. */
  readonly onDeserted: (group: Group) => void;
}

/** Between two looks at a group whose members are all away. */
const MIN_WAIT_MS = 1_000;

export class Group {
  readonly id: string;
  readonly #rules: GroupRules;
  readonly #roster: GroupRoster;
  #state: GroupState = 'Empty';
  #generation: number;
  #protocolType: string;
  #protocolName = '';
  #leaderId = '';
  /** Ends the wait for members to join, or to ask for their assignment. */
  #cancelDeadline = nothing;
  /** In the initial delay: completes at its end, not before. */
  #gathering = false;
  #joinedWhileGathering = false;

  constructor(id: string, rules: GroupRules, before: { readonly generation: number; readonly protocolType: string }) {
    this.id = id;
    this.#rules = rules;
    this.#roster = new GroupRoster(id, rules, () => this.#changed());
    this.#generation = before.generation;
    this.#protocolType = before.protocolType;
  }

  get state(): GroupState {
    return this.#state;
  }

  get generation(): number {
    return this.#generation;
  }

  get protocolType(): string {
    return this.#protocolType;
  }

  /** Empty before the first generation, and while there are no members. */
  get protocolName(): string {
    return this.#protocolName;
  }

  get members(): readonly Member[] {
    return this.#roster.members;
  }

  get isDeserted(): boolean {
    return this.#state === 'Empty' && this.#roster.size === 0 && this.#roster.promisedSize === 0;
  }

  /**
   * @throws KitError MEMBER_ID_REQUIRED, UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, INCONSISTENT_GROUP_PROTOCOL, GROUP_FULL,
   *   GROUP_LIMIT
   */
  async join(request: JoinRequest, terms: JoinTerms): Promise<JoinAnswer> {
    const { memberId, protocolType, groupInstanceId = null } = request;
    const roster = this.#roster;
    this.#checkRoom(memberId);
    const rightType = roster.size === 0 ? protocolType !== '' : protocolType === this.#protocolType;
    if (!rightType || !roster.accepts(request)) throw inconsistent(this.id);
    if (memberId === '') {
      const id = newMemberId(request);
      const before = roster.holder(groupInstanceId);
      if (before !== undefined) return this.#replace(before, id, request, terms);
      if (groupInstanceId !== null || !terms.memberIdRequired) return this.#add(id, request);
      roster.promise(id, request);
      throw memberIdRequired(this.id, id);
    }
    if (groupInstanceId === null && roster.isPromised(memberId)) return this.#add(memberId, request);
    const member = roster.find(request);
    const settled = this.#state === 'Stable' || this.#state === 'CompletingRebalance';
    const same = sameProtocols(member.request, request);
    // A follower that repeats itself missed the answer; a leader that does wants a new assignment.
    if (settled && same && (member.id !== this.#leaderId || this.#state === 'CompletingRebalance')) {
      roster.watch(member);
      return this.#answer(member);
    }
    roster.update(member, request);
    return this.#rejoin(member);
  }

  /**
   * Followers send no assignments.
   *
   * @throws KitError UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, ILLEGAL_GENERATION, INCONSISTENT_GROUP_PROTOCOL,
   *   REBALANCE_IN_PROGRESS, GROUP_LIMIT
   */
  async sync(identity: SyncIdentity, assignments: readonly Assignment[]): Promise<Buffer> {
    const member = this.#identify(identity);
    const { protocolType, protocolName } = identity;
    if ((protocolType ?? this.#protocolType) !== this.#protocolType) throw inconsistent(this.id);
    if ((protocolName ?? this.#protocolName) !== this.#protocolName) throw inconsistent(this.id);
    if (this.#state === 'PreparingRebalance') throw rebalancing(this.id);
    if (this.#state === 'CompletingRebalance' && member.id === this.#leaderId) this.#assign(assignments);
    member.hasSynced = true;
    if (this.members.every(({ hasSynced }) => hasSynced)) this.#cancelDeadline();
    if (this.#state === 'Stable') {
      this.#roster.watch(member);
      return member.assignment;
    }
    member.syncing ??= Promise.withResolvers();
    this.#roster.hold(member);
    return member.syncing.promise;
  }

  /** @throws KitError UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, ILLEGAL_GENERATION, REBALANCE_IN_PROGRESS */
  heartbeat(identity: MemberIdentity): void {
    this.#roster.watch(this.#identify(identity));
    if (this.#state === 'PreparingRebalance') throw rebalancing(this.id);
  }

  /** A member wants to say how far it is, which is a sign of life. @throws KitError as `heartbeat` */
  checkCommit(identity: MemberIdentity): void {
    const member = this.#identify(identity);
    if (this.#state === 'CompletingRebalance') throw rebalancing(this.id);
    this.#roster.watch(member);
  }

  /** Those who can be found leave together, whatever becomes of the others: for each null, or why it could not. */
  leave(leaving: readonly Named[]): unknown[] {
    const outcomes = leaving.map((each) => {
      try {
        this.#leave(each);
        return null;
      } catch (error) {
        return error;
      }
    });
    if (outcomes.includes(null)) this.#changed();
    return outcomes;
  }

  close(): void {
    this.#cancelDeadline();
    this.#roster.close();
  }

  #leave({ memberId, groupInstanceId = null }: Named): void {
    if (memberId !== '' && this.#roster.unpromise(memberId)) return;
    // From outside, a static member is removed by its instance id alone.
    const holder = memberId === '' ? this.#roster.holder(groupInstanceId) : undefined;
    this.#roster.drop(holder ?? this.#roster.find({ memberId, groupInstanceId }));
  }

  #identify(identity: MemberIdentity): Member {
    const member = this.#roster.find(identity);
    if (identity.generation === this.#generation) return member;
    throw illegalGeneration(this.id, this.#generation, identity.generation);
  }

  #checkRoom(memberId: string): void {
    const { maxMembers } = this.#rules;
    const preparing = this.#state === 'PreparingRebalance';
    const member = this.#roster.get(memberId);
    // While members come back, those who come first have the room.
    const taken = preparing ? this.members.filter(({ joining }) => joining !== null).length : this.#roster.size;
    const hasRoom = member !== undefined && (!preparing || member.joining !== null);
    if (hasRoom || taken < maxMembers) return;
    if (this.#roster.unpromise(memberId)) this.#changed();
    throw groupFull(this.id, maxMembers);
  }

  #add(memberId: string, request: JoinRequest): Promise<JoinAnswer> {
    const member = this.#roster.add(memberId, request);
    if (this.#roster.size === 1) this.#protocolType = request.protocolType;
    this.#joinedWhileGathering ||= this.#gathering;
    return this.#rejoin(member);
  }

  /** A static member has come back. Where the assignor stays, nobody else notices. */
  async #replace(before: Member, memberId: string, request: JoinRequest, terms: JoinTerms): Promise<JoinAnswer> {
    const member = this.#roster.replace(before, memberId, request);
    const formerLeaderId = this.#leaderId;
    if (formerLeaderId === before.id) this.#leaderId = memberId;
    if (this.#state !== 'Stable' || vote(this.members) !== this.#protocolName) return this.#rejoin(member);
    this.#roster.watch(member);
    const answer = this.#answer(member);
    if (terms.canSkipAssignment) return { ...answer, skipAssignment: this.#leaderId === memberId };
    // A client that cannot be told to skip is made to believe that it follows.
    return { ...answer, leaderId: formerLeaderId, members: [] };
  }

  /** The member waits for the next generation. */
  #rejoin(member: Member): Promise<JoinAnswer> {
    member.joining ??= Promise.withResolvers();
    const { promise } = member.joining;
    this.#roster.hold(member);
    this.#changed();
    return promise;
  }

  /** Members have come or gone. */
  #changed(): void {
    if (this.#state === 'PreparingRebalance') this.#tryComplete();
    else if (this.isDeserted) this.#rules.onDeserted(this);
    else if (this.#state !== 'Empty' || this.#roster.size > 0) this.#prepare();
  }

  /** Everybody has to join again; those who have not within the longest rebalance timeout are out. */
  #prepare(): void {
    const delayMs = this.#rules.initialRebalanceDelayMs;
    const timeoutMs = this.#roster.rebalanceTimeoutMs;
    this.#gathering = this.#state === 'Empty' && delayMs > 0;
    this.#joinedWhileGathering = false;
    if (this.#state === 'CompletingRebalance') this.#recall();
    this.#state = 'PreparingRebalance';
    if (this.#gathering) this.#gather(delayMs, timeoutMs - delayMs);
    else this.#wait(timeoutMs, () => this.#complete());
    this.#tryComplete();
  }

  /** Those who wait for their assignment are sent to join again. */
  #recall(): void {
    for (const member of this.members) {
      this.#roster.update(member, member.request, NO_ASSIGNMENT);
      if (member.syncing === null) continue;
      member.syncing.reject(rebalancing(this.id));
      member.syncing = null;
      this.#roster.watch(member);
    }
  }

  /** The first generation waits as long as members keep coming, up to the rebalance timeout. */
  #gather(delayMs: number, remainingMs: number): void {
    this.#wait(delayMs, () => {
      const goesOn = this.#joinedWhileGathering && remainingMs > 0;
      this.#joinedWhileGathering = false;
      if (goesOn) this.#gather(Math.min(delayMs, remainingMs), remainingMs - delayMs);
      else this.#complete();
    });
  }

  #tryComplete(): void {
    const missing = this.members.some(({ joining }) => joining === null);
    if (!missing && this.#roster.promisedSize === 0 && !this.#gathering) this.#complete();
  }

  #complete(): void {
    for (const member of this.members) {
      if (member.joining === null && member.instanceId === null) this.#roster.drop(member);
    }
    const isEmpty = this.#roster.size === 0;
    if (!this.#elect() && !isEmpty) {
      // Static members, and all of them away: they come back, or their sessions end.
      this.#wait(Math.max(MIN_WAIT_MS, this.#roster.rebalanceTimeoutMs), () => this.#complete());
      return;
    }
    this.#cancelDeadline();
    this.#gathering = false;
    this.#generation++;
    this.#state = isEmpty ? 'Empty' : 'CompletingRebalance';
    this.#protocolName = isEmpty ? '' : vote(this.members);
    this.#rules.onGeneration(this);
    if (isEmpty) this.#changed();
    else this.#begin();
  }

  /** The leader stays unless it is away; false where nobody can lead. */
  #elect(): boolean {
    const present = this.members.filter(({ joining }) => joining !== null);
    const leader = present.find(({ id }) => id === this.#leaderId) ?? present[0];
    if (leader !== undefined) this.#leaderId = leader.id;
    return leader !== undefined;
  }

  #begin(): void {
    for (const member of this.members) {
      member.joining?.resolve(this.#answer(member));
      Object.assign(member, { joining: null, isNew: false, hasSynced: false });
      this.#roster.watch(member);
    }
    // Who does not ask for its assignment in time is left behind, a leader that does not assign among them.
    this.#wait(this.#roster.rebalanceTimeoutMs, () => {
      for (const member of this.members) if (!member.hasSynced) this.#roster.drop(member);
      this.#changed();
    });
  }

  #assign(assignments: readonly Assignment[]): void {
    const given = new Map(assignments.map(({ memberId, assignment }) => [memberId, assignment]));
    const { members } = this;
    const growth = members.map(({ id, assignment }) => (given.get(id)?.length ?? 0) - assignment.length);
    // All or nothing: a leader that is refused has changed nothing.
    this.#rules.memory.check(growth.reduce((sum, bytes) => sum + bytes, 0));
    for (const member of members) this.#roster.update(member, member.request, NO_ASSIGNMENT);
    this.#state = 'Stable';
    for (const member of members) {
      this.#roster.update(member, member.request, given.get(member.id) ?? NO_ASSIGNMENT);
      member.syncing?.resolve(member.assignment);
      member.syncing = null;
      this.#roster.watch(member);
    }
  }

  #answer(member: Member): JoinAnswer {
    const describe = (each: Member) => ({
      memberId: each.id,
      groupInstanceId: each.instanceId,
      metadata: metadataOf(each, this.#protocolName),
    });
    return {
      generation: this.#generation,
      memberId: member.id,
      leaderId: this.#leaderId,
      protocolType: this.#protocolType,
      protocolName: this.#protocolName,
      skipAssignment: false,
      members: member.id === this.#leaderId ? this.members.map(describe) : [],
    };
  }

  #wait(delayMs: number, then: () => void): void {
    this.#cancelDeadline();
    this.#cancelDeadline = this.#rules.clock.after(delayMs, then);
  }
}
