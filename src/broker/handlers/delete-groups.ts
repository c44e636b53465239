import type { GroupCoordinator } from '../../kit/log/embedded/group-coordinator.ts';
import { coordinatorErrorOf } from '../coordinator-errors.ts';
import { handler } from '../handler.ts';
import { ERROR } from '../protocol/error-codes.ts';
import { deleteGroups as api } from '../protocol/messages/delete-groups.ts';

export const deleteGroups = handler(api, ({ groupsNames }, _asking, { coordinator }) => ({
  results: [...new Set(groupsNames)].map((groupId) => ({ groupId, errorCode: drop(groupId, coordinator) })),
}));

function drop(groupId: string, coordinator: GroupCoordinator): number {
  try {
    coordinator.deleteGroup(groupId);
    return ERROR.NONE;
  } catch (error) {
    return coordinatorErrorOf(error);
  }
}
