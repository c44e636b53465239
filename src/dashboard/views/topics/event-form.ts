/** An event's form, from its JSON Schema: which fields, and how each is written and read. Pure. */

export interface EventField {
  /** JSON pointer: `/data/text`. */
  readonly path: string;
  readonly label: string;
  readonly kind: 'text' | 'number' | 'list' | 'choice';
  readonly required: boolean;
  readonly choices: readonly string[];
  readonly description: string | null;
}

interface Schema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly description?: string;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}

/** Of the envelope, what people fill in; `metadata` is for programs, and can be written as JSON. */
const ENVELOPE = ['user_id', 'content_id'];
const OPTIONAL_ENVELOPE = ['event_id', 'timestamp'];

/** Those of the envelope first, then those of `data`. */
export function fieldsOf(schema: unknown): EventField[] {
  const { properties = {}, required = [] } = schema as Schema;
  const own = (name: string) =>
    properties[name] === undefined ? [] : [fieldOf(`/${name}`, name, properties[name], required.includes(name))];
  const data = properties.data ?? {};
  const inData = Object.entries(data.properties ?? {}).map(([name, one]) =>
    fieldOf(`/data/${name}`, name, one, (data.required ?? []).includes(name)),
  );
  return [...ENVELOPE.flatMap(own), ...inData, ...OPTIONAL_ENVELOPE.flatMap(own)];
}

function fieldOf(path: string, label: string, schema: Schema, required: boolean): EventField {
  const choices = (schema.enum ?? []).filter((one) => typeof one === 'string');
  const kind =
    choices.length > 0
      ? 'choice'
      : schema.type === 'array'
        ? 'list'
        : schema.type === 'number' || schema.type === 'integer'
          ? 'number'
          : 'text';
  return { path, label, kind, required, choices, description: schema.description ?? null };
}

type Json = Readonly<Record<string, unknown>>;

export function readField(event: unknown, { path, kind }: EventField): string {
  let value: unknown = event;
  for (const name of namesOf(path)) value = isObject(value) ? value[name] : undefined;
  if (value === undefined || value === null) return '';
  if (kind === 'list' && Array.isArray(value)) return value.map(String).join(', ');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The event with another value in that field; an empty text leaves it out. */
export function writeField(event: unknown, field: EventField, text: string): Json {
  return written(isObject(event) ? event : {}, namesOf(field.path), valueIn(field, text));
}

function written(target: Json, [name, ...deeper]: readonly string[], value: unknown): Json {
  const { [name!]: before, ...others } = target;
  if (deeper.length > 0) return { ...target, [name!]: written(isObject(before) ? before : {}, deeper, value) };
  // a known field keeps its place among the others
  return value === undefined ? others : { ...target, [name!]: value };
}

function valueIn({ kind }: EventField, text: string): unknown {
  if (text === '') return undefined;
  if (kind === 'number') return Number.isFinite(Number(text)) ? Number(text) : text;
  if (kind === 'list')
    return text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '');
  return text;
}

function namesOf(path: string): string[] {
  return path.slice(1).split('/');
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export type Parsed = { readonly ok: true; readonly event: unknown } | { readonly ok: false; readonly message: string };

export function parseEvent(text: string): Parsed {
  try {
    return { ok: true, event: JSON.parse(text) };
  } catch (error) {
    return { ok: false, message: `This is not JSON: ${(error as Error).message}` };
  }
}
