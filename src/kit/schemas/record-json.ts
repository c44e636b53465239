/** A record's value as JSON: what every codec of JSON events begins with. */
import type { LogRecord } from '../log/event-log.ts';
import { utf8Text } from './cloud-events.ts';
import type { Decoded } from './event-codec.ts';

export type Poison = Extract<Decoded<never>, { readonly ok: false }>;

export function poison(code: string, reason: string): Poison {
  return { ok: false, code, reason };
}

/** Codes: NULL_VALUE, NOT_JSON. */
export function jsonOf({ value }: Pick<LogRecord, 'value'>): { readonly ok: true; readonly json: unknown } | Poison {
  if (value === null) return poison('NULL_VALUE', 'the record has no value');
  const text = utf8Text(value);
  if (text === null) return poison('NOT_JSON', 'the value is not UTF-8');
  try {
    return { ok: true, json: JSON.parse(text) };
  } catch (error) {
    return poison('NOT_JSON', `the value is not JSON: ${(error as SyntaxError).message}`);
  }
}

export function isJsonObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
