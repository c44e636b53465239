import { type Broker, handler } from '../handler.ts';
import { ERROR, errorCodeOf, errorMessageOf } from '../protocol/error-codes.ts';
import { NO_UUID, type ResponseOf } from '../protocol/layout.ts';
import { deleteTopics as api } from '../protocol/messages/delete-topics.ts';

type Deleted = ResponseOf<typeof api>['responses'][number];

interface Named {
  readonly name: string | null;
  readonly topicId: string;
}

export const deleteTopics = handler(api, async ({ topics, topicNames }, { version }, broker) => {
  const named: readonly Named[] = version < 6 ? topicNames.map((name) => ({ name, topicId: NO_UUID })) : topics;
  const responses: Deleted[] = [];
  for (const topic of named) responses.push(await remove(topic, broker));
  return { responses };
});

async function remove({ name, topicId }: Named, { store, coordinator }: Broker): Promise<Deleted> {
  if ((name === null) === (topicId === NO_UUID)) {
    return { name, topicId, errorCode: ERROR.INVALID_REQUEST, errorMessage: 'Either a name or an id names a topic.' };
  }
  try {
    const topic = name === null ? store.topicById(topicId) : store.topic(name);
    await store.deleteTopic(topic.name);
    coordinator.forgetTopic(topic.name);
    return { name: topic.name, topicId: topic.uuid, errorCode: ERROR.NONE };
  } catch (error) {
    return { name, topicId, errorCode: errorCodeOf(error), errorMessage: errorMessageOf(error) };
  }
}
