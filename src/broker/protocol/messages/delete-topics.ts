import { api, array, arrayOf, int16, int32, NO_UUID, string, uuid } from '../layout.ts';

export const deleteTopics = api({
  name: 'DeleteTopics',
  key: 20,
  versions: [1, 6],
  flexible: 4,
  request: {
    topics: array(
      {
        name: string({ nullable: 0, default: null }),
        topicId: uuid(),
      },
      { since: 6 },
    ),
    topicNames: arrayOf('string', { until: 5 }),
    timeoutMs: int32(),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    responses: array({
      name: string({ nullable: 6 }),
      topicId: uuid({ since: 6, default: NO_UUID }),
      errorCode: int16(),
      errorMessage: string({ since: 5, nullable: 5, default: null }),
    }),
  },
});
