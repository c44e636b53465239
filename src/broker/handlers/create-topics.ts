import { KitError } from '../../kit/errors.ts';
import { NODE_ID } from '../../kit/log/embedded/log-reader.ts';
import { checkTopicConfigs } from '../../kit/log/embedded/topic-configs.ts';
import { checkTopicName, randomId } from '../../kit/log/embedded/topic-rules.ts';
import { type Broker, handler } from '../handler.ts';
import { ERROR, type ErrorName, errorCodeOf, errorMessageOf } from '../protocol/error-codes.ts';
import type { RequestOf, ResponseOf } from '../protocol/layout.ts';
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

/** Checks in the order of Kafka's `ReplicationControlManager`. */
async function create(topic: NewTopic, validateOnly: boolean, { store, settings }: Broker): Promise<Created> {
  const { name } = topic;
  try {
    checkTopicName(name);
    if (store.hasTopic(name)) return refused(topic, 'TOPIC_ALREADY_EXISTS', `Topic "${name}" exists already.`);
    const config = configOf(topic);
    checkTopicConfigs(config);
    const refusal = refusalOf(topic);
    if (refusal !== null) return refused(topic, ...refusal);
    const given = topic.assignments.length > 0 ? topic.assignments.length : topic.numPartitions;
    const partitions = given === DEFAULT ? settings.defaultPartitions : given;
    const spec = { name, partitions, config };
    if (validateOnly) store.checkNewTopic(spec);
    else await store.createTopics([spec]);
    const configs = topicConfigEntries(config).map(({ name: key, value, source }) => ({
      name: key,
      value,
      configSource: source,
    }));
    const topicId = validateOnly ? randomId() : store.topic(name).uuid;
    return { name, topicId, errorCode: ERROR.NONE, numPartitions: partitions, replicationFactor: 1, configs };
  } catch (error) {
    return { name, errorCode: errorCodeOf(error), errorMessage: errorMessageOf(error), configs: [] };
  }
}

/** What is wrong with the number of partitions and where they are to be; null if nothing is. */
function refusalOf({ numPartitions, replicationFactor, assignments }: NewTopic): [ErrorName, string] | null {
  if (assignments.length > 0) {
    if (numPartitions !== DEFAULT || replicationFactor !== DEFAULT) {
      return ['INVALID_REQUEST', 'Both partitions and their assignment are given.'];
    }
    const here = assignments.every(({ brokerIds }) => brokerIds.length === 1 && brokerIds[0] === NODE_ID);
    const given = new Set(assignments.map(({ partitionIndex }) => partitionIndex));
    const dense = assignments.every((_, partition) => given.has(partition));
    return here && dense ? null : ['INVALID_REPLICA_ASSIGNMENT', `Broker ${NODE_ID} is the only one.`];
  }
  if (replicationFactor === DEFAULT || replicationFactor === 1) return null;
  const message = `A replication factor of ${replicationFactor} needs as many brokers, and the embedded log is one.`;
  return ['INVALID_REPLICATION_FACTOR', message];
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
  return { name, errorCode: ERROR[error], errorMessage, configs: [] };
}
