import { api, array, arrayOf, bool, int8, int16, int32, NO_UUID, string, uuid } from '../layout.ts';

export const createTopics = api({
  name: 'CreateTopics',
  key: 19,
  versions: [2, 7],
  flexible: 5,
  request: {
    topics: array({
      name: string(),
      numPartitions: int32(),
      replicationFactor: int16(),
      assignments: array({
        partitionIndex: int32(),
        brokerIds: arrayOf('int32'),
      }),
      configs: array({
        name: string(),
        value: string({ nullable: 0 }),
      }),
    }),
    timeoutMs: int32({ default: 60000 }),
    validateOnly: bool({ default: false }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    topics: array({
      name: string(),
      topicId: uuid({ since: 7, default: NO_UUID }),
      errorCode: int16(),
      errorMessage: string({ nullable: 0, default: null }),
      topicConfigErrorCode: int16({ since: 5, tag: 0 }),
      numPartitions: int32({ since: 5, default: -1 }),
      replicationFactor: int16({ since: 5, default: -1 }),
      configs: array(
        {
          name: string(),
          value: string({ nullable: 0 }),
          readOnly: bool({ default: false }),
          configSource: int8({ default: -1 }),
          isSensitive: bool({ default: false }),
        },
        { since: 5, nullable: 5, default: null },
      ),
    }),
  },
});
