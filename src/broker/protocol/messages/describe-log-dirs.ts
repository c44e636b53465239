import { api, array, arrayOf, bool, int16, int32, int64, string } from '../layout.ts';

export const describeLogDirs = api({
  name: 'DescribeLogDirs',
  key: 35,
  versions: [1, 4],
  flexible: 2,
  request: {
    topics: array(
      {
        topic: string(),
        partitions: arrayOf('int32'),
      },
      { nullable: 0 },
    ),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16({ since: 3, default: 0 }),
    results: array({
      errorCode: int16(),
      logDir: string(),
      topics: array({
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          partitionSize: int64(),
          offsetLag: int64({ default: 0 }),
          isFutureKey: bool({ default: false }),
        }),
      }),
      totalBytes: int64({ since: 4, default: -1 }),
      usableBytes: int64({ since: 4, default: -1 }),
    }),
  },
});
