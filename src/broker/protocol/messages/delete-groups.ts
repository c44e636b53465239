import { api, array, arrayOf, int16, int32, string } from '../layout.ts';

export const deleteGroups = api({
  name: 'DeleteGroups',
  key: 42,
  versions: [0, 2],
  flexible: 2,
  request: {
    groupsNames: arrayOf('string'),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    results: array({
      groupId: string(),
      errorCode: int16(),
    }),
  },
});
