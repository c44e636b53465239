import { handler } from '../handler.ts';
import { ERROR, errorCodeOf } from '../protocol/error-codes.ts';
import { initProducerId as api } from '../protocol/messages/init-producer-id.ts';

const NONE = { producerId: -1, producerEpoch: -1 };

export const initProducerId = handler(
  api,
  async ({ transactionalId, producerId, producerEpoch }, _asking, { store }) => {
    // Transactions are not offered; a client that wants one has been told so by FindCoordinator already.
    if (transactionalId !== null) return { errorCode: ERROR.INVALID_REQUEST, ...NONE };
    if ((producerId === -1) !== (producerEpoch === -1)) return { errorCode: ERROR.INVALID_REQUEST, ...NONE };
    try {
      return { errorCode: ERROR.NONE, producerId: await store.allocateProducerId(), producerEpoch: 0 };
    } catch (error) {
      return { errorCode: errorCodeOf(error), ...NONE };
    }
  },
);
