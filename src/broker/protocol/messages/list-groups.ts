import { api, array, arrayOf, int16, int32, string } from '../layout.ts';

export const listGroups = api({
  name: 'ListGroups',
  key: 16,
  versions: [0, 5],
  flexible: 3,
  request: {
    statesFilter: arrayOf('string', { since: 4 }),
    typesFilter: arrayOf('string', { since: 5 }),
  },
  response: {
    throttleTimeMs: int32({ since: 1, default: 0 }),
    errorCode: int16(),
    groups: array({
      groupId: string(),
      protocolType: string(),
      groupState: string({ since: 4 }),
      groupType: string({ since: 5 }),
    }),
  },
});
