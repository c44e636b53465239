import { KitError } from '../../kit/errors.ts';
import { NODE_ID } from '../../kit/log/embedded/log-reader.ts';
import { type Broker, handler } from '../handler.ts';
import { ERROR, type ErrorName, errorCodeOf, errorMessageOf } from '../protocol/error-codes.ts';
import { NO_UUID, type RequestOf, type ResponseOf } from '../protocol/layout.ts';
import { createTopics as api } from '../protocol/messages/create-topics.ts';
import { topicConfigEntries } from '../topic-config-entries.ts';

type NewTopic = RequestOf<typeof api>['topics'][number];
type Created = ResponseOf<typeof api>['topics'][number];

/** The broker's own number. */
const DEFAULT = -1;

export const createTopics = handler(api, async ({ topics, validateOnly }, _asking, broker) => {
  const named = Map.groupBy(topics, ({ name }) => name);
  const created: Created[] = [];
  for (const [name, same] of named) {
    const [topic] = same;
    created.push(
      same.length > 1
        ? refused(topic!, 'INVALID_REQUEST', `${name} is named twice.`)
        : await create(topic!, validateOnly, broker),
    );
  }
  return { topics: created };
});

async function create(topic: NewTopic, validateOnly: boolean, broker: Broker): Promise<Created> {
  const { name, replicationFactor, assignments } = topic;
  const { store, settings } = broker;
  if (assignments.length > 0) {
    const alone = assignments.every(({ brokerIds }) => brokerIds.length === 1 && brokerIds[0] === NODE_ID);
    const dense = assignments.every((_, partition) =>
      assignments.some(({ partitionIndex }) => partitionIndex === partition),
    );
    if (topic.numPartitions !== DEFAULT || replicationFactor !== DEFAULT) {
      return refused(topic, 'INVALID_REQUEST', 'Both partitions and their assignment are given.');
    }
    if (!alone || !dense) return refused(topic, 'INVALID_REPLICA_ASSIGNMENT', `Broker ${NODE_ID} is the only one.`);
  } else if (replicationFactor !== DEFAULT && replicationFactor !== 1) {
    const message = `A replication factor of ${replicationFactor} needs as many brokers, and the embedded log is one.`;
    return refused(topic, 'INVALID_REPLICATION_FACTOR', message);
  }
  const given = assignments.length > 0 ? assignments.length : topic.numPartitions;
  const partitions = given === DEFAULT ? settings.defaultPartitions : given;
  const spec = { name, partitions };
  try {
    const config = configOf(topic);
    if (validateOnly) store.checkNewTopic({ ...spec, config });
    else await store.createTopics([{ ...spec, config }]);
    const configs = topicConfigEntries(config).map(({ name: key, value, source }) => ({
      name: key,
      value,
      configSource: source,
    }));
    const topicId = validateOnly ? NO_UUID : store.topic(name).uuid;
    return { name, topicId, errorCode: ERROR.NONE, numPartitions: partitions, replicationFactor: 1, configs };
  } catch (error) {
    return { name, errorCode: errorCodeOf(error), errorMessage: errorMessageOf(error) };
  }
}

function configOf({ configs }: NewTopic): Record<string, string> {
  return Object.fromEntries(
    configs.map(({ name, value }) => {
      if (value === null) throw new KitError('INVALID_CONFIG', `${name} needs a value.`);
      return [name, value];
    }),
  );
}

function refused({ name }: NewTopic, error: ErrorName, errorMessage: string): Created {
  return { name, errorCode: ERROR[error], errorMessage };
}
