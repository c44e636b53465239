/** The embedded log's groups as `LogAdmin` shows them, without a broker in between. */
import { isKitError } from '../../errors.ts';
import { decodeAssignment } from '../assignment.ts';
import type { TopicPartition } from '../event-log.ts';
import type { GroupDescription, LogAdmin } from '../log-admin.ts';
import type { GroupCoordinator } from './group-coordinator.ts';
import { unknownGroup } from './group-errors.ts';
import { NODE_ID } from './log-reader.ts';

export type GroupsOfLog = Pick<LogAdmin, 'listGroups' | 'describeGroup' | 'committed' | 'deleteGroup'>;

const DEAD = 'Dead';

export function embeddedGroups(coordinator: GroupCoordinator): GroupsOfLog {
  return {
    async listGroups() {
      return coordinator.list().map((group) => ({ ...group, type: 'classic' }));
    },
    async describeGroup(groupId): Promise<GroupDescription> {
      const { protocolType, state, protocolName: assignor, generation, members } = coordinator.describe(groupId);
      if (state === DEAD) throw unknownGroup(groupId);
      return {
        groupId,
        protocolType,
        state,
        type: 'classic',
        assignor,
        coordinator: NODE_ID,
        generation,
        members: members.map(({ memberId, groupInstanceId, clientId, clientHost: host, assignment }) => ({
          memberId,
          instanceId: groupInstanceId,
          clientId,
          host,
          assignment: partitionsOf(assignment),
        })),
      };
    },
    committed: (groupId) => coordinator.committed(groupId),
    async deleteGroup(groupId) {
      coordinator.deleteGroup(groupId);
    },
  };
}

/** None where they cannot be read: members may be of any make. */
function partitionsOf(assignment: Buffer): TopicPartition[] {
  try {
    return decodeAssignment(assignment);
  } catch (error) {
    if (isKitError(error, 'INCONSISTENT_GROUP_PROTOCOL')) return [];
    throw error;
  }
}
