import { coordinatorErrorOf } from '../coordinator-errors.ts';
import { handler } from '../handler.ts';
import { ERROR } from '../protocol/error-codes.ts';
import { heartbeat as api } from '../protocol/messages/heartbeat.ts';

export const heartbeat = handler(api, async (request, _asking, { coordinator }) => {
  const { groupId, generationId: generation, memberId, groupInstanceId } = request;
  try {
    await coordinator.heartbeat({ groupId, generation, memberId, groupInstanceId });
    return { errorCode: ERROR.NONE };
  } catch (error) {
    return { errorCode: coordinatorErrorOf(error) };
  }
});
