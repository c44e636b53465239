/** Requests about consumer groups, one kind for each API key. */
import { encodeAssignment, encodeSubscription } from '../../../src/kit/log/assignment.ts';
import type { Draw } from './draw.ts';
import type { Make } from './log-requests.ts';
import type { Message } from './world.ts';

const PROTOCOLS = ['range', 'roundrobin', 'sticky'] as const;

function join(draw: Draw, groupId: string): Message {
  const { random } = draw;
  const idle = draw.idleMembers(groupId);
  const again = idle.length > 0 && random.chance(0.6) ? random.pick(idle) : undefined;
  const instanceId = again?.instanceId ?? (random.chance(0.25) ? random.pick(['i0', 'i1']) : null);
  // Kafka keeps the group that a refused request was the first of.
  const strange = draw.odd() && draw.member(groupId) !== undefined;
  const names = strange && random.chance(0.5) ? ['other'] : PROTOCOLS.slice(0, random.between(1, 3));
  const topics = [draw.anyTopicName()];
  return {
    groupId,
    sessionTimeoutMs: draw.odd() ? random.pick([1, -1, 2_000_000_000]) : draw.sessionMs,
    rebalanceTimeoutMs: draw.sessionMs,
    memberId: again?.memberId ?? (draw.odd() ? 'nobody' : ''),
    groupInstanceId: instanceId,
    protocolType: strange && random.chance(0.5) ? random.pick(['', 'connect']) : 'consumer',
    protocols:
      strange && random.chance(0.2) ? [] : names.map((name) => ({ name, metadata: encodeSubscription(topics) })),
    reason: null,
  };
}

function offsets(draw: Draw): Message[] {
  const { random } = draw;
  return draw.topicNames().map((name) => ({
    name,
    partitions: draw.partitions(name).map((partitionIndex) => ({
      partitionIndex,
      committedOffset: draw.offset(),
      committedLeaderEpoch: random.pick([-1, 0, 3]),
      committedMetadata: draw.odd() ? random.pick([null, 'm'.repeat(4_097)]) : random.pick(['', 'note']),
    })),
  }));
}

export const GROUP_REQUESTS: Readonly<Record<string, Make>> = {
  FindCoordinator(draw) {
    const keys = [draw.groupId()];
    return { key: keys[0]!, keyType: draw.odd() ? 9 : 0, coordinatorKeys: keys };
  },

  JoinGroup: (draw) => join(draw, draw.groupId()),

  SyncGroup(draw) {
    const { random } = draw;
    const groupId = draw.groupId();
    const { generation, memberId, instanceId, protocol } = draw.identity(groupId, draw.idleMembers(groupId));
    const members = draw.world.membersOf(groupId).find((each) => each.memberId === memberId)?.members ?? [];
    const topic = draw.anyTopicName();
    return {
      groupId,
      generationId: generation,
      memberId,
      groupInstanceId: instanceId,
      protocolType: draw.odd() ? random.pick([null, 'connect']) : 'consumer',
      protocolName: draw.odd() ? random.pick([null, 'other']) : (protocol ?? 'range'),
      assignments: members.map((each, partition) => ({
        memberId: each,
        assignment: encodeAssignment([{ topic, partition }]),
      })),
    };
  },

  Heartbeat(draw) {
    const groupId = draw.groupId();
    const { generation, memberId, instanceId } = draw.identity(groupId);
    return { groupId, generationId: generation, memberId, groupInstanceId: instanceId };
  },

  LeaveGroup(draw) {
    const groupId = draw.groupId();
    const { random } = draw;
    // Kafka keeps the group of a member that leaves before it has joined, and leaves one that waits without an answer.
    const known = draw.identity(groupId, draw.idleMembers(groupId));
    const { memberId, instanceId } = known.generation >= 0 ? known : { memberId: 'nobody', instanceId: null };
    const one = { memberId, groupInstanceId: instanceId, reason: 'because' };
    const byInstance = { memberId: '', groupInstanceId: 'i0', reason: null };
    const members = random.chance(0.8) ? [one] : random.pick([[byInstance], [one, byInstance], []]);
    return { groupId, memberId, members };
  },

  OffsetCommit(draw) {
    const groupId = draw.groupId();
    const outside = { generation: -1, memberId: '', instanceId: null };
    const { generation, memberId, instanceId } = draw.random.chance(0.4) ? outside : draw.identity(groupId);
    return {
      groupId,
      generationIdOrMemberEpoch: generation,
      memberId,
      groupInstanceId: instanceId,
      retentionTimeMs: -1,
      topics: offsets(draw),
    };
  },

  OffsetFetch(draw, version) {
    const { random } = draw;
    const asked = () =>
      random.chance(0.3) && version >= 2
        ? null
        : draw.topicNames().map((name) => ({ name, partitionIndexes: draw.partitions(name) }));
    const ids = [...new Set([draw.groupId(), draw.groupId()])];
    return {
      groupId: ids[0]!,
      topics: asked(),
      groups: ids.map((groupId) => ({ groupId, memberId: null, memberEpoch: -1, topics: asked() })),
      requireStable: random.chance(0.2),
    };
  },

  OffsetDelete: (draw) => ({
    groupId: draw.groupId(),
    topics: draw.topicNames().map((name) => ({
      name,
      partitions: draw.partitions(name).map((partitionIndex) => ({ partitionIndex })),
    })),
  }),

  DescribeGroups: (draw) => ({ groups: [draw.groupId()], includeAuthorizedOperations: draw.random.chance(0.3) }),

  ConsumerGroupHeartbeat: (draw) => ({ groupId: draw.groupId(), memberId: 'nobody', memberEpoch: 0 }),

  ListGroups: ({ random }) => ({
    statesFilter: random.pick([[], [], ['Stable'], ['Empty', 'Dead'], ['stable'], ['Nonsense']]),
    typesFilter: random.pick([[], [], ['classic'], ['consumer']]),
  }),

  DeleteGroups: (draw) => ({ groupsNames: [draw.groupId()] }),
};
