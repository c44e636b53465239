/** What a group's coordinator refuses, in the kit's words. */
import { KitError } from '../../errors.ts';

interface Named {
  readonly groupId: string;
  readonly memberId: string;
}

export function unknownMember({ groupId, memberId }: Named): KitError {
  const message = `Group "${groupId}" has no member "${memberId}" (any more).`;
  return new KitError('UNKNOWN_MEMBER_ID', message, { details: { groupId, memberId } });
}

export function fenced({ groupId, memberId }: Named): KitError {
  const message = `Another member of group "${groupId}" has the group instance id of "${memberId}" now.`;
  return new KitError('FENCED_INSTANCE_ID', message, { details: { groupId, memberId } });
}

export function memberIdRequired(groupId: string, memberId: string): KitError {
  return new KitError('MEMBER_ID_REQUIRED', 'Join again with the member id given.', { details: { groupId, memberId } });
}

export function rebalancing(groupId: string): KitError {
  return new KitError('REBALANCE_IN_PROGRESS', `Group "${groupId}" is rebalancing.`, { details: { groupId } });
}

export function illegalGeneration(groupId: string, generation: number, given: number): KitError {
  const message = `Group "${groupId}" is in generation ${generation}, not ${given}.`;
  return new KitError('ILLEGAL_GENERATION', message, { details: { groupId, generation } });
}

export function inconsistent(groupId: string): KitError {
  const message = `The members of group "${groupId}" support no common assignor with this one.`;
  return new KitError('INCONSISTENT_GROUP_PROTOCOL', message, { details: { groupId } });
}

export function groupFull(groupId: string, maxMembers: number): KitError {
  const message = `Group "${groupId}" has as many members as it may, ${maxMembers}.`;
  return new KitError('GROUP_FULL', message, { details: { groupId, maxMembers } });
}

export function groupActive(groupId: string): KitError {
  const message = `Group "${groupId}" has members; stop them to set or delete its offsets.`;
  return new KitError('GROUP_ACTIVE', message, { details: { groupId } });
}

export function groupSubscribed(groupId: string, topic: string): KitError {
  const message = `Members of group "${groupId}" read topic "${topic}"; its offsets are theirs.`;
  return new KitError('GROUP_SUBSCRIBED', message, { details: { groupId, topic } });
}

export function unknownGroup(groupId: string): KitError {
  return new KitError('UNKNOWN_GROUP', `Group ${groupId} not found.`, { details: { groupId } });
}

/** @param what e.g. `1,000 groups` */
export function groupLimit(what: string): KitError {
  return new KitError('GROUP_LIMIT', `The groups of this log may not be more than ${what}, and they would be.`);
}

export function coordinatorClosed(): KitError {
  return new KitError('LOG_CLOSED', 'The log has been closed.');
}
