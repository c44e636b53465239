import { api, array, int16, int32, string } from '../layout.ts';

export const offsetDelete = api({
  name: 'OffsetDelete',
  key: 47,
  versions: [0, 0],
  flexible: Number.POSITIVE_INFINITY,
  request: {
    groupId: string(),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
      }),
    }),
  },
  response: {
    errorCode: int16(),
    throttleTimeMs: int32({ default: 0 }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
      }),
    }),
  },
});
