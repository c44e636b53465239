/** A member of a consumer group as its coordinator sees it, and what it takes to keep one. */
import { randomUUID } from 'node:crypto';
import type { JoinRequest, JoinResponse, MemberIdentity } from '../group-transport.ts';
import { groupLimit } from './group-errors.ts';

export interface JoinAnswer extends JoinResponse {
  readonly protocolType: string;
  /** The leader is told who is in the group, and to leave the assignment as it is (KIP-814). */
  readonly skipAssignment: boolean;
  readonly members: readonly {
    readonly memberId: string;
    readonly groupInstanceId: string | null;
    readonly metadata: Buffer;
  }[];
}

/** What a client's version of JoinGroup understands. */
export interface JoinTerms {
  /** From version 4 on: a new member is given its id before it joins. */
  readonly memberIdRequired: boolean;
  /** From version 9 on: a leader can be told to leave the assignment as it is. */
  readonly canSkipAssignment: boolean;
}

export interface Assignment {
  readonly memberId: string;
  readonly assignment: Buffer;
}

export interface SyncIdentity extends MemberIdentity {
  /** What the member takes the group's protocol to be, from version 5 of SyncGroup on. */
  readonly protocolType?: string | null;
  readonly protocolName?: string | null;
}

export interface Member {
  readonly id: string;
  /** Of a static member (KIP-345). */
  readonly instanceId: string | null;
  /** The last one. */
  request: JoinRequest;
  assignment: Buffer;
  /** Set while the member waits for the answer. */
  joining: PromiseWithResolvers<JoinAnswer> | null;
  syncing: PromiseWithResolvers<Buffer> | null;
  /** Until its first generation. */
  isNew: boolean;
  /** Has asked for its assignment in this generation. */
  hasSynced: boolean;
  cancelExpiry: () => void;
  /** Of the group memory. */
  bytes: number;
}

export const NO_ASSIGNMENT = Buffer.alloc(0);
export const nothing = (): void => {};
const MEMBER_BYTES = 1_024;
const PROTOCOL_BYTES = 128;
const MAX_NAME_LENGTH = 1_000;

export function newMember(id: string, request: JoinRequest): Member {
  return {
    id,
    instanceId: request.groupInstanceId ?? null,
    request,
    assignment: NO_ASSIGNMENT,
    joining: null,
    syncing: null,
    isNew: true,
    hasSynced: false,
    cancelExpiry: nothing,
    bytes: 0,
  };
}

/** As Kafka makes them: what the member is known by, and a UUID. Short enough to be sent, whatever the client is called. */
export function newMemberId({ groupInstanceId, clientId }: JoinRequest): string {
  return `${(groupInstanceId ?? clientId).slice(0, MAX_NAME_LENGTH)}-${randomUUID()}`;
}

/** About what the member takes of the heap. */
export function sizeOf(request: JoinRequest, assignment: Buffer): number {
  const { groupId, memberId, groupInstanceId, clientId, clientHost, protocolType, protocols } = request;
  const names = [groupId, memberId, groupInstanceId ?? '', clientId, clientHost ?? '', protocolType].join('').length;
  const each = protocols.map(({ name, metadata }) => PROTOCOL_BYTES + name.length + metadata.length);
  return each.reduce((sum, bytes) => sum + bytes, MEMBER_BYTES + names + assignment.length);
}

export function metadataOf({ request }: Member, protocolName: string): Buffer {
  return request.protocols.find(({ name }) => name === protocolName)!.metadata;
}

export function supports({ request }: Member, protocolName: string): boolean {
  return request.protocols.some(({ name }) => name === protocolName);
}

export function sameProtocols({ protocols: a }: JoinRequest, { protocols: b }: JoinRequest): boolean {
  return (
    a.length === b.length && a.every(({ name, metadata }, i) => name === b[i]!.name && metadata.equals(b[i]!.metadata))
  );
}

/** Each member votes for the first of its protocols that all support; the most votes win, then the name. */
export function vote(members: readonly Member[]): string {
  const names = members[0]!.request.protocols.map(({ name }) => name);
  const common = new Set(names.filter((name) => members.every((member) => supports(member, name))));
  const votes = Map.groupBy(members, ({ request }) => request.protocols.find(({ name }) => common.has(name))!.name);
  return [...votes].sort(([a, of], [b, others]) => others.length - of.length || (a < b ? -1 : 1))[0]![0];
}

/** What the members of all groups take together. */
export class GroupMemory {
  readonly #maxBytes: number;
  #usedBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** @throws KitError GROUP_LIMIT */
  check(bytes: number): void {
    if (bytes > 0 && this.#usedBytes + bytes > this.#maxBytes) throw groupLimit(`${this.#maxBytes} bytes`);
  }

  /** @param bytes may be negative: less is needed than before @throws KitError GROUP_LIMIT */
  take(bytes: number): void {
    this.check(bytes);
    this.#usedBytes += bytes;
  }

  give(bytes: number): void {
    this.#usedBytes -= bytes;
  }
}
