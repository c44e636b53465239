/** A TypeBox schema, compiled once: a fast check, errors a person can act on, and the JSON Schema for documents. */
import type { Static, TSchema } from 'typebox';
import Compile from 'typebox/compile';
import { Errors } from 'typebox/value';

export interface FieldError {
  /** JSON pointer; empty for the whole. */
  readonly path: string;
  readonly message: string;
}

export interface Contract<T> {
  check(value: unknown): value is T;
  /** One per path, at most eight (TypeBox's own limit); empty where the value fits. */
  errors(value: unknown): FieldError[];
  /** JSON Schema 2020-12, without TypeBox's own marks. */
  readonly jsonSchema: Readonly<Record<string, unknown>>;
}

export const UNKNOWN_FIELD = 'is not a known field';

/** TypeBox marks its types with keys that start with `~`. */
export function plainJsonSchema(schema: TSchema): Record<string, unknown> {
  return JSON.parse(JSON.stringify(schema, (key, value) => (key.startsWith('~') ? undefined : value)));
}

export function contractOf<S extends TSchema>(schema: S): Contract<Static<S>> {
  const validator = Compile(schema as TSchema);
  const walk = errorWalk(schema);
  return {
    check: (value): value is Static<S> => validator.Check(value),
    jsonSchema: plainJsonSchema(schema),
    errors(value) {
      const byPath = new Map<string, string>();
      const note = (path: string, message: string): void => {
        if (!byPath.has(path)) byPath.set(path, message);
      };
      for (const error of validator.Check(value) ? [] : walk(value)) {
        const at = error.instancePath;
        if (error.keyword === 'required') {
          for (const name of error.params.requiredProperties) note(`${at}/${name}`, 'is required');
        } else if (error.keyword === 'additionalProperties') {
          for (const name of error.params.additionalProperties) note(`${at}/${pointerToken(name)}`, UNKNOWN_FIELD);
        } else if (error.keyword === 'enum') {
          note(at, `must be one of ${error.params.allowedValues.join(', ')}`);
        } else if (error.keyword === 'const') {
          note(at, `must be ${JSON.stringify(error.params.allowedValue)}`);
        } else if (error.keyword === 'minLength' && error.params.limit === 1) {
          note(at, 'must not be empty');
        } else if (error.keyword !== 'anyOf' && error.keyword !== 'boolean') {
          note(at, error.message);
        }
      }
      return [...byPath].map(([path, message]) => ({ path, message }));
    },
  };
}

type Fields<T> = Readonly<Record<string, T>>;

const OBJECT_KEYWORDS = new Set(['type', 'properties', 'required', 'additionalProperties', '~kind']);

/**
 * TypeBox looks for errors in every corner of a schema, which takes ten times as long as a check. An object's fields that
 * fit by themselves are therefore left out, of the value and of the schema; the errors are the same.
 */
function errorWalk(schema: TSchema): (value: unknown) => ReturnType<typeof Errors> {
  const { properties, required = [] } = schema as { properties?: Fields<TSchema>; required?: readonly string[] };
  const isPlain = Object.getOwnPropertyNames(schema).every((keyword) => OBJECT_KEYWORDS.has(keyword));
  if (properties === undefined || !isPlain) return (value) => Errors(schema, value);
  let validators: (readonly [name: string, validator: ReturnType<typeof Compile>])[] | undefined;
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return Errors(schema, value);
    validators ??= Object.entries(properties).map(([name, property]) => [name, Compile(property)]);
    const fields = value as Fields<unknown>;
    const fitting = new Set<string>();
    for (const [name, validator] of validators)
      if (Object.hasOwn(fields, name) && validator.Check(fields[name])) fitting.add(name);
    const rest = <T>(all: Fields<T>) => Object.fromEntries(Object.entries(all).filter(([name]) => !fitting.has(name)));
    const narrowed = {
      ...schema,
      properties: rest(properties),
      required: required.filter((name) => !fitting.has(name)),
    };
    return Errors(narrowed, rest(fields));
  };
}

/** RFC 6901. A name of a stranger's making is cut to 64 characters. */
function pointerToken(name: string): string {
  return name.slice(0, 64).replaceAll('~', '~0').replaceAll('/', '~1');
}
