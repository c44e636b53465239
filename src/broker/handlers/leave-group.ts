import { coordinatorErrorOf } from '../coordinator-errors.ts';
import { handler } from '../handler.ts';
import { ERROR } from '../protocol/error-codes.ts';
import { leaveGroup as api } from '../protocol/messages/leave-group.ts';

export const leaveGroup = handler(api, async ({ groupId, memberId, members }, { version }, { coordinator }) => {
  const leaving = version >= 3 ? members : [{ memberId, groupInstanceId: null }];
  try {
    const outcomes = await coordinator.leaveTogether(groupId, leaving);
    const codes = outcomes.map((error) => (error === null ? ERROR.NONE : coordinatorErrorOf(error)));
    // Before version 3 there is one member, and its error is the request's.
    if (version < 3) return { errorCode: codes[0]!, members: [] };
    const left = leaving.map(({ memberId, groupInstanceId }, i) => ({
      memberId,
      groupInstanceId,
      errorCode: codes[i]!,
    }));
    return { errorCode: ERROR.NONE, members: left };
  } catch (error) {
    return { errorCode: coordinatorErrorOf(error), members: [] };
  }
});
