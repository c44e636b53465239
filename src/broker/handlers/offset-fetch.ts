import type { GroupCoordinator } from '../../kit/log/embedded/group-coordinator.ts';
import type { CommittedOffset } from '../../kit/log/embedded/group-store.ts';
import { coordinatorErrorOf } from '../coordinator-errors.ts';
import { handler } from '../handler.ts';
import { ERROR } from '../protocol/error-codes.ts';
import type { RequestOf, ResponseOf } from '../protocol/layout.ts';
import { offsetFetch as api } from '../protocol/messages/offset-fetch.ts';

type Asked = RequestOf<typeof api>['topics'];
type Answered = ResponseOf<typeof api>['groups'][number];
type Partition = Answered['topics'][number]['partitions'][number];

/** Every offset is stable here: there are no transactions that could take one back. */
export const offsetFetch = handler(api, async ({ groupId, topics, groups }, { version }, { coordinator }) => {
  if (version >= 8) {
    const answers = await Promise.all(groups.map((group) => offsetsOf(group.groupId, group.topics, coordinator)));
    return { topics: [], groups: answers };
  }
  const { topics: found, errorCode = ERROR.NONE } = await offsetsOf(groupId, topics, coordinator);
  if (version >= 2 || errorCode === ERROR.NONE) return { topics: found, errorCode, groups: [] };
  // Version 1 has no other place for it.
  const failed = (asked: readonly number[]) => asked.map((index) => ({ ...none(index), errorCode }));
  return {
    topics: (topics ?? []).map(({ name, partitionIndexes }) => ({ name, partitions: failed(partitionIndexes) })),
    groups: [],
  };
});

/** @param asked null: every offset there is */
async function offsetsOf(groupId: string, asked: Asked, coordinator: GroupCoordinator): Promise<Answered> {
  try {
    const committed = await coordinator.committedWithMetadata(groupId);
    const byTopic = Map.groupBy(committed, ({ topic }) => topic);
    if (asked === null) {
      const topics = [...byTopic].map(([name, offsets]) => ({ name, partitions: offsets.map(found) }));
      return { groupId, topics, errorCode: ERROR.NONE };
    }
    const topics = asked.map(({ name, partitionIndexes }) => {
      const offsets = new Map(byTopic.get(name)?.map((offset) => [offset.partition, found(offset)]));
      return { name, partitions: partitionIndexes.map((index) => offsets.get(index) ?? none(index)) };
    });
    return { groupId, topics, errorCode: ERROR.NONE };
  } catch (error) {
    return { groupId, topics: [], errorCode: coordinatorErrorOf(error) };
  }
}

function found({ partition, offset, leaderEpoch, metadata }: CommittedOffset): Partition {
  return {
    partitionIndex: partition,
    committedOffset: offset,
    committedLeaderEpoch: leaderEpoch,
    metadata,
    errorCode: ERROR.NONE,
  };
}

function none(partitionIndex: number): Partition {
  return { partitionIndex, committedOffset: -1, committedLeaderEpoch: -1, metadata: '', errorCode: ERROR.NONE };
}
