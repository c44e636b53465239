/** A broker of groups alone: a real coordinator, and topics that are no more than a number of partitions. */
import type { Broker } from '../../../src/broker/handler.ts';
import { joinGroup } from '../../../src/broker/handlers/join-group.ts';
import { syncGroup } from '../../../src/broker/handlers/sync-group.ts';
import { encodeAssignment, encodeSubscription } from '../../../src/kit/log/assignment.ts';
import { GroupCoordinator } from '../../../src/kit/log/embedded/group-coordinator.ts';
import { GroupStore } from '../../../src/kit/log/embedded/group-store.ts';
import type { LogStore } from '../../../src/kit/log/embedded/log-store.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { ask } from './ask.ts';

export const GROUP = 'group';
export const SESSION_MS = 10_000;
export const REBALANCE_MS = 30_000;
const PARTITIONS: Readonly<Record<string, number>> = { t: 2, other: 1 };

export function groupBroker() {
  const clock = new ManualClock();
  const coordinator = new GroupCoordinator({
    store: new GroupStore(null),
    clock,
    initialRebalanceDelayMs: 0,
    minSessionTimeoutMs: 500,
    maxSessionTimeoutMs: 1_800_000,
    maxMembers: 10,
  });
  const store = {
    hasTopic: (name: string) => name in PARTITIONS,
    topic: (name: string) => ({ name, partitions: PARTITIONS[name] }),
  };
  const broker: Broker = {
    store: store as unknown as LogStore,
    coordinator,
    clock,
    host: '127.0.0.1',
    port: 9_999,
    settings: { autoCreateTopics: false, defaultPartitions: 1, minSessionTimeoutMs: 6_000 },
    fetchBytes: () => 0,
  };
  return { broker, clock, coordinator };
}

export const subscription = encodeSubscription(['t']);
export const assignment = encodeAssignment([{ topic: 't', partition: 0 }]);

export const joinRequest = {
  groupId: GROUP,
  memberId: '',
  sessionTimeoutMs: SESSION_MS,
  rebalanceTimeoutMs: REBALANCE_MS,
  protocolType: 'consumer',
  protocols: [{ name: 'range', metadata: subscription }],
};

/** A lone member of a stable group, of the first generation that there is. */
export async function member(broker: Broker, groupInstanceId: string | null = null) {
  const joined = await ask(
    joinGroup,
    5,
    { ...joinRequest, memberId: await givenId(broker, groupInstanceId), groupInstanceId },
    broker,
  );
  const { memberId, generationId } = joined!;
  const identity = { groupId: GROUP, generationId, memberId, groupInstanceId };
  await ask(syncGroup, 3, { ...identity, assignments: [{ memberId, assignment }] }, broker);
  return identity;
}

async function givenId(broker: Broker, groupInstanceId: string | null): Promise<string> {
  if (groupInstanceId !== null) return '';
  return (await ask(joinGroup, 5, joinRequest, broker))!.memberId;
}
