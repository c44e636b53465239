import { isKitError } from '../../kit/errors.ts';
import { coordinatorErrorOf } from '../coordinator-errors.ts';
import { handler } from '../handler.ts';
import { byTopic, isKnown } from '../known-partitions.ts';
import { ERROR } from '../protocol/error-codes.ts';
import { offsetCommit as api } from '../protocol/messages/offset-commit.ts';

/** Kafka's `offset.metadata.max.bytes`, which counts characters as well. */
const MAX_METADATA_LENGTH = 4_096;
const BROKERS_RETENTION = -1;

export const offsetCommit = handler(api, async (request, { version }, { coordinator, store }) => {
  const { groupId, generationIdOrMemberEpoch: generation, memberId, groupInstanceId, retentionTimeMs } = request;
  const asked = request.topics.flatMap(({ name: topic, partitions }) =>
    partitions.map(
      ({ partitionIndex: partition, committedOffset: offset, committedLeaderEpoch: leaderEpoch, ...rest }) => {
        return { topic, partition, offset, leaderEpoch, metadata: rest.committedMetadata ?? '' };
      },
    ),
  );

  const commit = async (offsets: typeof asked): Promise<number> => {
    const identity = { groupId, generation, memberId, groupInstanceId };
    try {
      await coordinator.commit(identity, offsets, retentionTimeMs === BROKERS_RETENTION ? null : retentionTimeMs);
      return ERROR.NONE;
    } catch (error) {
      // So the protocol answers who is no member while there are some.
      if (isKitError(error, 'GROUP_ACTIVE')) return ERROR.UNKNOWN_MEMBER_ID;
      const isUnknown = isKitError(error, 'ILLEGAL_GENERATION') && coordinator.describe(groupId).state === 'Dead';
      return isUnknown && version >= 9 ? ERROR.GROUP_ID_NOT_FOUND : coordinatorErrorOf(error);
    }
  };

  const known = new Set(asked.filter((each) => isKnown(store, each)));
  const groupError =
    known.size === 0 ? ERROR.NONE : await commit([...known].filter((each) => faultOf(each) === ERROR.NONE));
  const topics = byTopic(asked, (each) => ({
    partitionIndex: each.partition,
    errorCode: known.has(each) ? groupError || faultOf(each) : ERROR.UNKNOWN_TOPIC_OR_PARTITION,
  }));
  return { topics };
});

function faultOf({ offset, metadata }: { readonly offset: number; readonly metadata: string }): number {
  if (metadata.length > MAX_METADATA_LENGTH) return ERROR.OFFSET_METADATA_TOO_LARGE;
  return Number.isSafeInteger(offset) ? ERROR.NONE : ERROR.OFFSET_OUT_OF_RANGE;
}
