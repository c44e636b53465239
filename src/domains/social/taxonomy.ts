/** The set-up check of the event contract, and its summary for people. */
import type { TSchema } from 'typebox';
import { KitError } from '../../kit/errors.ts';
import { plainJsonSchema } from '../../kit/schemas/contract.ts';
import { CATEGORIES, type CategoryDefinition, CURRENT_SCHEMA_VERSION, EVENT_SCHEMAS } from './events.ts';

const KEYS = ['user_id', 'content_id', 'subject'];
const TYPES_IN_ALL = 10;

type Categories = Readonly<Record<string, CategoryDefinition>>;

/** The parts of an event's JSON Schema that the check looks at. */
interface EventJsonSchema {
  readonly additionalProperties?: unknown;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, { const?: unknown; additionalProperties?: unknown }>>;
}

/**
 * Refuses to start on a broken contract: ten types, three categories with a topic and a key each, every type in one
 * category and with a schema that names it, is closed, keeps unknown data, and has the field its topic is keyed by.
 *
 * @throws KitError TAXONOMY_INVALID with every reason in `details.reasons`
 */
export function validateTenCoreEvents(
  schemas: Readonly<Record<string, TSchema>> = EVENT_SCHEMAS,
  categories: Categories = CATEGORIES,
): void {
  const reasons: string[] = [];
  const expect = (holds: boolean, reason: string): void => {
    if (!holds) reasons.push(reason);
  };
  const count = Object.keys(schemas).length;
  expect(count === TYPES_IN_ALL, `there are ${count} event types, not ${TYPES_IN_ALL}`);
  expect(Object.keys(categories).length === 3, `there are ${Object.keys(categories).length} categories, not 3`);
  const topics = Object.values(categories).map(({ topic }) => topic);
  expect(new Set(topics).size === topics.length, `topics are shared between categories: ${topics.join(', ')}`);

  for (const [name, { topic, key, types }] of Object.entries(categories)) {
    expect(/^[a-z0-9][a-z0-9-]{0,199}$/.test(topic), `${name}: "${topic}" is not a topic name`);
    expect(KEYS.includes(key), `${name}: "${key}" is not a key`);
    for (const type of types) {
      expect(Object.hasOwn(schemas, type), `${name}: ${type} has no schema`);
      const hasContent = plainSchema(schemas[type]).required?.includes('content_id') ?? false;
      expect(key !== 'content_id' || hasContent, `${name}: ${type} is keyed by content_id but does not require it`);
    }
  }
  for (const [type, schema] of Object.entries(schemas)) {
    const homes = Object.keys(categories).filter((name) => categories[name]?.types.some((one) => one === type));
    expect(homes.length === 1, `${type} is in ${homes.length} categories, not 1`);
    const { additionalProperties, required = [], properties = {} } = plainSchema(schema);
    expect(
      properties.event_type?.const === type,
      `${type}: its schema is for "${String(properties.event_type?.const)}"`,
    );
    expect(additionalProperties === false, `${type}: unknown fields beside data are not refused`);
    expect(properties.data?.additionalProperties === true, `${type}: unknown fields inside data are not kept`);
    for (const field of ['event_id', 'event_type', 'user_id', 'timestamp', 'data', 'metadata']) {
      expect(required.includes(field), `${type}: ${field} is not required`);
    }
  }
  if (reasons.length > 0) {
    throw new KitError('TAXONOMY_INVALID', `the event contract is broken: ${reasons.join('; ')}`, {
      details: { reasons },
    });
  }
}

function plainSchema(schema: TSchema | undefined): EventJsonSchema {
  return schema === undefined ? {} : plainJsonSchema(schema);
}

export interface Taxonomy {
  readonly event_types: number;
  readonly schema_version: string;
  readonly categories: Readonly<Record<string, CategoryDefinition>>;
}

/** For `/api/status`. */
export function taxonomy(): Taxonomy {
  return {
    event_types: Object.keys(EVENT_SCHEMAS).length,
    schema_version: CURRENT_SCHEMA_VERSION,
    categories: CATEGORIES,
  };
}
