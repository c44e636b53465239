/** The layouts against Kafka's own definitions, field by field and version by version. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { HANDLERS } from '../../../src/broker/handlers.ts';
import type { Api, Field, Fields } from '../../../src/broker/protocol/layout.ts';
import { KAFKA_COMPONENTS } from '../../support/cluster.ts';
import { missing } from '../../support/requirements.ts';
import { type OfficialField, type OfficialMessage, officialMessages } from './official-messages.ts';

/** How one version of a message reads on the wire, a line per field. */
type Lines = readonly string[];

function ours(fields: Fields, version: number, indent = ''): Lines {
  return Object.entries(fields).flatMap(([name, field]) => {
    if (version < field.since || version > field.until) return [];
    const tag = field.tag === null ? '' : ` tag ${field.tag}`;
    const nullable = version >= field.nullableSince ? ' nullable' : '';
    const inner = field.fields === null ? [] : ours(field.fields, version, `${indent}  `);
    return [`${indent}${name}: ${typeOf(field)}${nullable}${tag}`, ...inner];
  });
}

function typeOf(field: Field): string {
  if (field.type !== 'array') return field.type;
  return `[]${field.element ?? 'struct'}`;
}

const SCALARS = /^(bool|int8|int16|uint16|int32|uint32|int64|float64|string|bytes|records|uuid)$/;

function official(message: OfficialMessage, fields: readonly OfficialField[], version: number, indent = ''): Lines {
  const common = new Map(message.commonStructs?.map((struct) => [struct.name, struct.fields]));
  return fields.flatMap((field) => {
    if (!includes(field.versions ?? '0+', version)) return [];
    const element = field.type.replace('[]', '');
    const type = SCALARS.test(element) ? field.type : field.type.replace(element, 'struct');
    const tag = field.tag !== undefined && includes(field.taggedVersions, version) ? ` tag ${field.tag}` : '';
    const nullable = includes(field.nullableVersions, version) ? ' nullable' : '';
    const structs = field.fields ?? common.get(element);
    const inner = structs === undefined ? [] : official(message, structs, version, `${indent}  `);
    return [`${indent}${lowerFirst(field.name)}: ${type}${nullable}${tag}`, ...inner];
  });
}

/** Of fields that a request may lack or whose tag may be left out: what is taken for them. */
function defaults(fields: Fields, path = ''): Map<string, unknown> {
  const found = new Map<string, unknown>();
  for (const [name, field] of Object.entries(fields)) {
    found.set(path + name, field.default);
    for (const [inner, value] of field.fields === null ? [] : defaults(field.fields, `${path}${name}.`)) {
      found.set(inner, value);
    }
  }
  return found;
}

function officialDefaults(message: OfficialMessage, fields: readonly OfficialField[], path = ''): Map<string, unknown> {
  const found = new Map<string, unknown>();
  const common = new Map(message.commonStructs?.map((struct) => [struct.name, struct.fields]));
  for (const field of fields) {
    const at = path + lowerFirst(field.name);
    if (field.default !== undefined) found.set(at, defaultOf(field));
    for (const [inner, value] of officialDefaults(
      message,
      field.fields ?? common.get(field.type.replace('[]', '')) ?? [],
      `${at}.`,
    )) {
      found.set(inner, value);
    }
  }
  return found;
}

function defaultOf({ type, default: text }: OfficialField): unknown {
  if (text === 'null') return null;
  if (type === 'string') return text;
  if (type === 'bool') return String(text) === 'true';
  return Number(text);
}

function includes(range: string | undefined, version: number): boolean {
  if (range === undefined || range === 'none') return false;
  const [, first, rest, last] = /^(\d+)(\+|-(\d+))?$/.exec(range)!;
  if (version < Number(first)) return false;
  return rest === '+' || version <= Number(last ?? first);
}

function lowerFirst(name: string): string {
  return name[0]!.toLowerCase() + name.slice(1);
}

describe('message layouts', { skip: missing(...KAFKA_COMPONENTS) ?? false }, () => {
  let messages: Map<string, OfficialMessage>;
  before(async () => {
    messages = await officialMessages();
  });

  for (const { api } of HANDLERS) {
    for (const kind of ['Request', 'Response'] as const) {
      test(`${api.name}${kind}`, () => {
        const message = messages.get(`${api.name}${kind}`)!;
        const fields = kind === 'Request' ? api.request : api.response;
        if (kind === 'Request') assert.equal(message.apiKey, api.key);
        assert.deepEqual(flexibleVersions(api), message.flexibleVersions.replace('+', ''));
        for (let version = api.versions[0]; version <= api.versions[1]; version++) {
          assert.ok(includes(message.validVersions, version), `version ${version} does not exist`);
          assert.deepEqual(ours(fields, version), official(message, message.fields, version), `version ${version}`);
        }
        const mine = defaults(fields);
        for (const [name, value] of officialDefaults(message, message.fields)) {
          if (mine.has(name)) assert.deepEqual(mine.get(name), value, `the default of ${name}`);
        }
      });
    }
  }

  test('each API is offered up to the last stable version', () => {
    for (const { api } of HANDLERS) {
      const { validVersions, latestVersionUnstable } = messages.get(`${api.name}Request`)!;
      const [first, last = first] = validVersions.split('-').map(Number);
      assert.deepEqual([...api.versions], [first, latestVersionUnstable ? last! - 1 : last], api.name);
    }
  });
});

function flexibleVersions({ flexible }: Api): string {
  return flexible === Number.POSITIVE_INFINITY ? 'none' : String(flexible);
}
