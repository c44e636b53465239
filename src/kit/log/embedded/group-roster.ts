/** Who is in a consumer group: its members, the ids it has given out, their sessions and what they take of memory. */
import type { Clock } from '../../clock.ts';
import type { JoinRequest, MemberIdentity } from '../group-transport.ts';
import { coordinatorClosed, fenced, groupFull, unknownMember } from './group-errors.ts';
import { type GroupMemory, type Member, newMember, nothing, sizeOf, supports } from './group-member.ts';

export interface RosterRules {
  readonly clock: Clock;
  readonly memory: GroupMemory;
  readonly maxMembers: number;
}

export type Named = Pick<MemberIdentity, 'memberId' | 'groupInstanceId'>;

/** A new member that waits for longer has probably gone, and asks again if not. Kafka's bound. */
const NEW_MEMBER_TIMEOUT_MS = 300_000;
const PROMISE_BYTES = 512;

export class GroupRoster {
  readonly groupId: string;
  readonly #rules: RosterRules;
  /** Somebody has gone without a word. */
  readonly #onExpired: () => void;
  readonly #members = new Map<string, Member>();
  /** Member ids by group instance id. */
  readonly #statics = new Map<string, string>();
  /** Ids that were given out and not used yet, each with what cancels its expiry. */
  readonly #promised = new Map<string, () => void>();

  constructor(groupId: string, rules: RosterRules, onExpired: () => void) {
    this.groupId = groupId;
    this.#rules = rules;
    this.#onExpired = onExpired;
  }

  /** In the order they came. */
  get members(): readonly Member[] {
    return [...this.#members.values()];
  }

  get size(): number {
    return this.#members.size;
  }

  get promisedSize(): number {
    return this.#promised.size;
  }

  get rebalanceTimeoutMs(): number {
    return this.members.reduce((longest, { request }) => Math.max(longest, request.rebalanceTimeoutMs), 0);
  }

  get(memberId: string): Member | undefined {
    return this.#members.get(memberId);
  }

  isPromised(memberId: string): boolean {
    return this.#promised.has(memberId);
  }

  /** Who has the place of this group instance. */
  holder(groupInstanceId: string | null): Member | undefined {
    return groupInstanceId === null ? undefined : this.#members.get(this.#statics.get(groupInstanceId) ?? '');
  }

  /** @throws KitError UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID */
  find({ memberId, groupInstanceId = null }: Named): Member {
    const named = { groupId: this.groupId, memberId };
    const holder = this.holder(groupInstanceId);
    if (holder !== undefined && holder.id !== memberId) throw fenced(named);
    const member = groupInstanceId === null ? this.#members.get(memberId) : holder;
    if (member === undefined) throw unknownMember(named);
    return member;
  }

  /** Whether all members and this request have a protocol in common. */
  accepts({ protocols }: JoinRequest): boolean {
    return protocols.some(({ name }) => this.members.every((member) => supports(member, name)));
  }

  /** @throws KitError GROUP_FULL, GROUP_LIMIT */
  promise(memberId: string, { sessionTimeoutMs }: JoinRequest): void {
    const { clock, memory, maxMembers } = this.#rules;
    if (this.#promised.size >= maxMembers) throw groupFull(this.groupId, maxMembers);
    memory.take(PROMISE_BYTES);
    const expire = (): void => {
      this.unpromise(memberId);
      this.#onExpired();
    };
    this.#promised.set(memberId, clock.after(sessionTimeoutMs, expire));
  }

  unpromise(memberId: string): boolean {
    const cancel = this.#promised.get(memberId);
    if (cancel === undefined) return false;
    cancel();
    this.#rules.memory.give(PROMISE_BYTES);
    return this.#promised.delete(memberId);
  }

  /** @throws KitError GROUP_LIMIT */
  add(memberId: string, request: JoinRequest): Member {
    const member = newMember(memberId, request);
    this.update(member, request);
    this.unpromise(memberId);
    this.#insert(member);
    return member;
  }

  /** The same place under a new id; its former holder is fenced. @throws KitError GROUP_LIMIT */
  replace(before: Member, memberId: string, request: JoinRequest): Member {
    const member: Member = {
      ...before,
      id: memberId,
      isNew: false,
      joining: null,
      syncing: null,
      cancelExpiry: nothing,
    };
    this.update(member, request);
    // handed over
    before.bytes = 0;
    this.drop(before, fenced({ groupId: this.groupId, memberId: before.id }));
    this.#insert(member);
    return member;
  }

  /** @throws KitError GROUP_LIMIT, with nothing changed */
  update(member: Member, asked: JoinRequest, assignment = member.assignment): void {
    // Kafka goes on calling a member what it was called at first.
    const { clientId, clientHost = '' } = member.request;
    const request = { ...asked, clientId, clientHost };
    const bytes = sizeOf(request, assignment);
    this.#rules.memory.take(bytes - member.bytes);
    Object.assign(member, { bytes, request, assignment });
  }

  /** Out, with nothing left of it. What it waits for ends with the reason. */
  drop(member: Member, reason: Error = unknownMember({ groupId: this.groupId, memberId: member.id })): void {
    member.cancelExpiry();
    member.joining?.reject(reason);
    member.syncing?.reject(reason);
    this.#rules.memory.give(member.bytes);
    member.bytes = 0;
    this.#members.delete(member.id);
    if (member.instanceId !== null) this.#statics.delete(member.instanceId);
  }

  /** (Re)starts the member's session. */
  watch(member: Member): void {
    // One that waits for our answer cannot be asked for signs of life.
    if (member.joining === null && member.syncing === null) this.#expire(member, member.request.sessionTimeoutMs);
  }

  /** Suspends the session while the member waits for an answer. */
  hold(member: Member): void {
    member.cancelExpiry();
    if (member.isNew) this.#expire(member, NEW_MEMBER_TIMEOUT_MS);
  }

  /** Members that wait are told that the coordinator is gone. */
  close(): void {
    for (const memberId of [...this.#promised.keys()]) this.unpromise(memberId);
    for (const member of this.members) this.drop(member, coordinatorClosed());
  }

  #insert(member: Member): void {
    this.#members.set(member.id, member);
    if (member.instanceId !== null) this.#statics.set(member.instanceId, member.id);
  }

  #expire(member: Member, afterMs: number): void {
    member.cancelExpiry();
    member.cancelExpiry = this.#rules.clock.after(afterMs, () => {
      this.drop(member);
      this.#onExpired();
    });
  }
}
