/** Values as text for people: JSON in lines, bytes as hex. Pure, and bounded by what is shown, not by what there is. */

export interface Shortened {
  readonly text: string;
  readonly cut: boolean;
}

/** Deeper levels are not indented any further, or their lines would be longer than their content. */
const MAX_INDENT = 40;

/**
 * JSON as it is, a member a line: told by its signs alone, since a tree that is a million levels deep can be read but not
 * walked, and numbers stay as they were written.
 */
export function prettyJson(json: string, maxChars: number): Shortened {
  const parts: string[] = [];
  let length = 0;
  let depth = 0;
  let at = 0;
  const put = (text: string): void => {
    parts.push(text);
    length += text.length;
  };
  const newLine = (): void => put(`\n${'  '.repeat(Math.min(depth, MAX_INDENT))}`);
  while (at < json.length && length < maxChars) {
    const sign = json[at]!;
    if (sign === '"') {
      const end = endOfString(json, at, at + maxChars - length);
      put(json.slice(at, end));
      at = end;
      continue;
    }
    at += 1;
    if (sign === '{' || sign === '[') {
      const next = afterSpace(json, at);
      const closing = sign === '{' ? '}' : ']';
      put(sign);
      if (json[next] === closing) {
        put(closing);
        at = next + 1;
      } else {
        depth += 1;
        newLine();
      }
    } else if (sign === '}' || sign === ']') {
      depth = Math.max(0, depth - 1);
      newLine();
      put(sign);
    } else if (sign === ',') {
      put(sign);
      newLine();
    } else if (sign === ':') put(': ');
    else if (!isSpace(sign)) put(sign);
  }
  const text = parts.join('');
  return { text: text.slice(0, maxChars), cut: at < json.length || text.length > maxChars };
}

/** The index after the closing quote, or `limit` where that comes first. */
function endOfString(json: string, from: number, limit: number): number {
  const last = Math.min(json.length, limit);
  for (let at = from + 1; at < last; at++) {
    if (json[at] === '\\') at += 1;
    else if (json[at] === '"') return at + 1;
  }
  return Math.min(json.length, Math.max(limit, from + 1));
}

function afterSpace(json: string, from: number): number {
  let at = from;
  while (at < json.length && isSpace(json[at]!)) at += 1;
  return at;
}

function isSpace(sign: string): boolean {
  return sign === ' ' || sign === '\n' || sign === '\r' || sign === '\t';
}

export function looksLikeJson(text: string): boolean {
  return /^\s*[{["]|^\s*(?:true|false|null|-?\d[\d.eE+-]*)\s*$/.test(text.slice(0, 200));
}

/** The bytes behind a text of the API: UTF-8, or base64. */
export function bytesOf(text: string, encoding: 'utf-8' | 'base64'): Uint8Array {
  if (encoding === 'utf-8') return new TextEncoder().encode(text);
  const binary = atob(text);
  return Uint8Array.from(binary, (unit) => unit.charCodeAt(0));
}

const ROW = 16;

/** `00000010  7b 22 74 65 …  {"te` sixteen bytes a line. */
export function hexDump(bytes: Uint8Array, maxBytes: number): Shortened {
  const lines: string[] = [];
  const end = Math.min(bytes.length, maxBytes);
  for (let at = 0; at < end; at += ROW) {
    const row = bytes.subarray(at, Math.min(at + ROW, end));
    const hex = Array.from(row, (byte) => byte.toString(16).padStart(2, '0'));
    const left = hex.slice(0, 8).join(' ').padEnd(23);
    const right = hex.slice(8).join(' ').padEnd(23);
    const text = Array.from(row, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
    lines.push(`${at.toString(16).padStart(8, '0')}  ${left}  ${right}  ${text}`);
  }
  return { text: lines.join('\n'), cut: end < bytes.length };
}
