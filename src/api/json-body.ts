/** JSON from outside, made safe to walk: UTF-8, bounded depth, no key that reaches a prototype. */
import { isUtf8 } from 'node:buffer';
import { KitError } from '../kit/errors.ts';

const MAX_DEPTH = 64;

/** @throws KitError INVALID_JSON */
export function parseJson(body: Buffer): unknown {
  if (!isUtf8(body)) throw new KitError('INVALID_JSON', 'The body is not valid UTF-8.');
  return parseJsonText(body.toString());
}

/** @throws KitError INVALID_JSON */
export function parseJsonText(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new KitError('INVALID_JSON', `This is not JSON: ${(cause as Error).message.slice(0, 200)}`, { cause });
  }
  assertSafe(value, 0);
  return value;
}

function assertSafe(value: unknown, depth: number): void {
  if (typeof value !== 'object' || value === null) return;
  if (depth === MAX_DEPTH) throw new KitError('INVALID_JSON', `JSON may be nested ${MAX_DEPTH} levels deep at most.`);
  if (Array.isArray(value)) {
    for (const item of value) assertSafe(item, depth + 1);
    return;
  }
  for (const key in value) {
    const member = (value as Record<string, unknown>)[key];
    if (
      key === '__proto__' ||
      (key === 'constructor' && typeof member === 'object' && member !== null && 'prototype' in member)
    )
      throw new KitError('INVALID_JSON', `The key ${key} is refused.`);
    assertSafe(member, depth + 1);
  }
}

/** Equal contents give equal text: keys sorted at every level. After RFC 8785, for values that came from JSON. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.keys(value).sort();
  return `{${members.map((key) => `${JSON.stringify(key)}:${canonicalJson((value as Record<string, unknown>)[key])}`).join(',')}}`;
}
