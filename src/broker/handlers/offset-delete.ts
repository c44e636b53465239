import { coordinatorErrorOf } from '../coordinator-errors.ts';
import { handler } from '../handler.ts';
import { byTopic, isKnown } from '../known-partitions.ts';
import { ERROR } from '../protocol/error-codes.ts';
import { offsetDelete as api } from '../protocol/messages/offset-delete.ts';

export const offsetDelete = handler(api, ({ groupId, topics }, _asking, { coordinator, store }) => {
  const asked = topics.flatMap(({ name: topic, partitions }) =>
    partitions.map(({ partitionIndex: partition }) => ({ topic, partition })),
  );
  const known = asked.filter((each) => isKnown(store, each));
  try {
    const outcomes = coordinator.deleteOffsets(groupId, known);
    const codes = new Map(known.map((each, i) => [each, outcomes[i] ? coordinatorErrorOf(outcomes[i]) : ERROR.NONE]));
    const answers = byTopic(asked, (each) => ({
      partitionIndex: each.partition,
      errorCode: codes.get(each) ?? ERROR.UNKNOWN_TOPIC_OR_PARTITION,
    }));
    return { errorCode: ERROR.NONE, topics: answers };
  } catch (error) {
    return { errorCode: coordinatorErrorOf(error), topics: [] };
  }
});
