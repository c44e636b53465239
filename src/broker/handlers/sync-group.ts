import { orAborted } from '../../kit/waiting.ts';
import { coordinatorErrorOf } from '../coordinator-errors.ts';
import { handler } from '../handler.ts';
import { ownBytes } from '../own-bytes.ts';
import { ERROR } from '../protocol/error-codes.ts';
import { syncGroup as api } from '../protocol/messages/sync-group.ts';

const NOTHING = Buffer.alloc(0);

export const syncGroup = handler(api, async (request, { version, signal }, { coordinator }) => {
  const { groupId, generationId: generation, memberId, groupInstanceId, protocolType, protocolName } = request;
  if (version >= 5 && (protocolType === null || protocolName === null)) {
    return { errorCode: ERROR.INCONSISTENT_GROUP_PROTOCOL, assignment: NOTHING };
  }
  const identity = { groupId, generation, memberId, groupInstanceId, protocolType, protocolName };
  const assignments = request.assignments.map((each) => ({ ...each, assignment: ownBytes(each.assignment) }));
  try {
    const assignment = await orAborted(coordinator.sync(identity, assignments), signal);
    return { errorCode: ERROR.NONE, protocolType, protocolName, assignment };
  } catch (error) {
    if (signal.aborted) return null;
    return { errorCode: coordinatorErrorOf(error), assignment: NOTHING };
  }
});
