import { api, array, int16, int32, string } from '../layout.ts';

export const leaveGroup = api({
  name: 'LeaveGroup',
  key: 13,
  versions: [0, 5],
  flexible: 4,
  request: {
    groupId: string(),
    memberId: string({ until: 2 }),
    members: array(
      {
        memberId: string(),
        groupInstanceId: string({ nullable: 0, default: null }),
        reason: string({ since: 5, nullable: 5, default: null }),
      },
      { since: 3 },
    ),
  },
  response: {
    throttleTimeMs: int32({ since: 1, default: 0 }),
    errorCode: int16(),
    members: array(
      {
        memberId: string(),
        groupInstanceId: string({ nullable: 0 }),
        errorCode: int16(),
      },
      { since: 3 },
    ),
  },
});
