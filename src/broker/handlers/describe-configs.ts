import { KitError } from '../../kit/errors.ts';
import { NODE_ID } from '../../kit/log/embedded/log-reader.ts';
import { checkTopicName } from '../../kit/log/embedded/topic-rules.ts';
import { type Broker, handler } from '../handler.ts';
import { ERROR, errorCodeOf, errorMessageOf } from '../protocol/error-codes.ts';
import type { RequestOf, ResponseOf } from '../protocol/layout.ts';
import { describeConfigs as api } from '../protocol/messages/describe-configs.ts';
import { CONFIG_SOURCE, CONFIG_TYPE, RESOURCE_TYPE, topicConfigEntries } from '../topic-config-entries.ts';

type Request = RequestOf<typeof api>;
type Resource = Request['resources'][number];
type Result = ResponseOf<typeof api>['results'][number];
type Config = Result['configs'][number];

export const describeConfigs = handler(api, (request, _asking, broker) => ({
  results: request.resources.map((resource) => {
    const { resourceType, resourceName, configurationKeys } = resource;
    try {
      const configs = configsOf(resource, request, broker).filter(
        ({ name }) => !configurationKeys?.length || configurationKeys.includes(name),
      );
      return { errorCode: ERROR.NONE, resourceType, resourceName, configs };
    } catch (error) {
      const errorMessage = errorMessageOf(error);
      return { errorCode: errorCodeOf(error), errorMessage, resourceType, resourceName, configs: [] };
    }
  }),
}));

function configsOf({ resourceType, resourceName }: Resource, request: Request, broker: Broker): Config[] {
  if (resourceType === RESOURCE_TYPE.TOPIC) return ofTopic(resourceName, request, broker);
  if (resourceType === RESOURCE_TYPE.BROKER) return ofBroker(resourceName, request, broker);
  throw new KitError('INVALID_ARGUMENT', `Resources of type ${resourceType} have no configuration here.`);
}

function ofTopic(topic: string, { includeSynonyms, includeDocumentation }: Request, { store }: Broker): Config[] {
  checkTopicName(topic);
  return topicConfigEntries(store.topic(topic).config).map(({ definition, name, value, source }) => {
    const fallback = { name, value: definition.default, source: CONFIG_SOURCE.DEFAULT };
    const set = source === CONFIG_SOURCE.TOPIC ? [{ name, value, source }] : [];
    const documentation = definition.heeded
      ? 'The embedded log acts on it.'
      : 'Kept for tools: it is about what the embedded log has not got.';
    return {
      name,
      value,
      configSource: source,
      synonyms: includeSynonyms ? [...set, fallback] : [],
      configType: CONFIG_TYPE[definition.type],
      ...(includeDocumentation ? { documentation } : {}),
    };
  });
}

/** What holds for all topics; it is set where the broker is started, not through the protocol. */
function ofBroker(id: string, { includeSynonyms }: Request, { settings, host, port, store }: Broker): Config[] {
  if (id === '') return [];
  if (id !== String(NODE_ID)) {
    throw new KitError('INVALID_ARGUMENT', `There is no broker "${id}": the only one is ${NODE_ID}.`);
  }
  const configs = [
    ['advertised.listeners', 'string', `PLAINTEXT://${host}:${port}`],
    ['auto.create.topics.enable', 'boolean', String(settings.autoCreateTopics)],
    ['default.replication.factor', 'int', '1'],
    ['message.max.bytes', 'int', String(store.maxMessageBytes)],
    ['node.id', 'int', String(NODE_ID)],
    ['num.partitions', 'int', String(settings.defaultPartitions)],
  ] as const;
  return configs.map(([name, type, value]) => ({
    name,
    value,
    readOnly: true,
    configSource: CONFIG_SOURCE.STATIC_BROKER,
    synonyms: includeSynonyms ? [{ name, value, source: CONFIG_SOURCE.STATIC_BROKER }] : [],
    configType: CONFIG_TYPE[type],
  }));
}
