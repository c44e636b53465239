import { handler } from '../handler.ts';
import { ERROR, errorCodeOf } from '../protocol/error-codes.ts';
import { deleteRecords as api } from '../protocol/messages/delete-records.ts';

export const deleteRecords = handler(api, async ({ topics }, _asking, { store }) => ({
  topics: await Promise.all(
    topics.map(async ({ name, partitions }) => ({
      name,
      partitions: await Promise.all(
        partitions.map(async ({ partitionIndex, offset }) => {
          try {
            const lowWatermark = await store.deleteRecords({ topic: name, partition: partitionIndex }, offset);
            return { partitionIndex, errorCode: ERROR.NONE, lowWatermark };
          } catch (error) {
            return { partitionIndex, errorCode: errorCodeOf(error) };
          }
        }),
      ),
    })),
  ),
}));
