/** Groups as tools see them. */
import { isKitError } from '../../errors.ts';
import { decodeSubscription } from '../assignment.ts';
import type { Group, GroupState } from './group.ts';
import { type Member, metadataOf, NO_ASSIGNMENT } from './group-member.ts';

export interface GroupListing {
  readonly groupId: string;
  /** Empty where the group never had members. */
  readonly protocolType: string;
  readonly state: GroupState | 'Dead';
}

export interface GroupDescription extends GroupListing {
  readonly generation: number;
  /** Empty unless the group is stable. */
  readonly protocolName: string;
  readonly members: readonly MemberDescription[];
}

export interface MemberDescription {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  /** For the group's protocol; empty unless the group is stable. */
  readonly metadata: Buffer;
  readonly assignment: Buffer;
}

export function describeMember(member: Member, protocolName: string): MemberDescription {
  const { id, instanceId, assignment } = member;
  const { clientId, clientHost = '' } = member.request;
  const metadata = protocolName === '' ? NO_ASSIGNMENT : metadataOf(member, protocolName);
  return { memberId: id, groupInstanceId: instanceId, clientId, clientHost, metadata, assignment };
}

/** null: some member's subscription is not known (yet), so any topic may be read. */
export function subscribedTopics({ members, protocolName }: Group): Set<string> | null {
  const subscriptions = members.map(({ request }) => request.protocols.find(({ name }) => name === protocolName));
  try {
    return new Set(subscriptions.flatMap((each) => decodeSubscription(each?.metadata ?? NO_ASSIGNMENT).topics));
  } catch (error) {
    if (!isKitError(error, 'INCONSISTENT_GROUP_PROTOCOL')) throw error;
    return null;
  }
}
