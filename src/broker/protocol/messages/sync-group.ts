import { api, array, bytes, int16, int32, string } from '../layout.ts';

export const syncGroup = api({
  name: 'SyncGroup',
  key: 14,
  versions: [0, 5],
  flexible: 4,
  request: {
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: string({ since: 3, nullable: 3, default: null }),
    protocolType: string({ since: 5, nullable: 5, default: null }),
    protocolName: string({ since: 5, nullable: 5, default: null }),
    assignments: array({
      memberId: string(),
      assignment: bytes(),
    }),
  },
  response: {
    throttleTimeMs: int32({ since: 1, default: 0 }),
    errorCode: int16(),
    protocolType: string({ since: 5, nullable: 5, default: null }),
    protocolName: string({ since: 5, nullable: 5, default: null }),
    assignment: bytes(),
  },
});
