import { coordinatorErrorOf } from '../coordinator-errors.ts';
import { handler } from '../handler.ts';
import { ERROR } from '../protocol/error-codes.ts';
import { listGroups as api } from '../protocol/messages/list-groups.ts';

/** KIP-848 calls the groups that were there before it so. */
const GROUP_TYPE = 'classic';

export const listGroups = handler(api, ({ statesFilter, typesFilter }, _asking, { coordinator }) => {
  const states = new Set(statesFilter.map((state) => state.trim().toLowerCase()));
  const hasType = typesFilter.length === 0 || typesFilter.some((type) => type.trim().toLowerCase() === GROUP_TYPE);
  try {
    const groups = coordinator
      .list()
      .filter(({ state }) => hasType && (states.size === 0 || states.has(state.toLowerCase())))
      .map(({ state, ...group }) => ({ ...group, groupState: state, groupType: GROUP_TYPE }));
    return { errorCode: ERROR.NONE, groups };
  } catch (error) {
    return { errorCode: coordinatorErrorOf(error), groups: [] };
  }
});
