import { isUtf8 } from 'node:buffer';

const ENCODED = 'base64:';

/** A record key as text, so that different keys stay different: readable where it is plain UTF-8, else base64. */
export function keyToText(key: Buffer | null): string {
  if (key === null) return '';
  if (isUtf8(key) && !key.includes(0)) {
    const text = key.toString('utf8');
    if (!text.startsWith(ENCODED)) return text;
  }
  return ENCODED + key.toString('base64');
}

export function textToKey(text: string): Buffer {
  return text.startsWith(ENCODED) ? Buffer.from(text.slice(ENCODED.length), 'base64') : Buffer.from(text, 'utf8');
}
