import { handler } from '../handler.ts';
import { ERROR, errorCodeOf } from '../protocol/error-codes.ts';
import { offsetForLeaderEpoch as api } from '../protocol/messages/offset-for-leader-epoch.ts';
import { LEADER_EPOCH } from './metadata.ts';

/** KIP-320: by which a consumer sees that a log was truncated. This one never is. */
export const offsetForLeaderEpoch = handler(api, ({ topics }, _asking, { store }) => ({
  topics: topics.map(({ topic, partitions }) => ({
    topic,
    partitions: partitions.map(({ partition, currentLeaderEpoch, leaderEpoch }) => {
      try {
        const { end } = store.offsets({ topic, partition });
        if (currentLeaderEpoch > LEADER_EPOCH) return { partition, errorCode: ERROR.UNKNOWN_LEADER_EPOCH };
        const known = leaderEpoch === LEADER_EPOCH;
        return { partition, errorCode: ERROR.NONE, ...(known ? { leaderEpoch, endOffset: end } : {}) };
      } catch (error) {
        return { partition, errorCode: errorCodeOf(error) };
      }
    }),
  })),
}));
