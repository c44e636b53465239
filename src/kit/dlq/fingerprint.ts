/** Which dead letters are one failure: the same code, group, topic and reason, but for what a reason says of its own event. */
import { createHash } from 'node:crypto';

export interface Failure {
  readonly code: string;
  readonly group: string;
  readonly topic: string;
  readonly reason: string;
}

const TAKEN_OUT = '…';
const MAX_SHAPE_LENGTH = 200;
/** JSON.parse quotes what it read, quotation marks and all, so where the quotation ends is known by what follows it. */
const JSON_SNIPPET = /(?:\.\.\.)?"[\s\S]*"(?:\.\.\.)? is not valid JSON/;
/** A mark within a word is an apostrophe: "the record's key". */
const QUOTED = /(?<![\p{L}\p{N}])(["'`])(?:(?!\1)[\s\S])*\1(?![\p{L}\p{N}])/gu;
/** Ids, numbers, times: what has a digit in it, as far as it is one word. */
const NUMBERED = /(?<![\p{L}\p{N}_-])[\p{L}\p{N}_-]*\p{N}(?:[\p{L}\p{N}_-]|[.:+](?=\p{N}))*/gu;
const REPEATED = /…(?:[\s,;:/.-]*…)+/g;

/** The reason without what is of one event alone: "post_1 is missing" and "post_2 is missing" have one shape. */
export function shapeOf(reason: string): string {
  return reason
    .replace(JSON_SNIPPET, `"${TAKEN_OUT}" is not valid JSON`)
    .replace(QUOTED, TAKEN_OUT)
    .replace(NUMBERED, TAKEN_OUT)
    .replace(REPEATED, TAKEN_OUT)
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, MAX_SHAPE_LENGTH)
    .trimEnd();
}

/** 16 hexadecimal digits, the same in every process and release that has the same shapes. */
export function fingerprintOf({ code, group, topic, reason }: Failure): string {
  const text = JSON.stringify([code, group, topic, shapeOf(reason)]);
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** Remembers the last failures: in a flood most are the same word for word. */
export function fingerprintMemo(max = 1_000): (failure: Failure) => string {
  const known = new Map<string, string>();
  return (failure) => {
    const { code, group, topic, reason } = failure;
    const name = `${code}\n${group}\n${topic}\n${reason}`;
    let found = known.get(name);
    if (found === undefined) {
      if (known.size >= max) known.clear();
      found = fingerprintOf(failure);
      known.set(name, found);
    }
    return found;
  };
}
