import { NODE_ID } from '../../kit/log/embedded/log-reader.ts';
import { type Broker, handler } from '../handler.ts';
import { ERROR, errorCodeOf, errorMessageOf } from '../protocol/error-codes.ts';
import type { RequestOf, ResponseOf } from '../protocol/layout.ts';
import { createPartitions as api } from '../protocol/messages/create-partitions.ts';

type Asked = RequestOf<typeof api>['topics'][number];
type Result = ResponseOf<typeof api>['results'][number];

export const createPartitions = handler(api, async ({ topics, validateOnly }, _asking, broker) => {
  const results: Result[] = [];
  for (const topic of topics) results.push(await add(topic, validateOnly, broker));
  return { results };
});

async function add({ name, count, assignments }: Asked, validateOnly: boolean, { store }: Broker): Promise<Result> {
  try {
    const added = count - store.topic(name).partitions;
    store.checkPartitions(name, count);
    if (assignments !== null) {
      const here = assignments.every(({ brokerIds }) => brokerIds.length === 1 && brokerIds[0] === NODE_ID);
      if (!here || assignments.length !== added) {
        const errorMessage = `${added} assignments are needed, each to broker ${NODE_ID}, the only one.`;
        return { name, errorCode: ERROR.INVALID_REPLICA_ASSIGNMENT, errorMessage };
      }
    }
    if (!validateOnly) await store.addPartitions(name, count);
    return { name, errorCode: ERROR.NONE };
  } catch (error) {
    return { name, errorCode: errorCodeOf(error), errorMessage: errorMessageOf(error) };
  }
}
