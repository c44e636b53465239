/** Bodies of POST /api/v1/events: one event, an array, or a line each. */
import { isUtf8 } from 'node:buffer';
import { KitError } from '../kit/errors.ts';
import { parseJson, parseJsonText } from './json-body.ts';

export const MAX_EVENT_BYTES = 64 * 1024;
export const MAX_BATCH_BYTES = 1024 * 1024;
export const MAX_ITEMS = 5_000;

export const JSON_TYPES = ['application/json', 'application/cloudevents+json', 'application/cloudevents-batch+json'];
export const NDJSON_TYPES = ['application/x-ndjson', 'application/ndjson'];

/** An item that cannot be an event is there as its error, so that its neighbours go through. */
export type EventBody =
  | { readonly kind: 'single'; readonly input: unknown }
  | { readonly kind: 'batch'; readonly items: readonly unknown[] };

/** @throws KitError INVALID_JSON, BODY_TOO_LARGE, TOO_MANY_ITEMS, EMPTY_BATCH */
export function parseJsonBody(body: Buffer): EventBody {
  const value = parseJson(body);
  if (Array.isArray(value))
    return batch(value.map((item) => tooLarge(body.length, () => JSON.stringify(item)) ?? item));
  if (body.length > MAX_EVENT_BYTES) throw tooLargeError();
  return { kind: 'single', input: value };
}

/** Empty lines are not items. @throws KitError TOO_MANY_ITEMS, EMPTY_BATCH */
export function parseNdjsonBody(body: Buffer): EventBody {
  if (!isUtf8(body)) throw new KitError('INVALID_JSON', 'The body is not valid UTF-8.');
  const lines = body
    .toString()
    .split('\n')
    .filter((line) => line.trim() !== '');
  return batch(lines.map((line) => tooLarge(body.length, () => line) ?? parsedLine(line)));
}

function parsedLine(line: string): unknown {
  try {
    return parseJsonText(line);
  } catch (error) {
    return error;
  }
}

function batch(items: readonly unknown[]): EventBody {
  if (items.length === 0) throw new KitError('EMPTY_BATCH', 'A batch holds at least one event.');
  if (items.length > MAX_ITEMS)
    throw new KitError('TOO_MANY_ITEMS', `A batch holds ${MAX_ITEMS} events at most, not ${items.length}.`, {
      details: { max_items: MAX_ITEMS },
    });
  return { kind: 'batch', items };
}

/** An item of a small body cannot be too large, and is not measured. */
function tooLarge(bodyBytes: number, text: () => string): KitError | null {
  return bodyBytes > MAX_EVENT_BYTES && Buffer.byteLength(text()) > MAX_EVENT_BYTES ? tooLargeError() : null;
}

function tooLargeError(): KitError {
  return new KitError(
    'BODY_TOO_LARGE',
    `An event takes ${MAX_EVENT_BYTES} bytes at most, a batch ${MAX_BATCH_BYTES}.`,
    {
      details: { max_event_bytes: MAX_EVENT_BYTES, max_batch_bytes: MAX_BATCH_BYTES },
    },
  );
}
