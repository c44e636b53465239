/**
 * CloudEvents 1.0, independent of any domain: the Kafka protocol binding (attributes in `ce_*` headers as UTF-8 text,
 * not percent-encoded: that is the HTTP binding's rule) and the JSON event format.
 * Source: cloudevents/spec, bindings/kafka-protocol-binding.md and formats/json-format.md.
 */
import { isUtf8 } from 'node:buffer';
import type { Header, LogRecord } from '../log/event-log.ts';
import type { FieldError } from './contract.ts';
import { isTraceparent } from './formats.ts';

export const SPEC_VERSION = '1.0';
export const JSON_EVENT_FORMAT = 'application/cloudevents+json';

/** Context attributes and extensions by name, as text; the JSON format's numbers and booleans in canonical form. */
export type Attributes = Readonly<Record<string, string>>;

export interface CloudEvent {
  readonly attributes: Attributes;
  /** Undefined where the event has none. */
  readonly data: unknown;
}

/** `plain`: no CloudEvent at all, the value stands alone. */
export type ContentMode = 'binary' | 'structured' | 'plain';

const REQUIRED = ['specversion', 'id', 'source', 'type'] as const;
const NOT_AN_ATTRIBUTE = new Set(['data', 'data_base64']);

export function header(name: string, value: string): Header {
  return [name, Buffer.from(value)];
}

/** For text that repeats (a source, a schema's URI): the same header again. Emptied when it has `max` entries. */
export function headerCache(name: string, max = 1_000): (value: string) => Header {
  const known = new Map<string, Header>();
  return (value) => {
    let found = known.get(value);
    if (found === undefined) {
      if (known.size >= max) known.clear();
      found = header(name, value);
      known.set(value, found);
    }
    return found;
  };
}

/** Text of UTF-8 bytes; null where they are none. Only a replacement character makes the costly check needed. */
export function utf8Text(bytes: Buffer): string | null {
  const text = bytes.toString('utf8');
  return text.includes('\ufffd') && !isUtf8(bytes) ? null : text;
}

/** A record's content mode, by the binding's rule: a `content-type` of CloudEvents' own, else any of the required attributes. */
export function contentMode(record: Pick<LogRecord, 'headers'>): ContentMode {
  let mode: ContentMode = 'plain';
  for (const [name, value] of record.headers) {
    if (name === 'content-type') {
      if (value?.toString('latin1').toLowerCase().startsWith('application/cloudevents')) return 'structured';
    } else if (mode === 'plain' && name.startsWith('ce_')) {
      if (name === 'ce_specversion' || name === 'ce_id' || name === 'ce_type' || name === 'ce_source') mode = 'binary';
    }
  }
  return mode;
}

function attributeName(header: string): string | null {
  if (header.startsWith('ce_')) return header.slice(3);
  if (header === 'content-type') return 'datacontenttype';
  return header === 'traceparent' ? header : null;
}

/** The attributes of a binary-mode record; of a repeated header the last one counts. Errors are empty where it conforms. */
export function readBinaryAttributes(record: Pick<LogRecord, 'headers'>): {
  readonly attributes: Attributes;
  readonly errors: readonly FieldError[];
} {
  const attributes: Record<string, string> = {};
  const errors: FieldError[] = [];
  for (const [name, value] of record.headers) {
    const attribute = attributeName(name);
    if (attribute === null || value === null) continue;
    const text = attributeText(attribute, value);
    // W3C Trace Context: an invalid traceparent is as good as none.
    if (attribute === 'traceparent' && (text === null || !isTraceparent(text))) continue;
    if (text === null) errors.push({ path: `/${attribute}`, message: 'must be UTF-8' });
    else attributes[attribute] = text;
  }
  checkAttributes(attributes, errors);
  return { attributes, errors };
}

/** Of some attributes the last value, because records of a batch share the bytes of headers that repeat. */
const lastText = new Map<string, { readonly bytes: Buffer; readonly text: string | null }>(
  ['specversion', 'source', 'type', 'dataschema', 'datacontenttype'].map((name) => [
    name,
    { bytes: Buffer.alloc(0), text: '' },
  ]),
);

function attributeText(attribute: string, bytes: Buffer): string | null {
  const last = lastText.get(attribute);
  if (last === undefined) return utf8Text(bytes);
  if (last.bytes === bytes) return last.text;
  const text = utf8Text(bytes);
  lastText.set(attribute, { bytes, text });
  return text;
}

/** The JSON event format. `data_base64` and data of another media type than JSON are refused. */
export function readStructured(input: Readonly<Record<string, unknown>>): {
  readonly event: CloudEvent;
  readonly errors: readonly FieldError[];
} {
  const attributes: Record<string, string> = {};
  const errors: FieldError[] = [];
  for (const [name, value] of Object.entries(input)) {
    // "Unset attributes MAY be encoded to the JSON value of null"
    if (NOT_AN_ATTRIBUTE.has(name) || value === null || value === undefined) continue;
    if (!/^[a-z0-9]{1,64}$/.test(name))
      errors.push({ path: `/${name.slice(0, 64)}`, message: 'is not an attribute name' });
    else if (typeof value === 'string') attributes[name] = value;
    else if (typeof value === 'boolean' || Number.isInteger(value)) attributes[name] = String(value);
    else errors.push({ path: `/${name}`, message: 'must be a string, an integer or a boolean' });
  }
  if ('data_base64' in input) errors.push({ path: '/data_base64', message: 'is not supported: data has to be JSON' });
  checkAttributes(attributes, errors);
  return { event: { attributes, data: input.data ?? undefined }, errors };
}

function checkAttributes(attributes: Attributes, errors: FieldError[]): void {
  for (const name of REQUIRED) if (!attributes[name]) errors.push({ path: `/${name}`, message: 'is required' });
  const { specversion, datacontenttype } = attributes;
  if (specversion && specversion !== SPEC_VERSION) {
    errors.push({ path: '/specversion', message: `must be ${SPEC_VERSION}` });
  }
  if (datacontenttype !== undefined && datacontenttype !== 'application/json' && !isJsonMediaType(datacontenttype)) {
    errors.push({ path: '/datacontenttype', message: 'must be a JSON media type' });
  }
}

function isJsonMediaType(text: string): boolean {
  return /^[\w.+-]+\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(text);
}
