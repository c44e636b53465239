/** A coordinator over a store in memory, in time that passes when told to, and what its tests have to say to it. */
import assert from 'node:assert/strict';
import { isKitError } from '../../../../src/kit/errors.ts';
import { encodeSubscription } from '../../../../src/kit/log/assignment.ts';
import {
  type CoordinatorOptions,
  GroupCoordinator,
  type JoinOptions,
} from '../../../../src/kit/log/embedded/group-coordinator.ts';
import type { JoinAnswer } from '../../../../src/kit/log/embedded/group-member.ts';
import { GroupStore } from '../../../../src/kit/log/embedded/group-store.ts';
import type { JoinRequest, MemberIdentity } from '../../../../src/kit/log/group-transport.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

export const GROUP = 'group';
export const SESSION_MS = 10_000;
export const REBALANCE_MS = 30_000;

export function coordinator(options: Partial<CoordinatorOptions> = {}) {
  const clock = new ManualClock();
  const store = new GroupStore(null);
  const limits = { initialRebalanceDelayMs: 0, minSessionTimeoutMs: 100, maxSessionTimeoutMs: 60_000, maxMembers: 100 };
  return { clock, store, group: new GroupCoordinator({ store, clock, ...limits, ...options }) };
}

export function request(memberId: string, fields: Partial<JoinRequest> = {}): JoinRequest {
  return {
    groupId: GROUP,
    memberId,
    clientId: 'test',
    sessionTimeoutMs: SESSION_MS,
    rebalanceTimeoutMs: REBALANCE_MS,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: encodeSubscription(['t']) }],
    ...fields,
  };
}

/** A join that needs no id first. */
export function joined(
  group: GroupCoordinator,
  memberId = '',
  fields: Partial<JoinRequest> = {},
  options: JoinOptions = {},
): Promise<JoinAnswer> {
  return group.join(request(memberId, fields), { memberIdRequired: false, ...options });
}

export const identity = ({ memberId, generation }: { memberId: string; generation: number }): MemberIdentity => ({
  groupId: GROUP,
  memberId,
  generation,
});

export const assignTo = (...memberIds: string[]) =>
  memberIds.map((memberId) => ({ memberId, assignment: Buffer.from(memberId) }));

export const code = (expected: string) => (error: unknown) => isKitError(error, expected) || assert.fail(String(error));
