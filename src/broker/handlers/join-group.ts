import { isKitError } from '../../kit/errors.ts';
import { orAborted } from '../../kit/waiting.ts';
import { coordinatorErrorOf } from '../coordinator-errors.ts';
import { handler } from '../handler.ts';
import { ownBytes } from '../own-bytes.ts';
import { ERROR } from '../protocol/error-codes.ts';
import { joinGroup as api } from '../protocol/messages/join-group.ts';

export const joinGroup = handler(api, async (request, { version, clientId, clientHost, signal }, broker) => {
  const { groupId, memberId, groupInstanceId, sessionTimeoutMs, protocolType } = request;
  const rebalanceTimeoutMs = version === 0 ? sessionTimeoutMs : request.rebalanceTimeoutMs;
  const protocols = request.protocols.map(({ name, metadata }) => ({ name, metadata: ownBytes(metadata) }));
  const { minSessionTimeoutMs } = broker.settings;
  const terms = { memberIdRequired: version >= 4, canSkipAssignment: version >= 9, minSessionTimeoutMs };
  try {
    const who = { groupId, memberId, groupInstanceId, clientId, clientHost };
    const asked = { ...who, sessionTimeoutMs, rebalanceTimeoutMs, protocolType, protocols };
    // A member whose connection has gone stays until its time is up: it may come back over another one.
    const joined = await orAborted(broker.coordinator.join(asked, terms), signal);
    const { generation: generationId, leaderId: leader, ...rest } = joined;
    return { errorCode: ERROR.NONE, generationId, leader, ...rest };
  } catch (error) {
    if (signal.aborted) return null;
    const given = isKitError(error, 'MEMBER_ID_REQUIRED') ? String(error.details.memberId) : memberId;
    const protocolName = version >= 7 ? null : '';
    return { errorCode: coordinatorErrorOf(error), protocolName, leader: '', memberId: given, members: [] };
  }
});
