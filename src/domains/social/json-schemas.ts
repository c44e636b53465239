/** The event contract as plain JSON Schema (2020-12), for OpenAPI and AsyncAPI documents. Derived, never written twice. */
import { DEFINITIONS, EVENT_TYPES, type EventType } from './events.ts';

export type JsonSchema = Readonly<Record<string, unknown>>;

/** The parts of an event's schema that documents are made of. */
export interface EventJsonSchema extends JsonSchema {
  readonly required: readonly string[];
  readonly properties: Readonly<Record<string, JsonSchema>>;
}

/** An event as it is stored: everything filled in. */
export function eventSchema(type: EventType): EventJsonSchema {
  return DEFINITIONS.get(type)!.contract.jsonSchema as EventJsonSchema;
}

/** An event as `POST /api/v1/events` takes it: what the server can fill in may be left out. */
export function eventInputSchema(type: EventType): EventJsonSchema {
  const { required, properties, ...rest } = eventSchema(type);
  const { required: requiredData = [] } = properties.data as Partial<EventJsonSchema>;
  const filledIn = ['event_id', 'timestamp', 'metadata', ...(requiredData.length === 0 ? ['data'] : [])];
  return {
    title: type,
    ...rest,
    required: required.filter((name) => !filledIn.includes(name)),
    properties: { ...properties, metadata: { ...properties.metadata, required: [] } },
  };
}

/** Any of the ten, told apart by `event_type` (OpenAPI's discriminator needs references, so it is left to the document). */
export function anyEventInputSchema(): JsonSchema {
  return { oneOf: EVENT_TYPES.map(eventInputSchema) };
}

/** `application/cloudevents+json`, as `POST /api/v1/events` takes it. */
export function cloudEventInputSchema(): JsonSchema {
  const text = { type: 'string', minLength: 1, maxLength: 256 };
  return {
    title: 'CloudEvent',
    type: 'object',
    additionalProperties: false,
    required: ['specversion', 'id', 'source', 'type'],
    properties: {
      specversion: { const: '1.0' },
      id: text,
      source: { ...text, format: 'uri-reference' },
      type: { enum: [...EVENT_TYPES] },
      time: { type: 'string', format: 'date-time' },
      subject: { ...text, description: 'The content id of types that have one, else the user id' },
      userid: text,
      contentid: text,
      correlationid: text,
      causationid: text,
      traceparent: { type: 'string' },
      dataschema: { type: 'string', format: 'uri' },
      datacontenttype: { type: 'string', examples: ['application/json'] },
      data: { type: 'object' },
    },
  };
}
