import type { GroupCoordinator } from '../../kit/log/embedded/group-coordinator.ts';
import { unknownGroup } from '../../kit/log/embedded/group-errors.ts';
import { GROUP_OPERATIONS } from '../authorized-operations.ts';
import { coordinatorErrorOf } from '../coordinator-errors.ts';
import { handler } from '../handler.ts';
import { ERROR, errorMessageOf } from '../protocol/error-codes.ts';
import type { ResponseOf } from '../protocol/layout.ts';
import { describeGroups as api } from '../protocol/messages/describe-groups.ts';

type DescribedGroup = ResponseOf<typeof api>['groups'][number];

export const describeGroups = handler(api, (request, { version }, { coordinator }) => {
  const groups = request.groups.map((groupId) => describe(groupId, version, coordinator));
  if (!request.includeAuthorizedOperations) return { groups };
  const authorizedOperations = GROUP_OPERATIONS;
  return { groups: groups.map((group) => (group.errorCode ? group : { ...group, authorizedOperations })) };
});

function describe(groupId: string, version: number, coordinator: GroupCoordinator): DescribedGroup {
  const nothing = { groupId, protocolType: '', protocolData: '', members: [] };
  try {
    const { state: groupState, protocolType, protocolName: protocolData, members } = coordinator.describe(groupId);
    if (groupState === 'Dead' && version >= 6) {
      const errorMessage = errorMessageOf(unknownGroup(groupId));
      return { ...nothing, errorCode: ERROR.GROUP_ID_NOT_FOUND, errorMessage, groupState };
    }
    const described = members.map(({ metadata, assignment, ...member }) => {
      return { ...member, memberMetadata: metadata, memberAssignment: assignment };
    });
    return { errorCode: ERROR.NONE, groupId, groupState, protocolType, protocolData, members: described };
  } catch (error) {
    return { ...nothing, errorCode: coordinatorErrorOf(error), groupState: '' };
  }
}
