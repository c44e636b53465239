/** What coordinators say of groups, in our terms. */
import type { consumerGroupDescribeV0, describeGroupsV5 } from '@platformatic/kafka';
import { decodeAssignment } from '../assignment.ts';
import type { GroupDescription } from '../log-admin.ts';

type Classic = ReturnType<typeof describeGroupsV5.parseResponse>['groups'][number];
type Newer = ReturnType<typeof consumerGroupDescribeV0.parseResponse>['groups'][number];

export function classicGroup(group: Classic, coordinator: number): GroupDescription {
  const { groupId, protocolType, groupState: state, protocolData: assignor } = group;
  const members = group.members.map(({ memberId, groupInstanceId, clientId, clientHost: host, memberAssignment }) => {
    // what members of another kind (Connect's workers) divide is not partitions
    const assignment = protocolType === 'consumer' ? decodeAssignment(memberAssignment) : [];
    return { memberId, instanceId: groupInstanceId ?? null, clientId, host, assignment };
  });
  return { groupId, protocolType, state, type: 'classic', assignor, coordinator, generation: null, members };
}

/** Of the newer protocol (KIP-848). */
export function consumerGroup(group: Newer, coordinator: number): GroupDescription {
  const members = group.members.map(({ memberId, instanceId, clientId, clientHost: host, assignment }) => ({
    memberId,
    instanceId: instanceId ?? null,
    clientId,
    host,
    assignment: assignment.topicPartitions.flatMap(({ topicName: topic, partitions }) =>
      partitions.map((partition) => ({ topic, partition })),
    ),
  }));
  const { groupId, groupState: state, assignorName: assignor, groupEpoch: generation } = group;
  const type = 'consumer';
  return { groupId, protocolType: 'consumer', state, type, assignor, coordinator, generation, members };
}
