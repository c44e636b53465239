/** The AsyncAPI 3.1 document of the three topics, derived from the event schemas. Kafka bindings 0.5.0. */
import { SPEC_VERSION } from '../../kit/schemas/cloud-events.ts';
import {
  CATEGORIES,
  type Category,
  CURRENT_SCHEMA_VERSION,
  EVENT_TYPES,
  type EventType,
  type KeyField,
} from './events.ts';
import { schemaUri } from './incoming.ts';
import { eventSchema, type JsonSchema } from './json-schemas.ts';
import { socialTopicSpecs, type TopicPreset } from './topics.ts';

const BINDING_VERSION = '0.5.0';
const ID = { type: 'string', minLength: 1, maxLength: 256 };

export interface AsyncApiOptions {
  /** Of the application. */
  readonly version: string;
  /** `host:port` of a bootstrap server; without it the document names no server. */
  readonly bootstrap?: string;
  readonly preset?: TopicPreset;
  readonly replicationFactor?: number;
}

export interface AsyncApiDocument {
  readonly asyncapi: '3.1.0';
  readonly info: JsonSchema;
  readonly defaultContentType: string;
  readonly servers?: Readonly<Record<string, JsonSchema>>;
  readonly channels: Readonly<Record<string, JsonSchema>>;
  readonly operations: Readonly<Record<string, JsonSchema>>;
  readonly components: {
    readonly messages: Readonly<Record<string, JsonSchema>>;
    readonly schemas: Readonly<Record<string, JsonSchema>>;
  };
}

export function asyncApiDocument(options: AsyncApiOptions): AsyncApiDocument {
  const { version, bootstrap, preset = 'local', replicationFactor = 1 } = options;
  const categories = Object.keys(CATEGORIES) as Category[];
  const partitions = new Map(socialTopicSpecs(preset).map((spec) => [spec.name, spec.partitions]));
  return {
    asyncapi: '3.1.0',
    info: {
      title: 'StreamSocial event log',
      version,
      description:
        'Ten event types on three topics, as CloudEvents 1.0 in Kafka binary mode: attributes in `ce_` headers, the event data as JSON in the value.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    defaultContentType: 'application/json',
    ...(bootstrap === undefined ? {} : { servers: { log: { host: bootstrap, protocol: 'kafka' } } }),
    channels: byName(categories, (category) => {
      const { topic, types } = CATEGORIES[category];
      return {
        address: topic,
        messages: byName(types, (type) => ({ $ref: `#/components/messages/${type}` })),
        bindings: {
          kafka: {
            topic,
            partitions: partitions.get(topic),
            replicas: replicationFactor,
            bindingVersion: BINDING_VERSION,
          },
        },
      };
    }),
    operations: Object.fromEntries(
      categories.flatMap((category) =>
        (['send', 'receive'] as const).map((action) => [`${action}_${category}`, operation(action, category)]),
      ),
    ),
    components: {
      messages: Object.fromEntries(
        categories.flatMap((category) => CATEGORIES[category].types.map((type) => [type, message(type, category)])),
      ),
      schemas: byName(EVENT_TYPES, (type) => ({ title: `Data of ${type}`, ...eventSchema(type).properties.data })),
    },
  };
}

function byName<N extends string, V>(names: readonly N[], value: (name: N) => V): Record<N, V> {
  return Object.fromEntries(names.map((name) => [name, value(name)])) as Record<N, V>;
}

function operation(action: 'send' | 'receive', category: Category): JsonSchema {
  const channel = `#/channels/${category}`;
  return {
    action,
    channel: { $ref: channel },
    messages: CATEGORIES[category].types.map((type) => ({ $ref: `${channel}/messages/${type}` })),
  };
}

function message(type: EventType, category: Category): JsonSchema {
  const { topic, key } = CATEGORIES[category];
  const hasContent = 'content_id' in eventSchema(type).properties;
  const subject = hasContent ? 'content id' : 'user id';
  const attributes = {
    ce_specversion: { const: SPEC_VERSION },
    ce_id: { ...ID, description: 'The event id; the same id counts once' },
    ce_source: { type: 'string', format: 'uri-reference' },
    ce_type: { const: type },
    ce_time: { type: 'string', format: 'date-time', description: 'When it happened' },
    ce_subject: { ...ID, description: `The ${subject}` },
    ce_dataschema: { type: 'string', format: 'uri', examples: [schemaUri(type, CURRENT_SCHEMA_VERSION)] },
    ce_userid: ID,
    ...(hasContent ? { ce_contentid: ID } : {}),
  };
  return {
    name: type,
    title: type.replaceAll('_', ' '),
    summary: `A ${category.replaceAll('_', ' ')} on ${topic}`,
    contentType: 'application/json',
    headers: {
      type: 'object',
      required: Object.keys(attributes),
      properties: {
        ...attributes,
        ce_correlationid: ID,
        ce_causationid: ID,
        'content-type': { const: 'application/json' },
        traceparent: { type: 'string', description: 'W3C Trace Context' },
      },
    },
    payload: { $ref: `#/components/schemas/${type}` },
    bindings: { kafka: { key: { ...ID, description: keyText(key, subject) }, bindingVersion: BINDING_VERSION } },
  };
}

function keyText(key: KeyField, subject: string): string {
  return key === 'subject' ? `The subject: the ${subject}` : `The ${key.replaceAll('_', ' ')}`;
}
