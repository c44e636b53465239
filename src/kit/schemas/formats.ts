/**
 * Text formats that JSON Schema cannot say, or says too loosely. All checks are total: any text gives an answer, none throws.
 */
import Type, { type TRefine, type TString } from 'typebox';

export const MAX_ID_BYTES = 256;
const MAX_TIMESTAMP_CHARS = 64;
const MS_PER_MINUTE = 60_000;
const MS_PER_400_YEARS = 146_097 * 86_400_000;
const YEAR_0000_MS = Date.parse('0000-01-01T00:00:00.000Z');
const YEAR_9999_END_MS = Date.parse('9999-12-31T23:59:59.999Z');
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** 1 to 256 bytes of UTF-8, no control characters (U+0000-001F, U+007F-009F), no lone surrogates (they have no UTF-8 form). */
export function isId(text: string): boolean {
  const length = text.length;
  if (length === 0 || length > MAX_ID_BYTES) return false;
  let bytes = length;
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x7f) {
      if (unit < 0x20) return false;
    } else if (unit < 0xa0) {
      return false;
    } else if (unit < 0x800) {
      bytes += 1;
    } else if (unit < 0xd800 || unit > 0xdfff) {
      bytes += 2;
    } else {
      // A pair is two units and four bytes.
      const next = text.charCodeAt(++i);
      if (unit > 0xdbff || !(next >= 0xdc00 && next <= 0xdfff)) return false;
      bytes += 2;
    }
  }
  return bytes <= MAX_ID_BYTES;
}

/** NaN where one of the characters is no digit or is missing. */
function digits(text: string, from: number, count: number): number {
  let number = 0;
  for (let i = from; i < from + count; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (!(digit >= 0 && digit <= 9)) return Number.NaN;
    number = number * 10 + digit;
  }
  return number;
}

function daysIn(year: number, month: number): number {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return month === 2 && leap ? 29 : (DAYS[month - 1] ?? 0);
}

/** Minutes east of UTC of the offset that starts at `at` and ends the text; NaN where there is none. RFC 3339 time-offset. */
function offsetMinutes(text: string, at: number): number {
  const sign = text[at];
  if (sign === 'Z' || sign === 'z') return text.length === at + 1 ? 0 : Number.NaN;
  if ((sign !== '+' && sign !== '-') || text[at + 3] !== ':' || text.length !== at + 6) return Number.NaN;
  const hours = digits(text, at + 1, 2);
  const minutes = digits(text, at + 4, 2);
  if (!(hours <= 23 && minutes <= 59)) return Number.NaN;
  return (sign === '-' ? -1 : 1) * (hours * 60 + minutes);
}

/**
 * Milliseconds since the epoch of an RFC 3339 date-time, or NaN where the text is none. Fractions beyond milliseconds
 * are cut off. A leap second (:60, only at 23:59 UTC) counts as the last millisecond of its minute. The UTC year
 * has to lie in 0000-9999, so that `utcText` always has one width.
 */
export function epochMs(text: string): number {
  if (text.length > MAX_TIMESTAMP_CHARS) return Number.NaN;
  const year = digits(text, 0, 4);
  const month = digits(text, 5, 2);
  const day = digits(text, 8, 2);
  const hour = digits(text, 11, 2);
  const minute = digits(text, 14, 2);
  const second = digits(text, 17, 2);
  const inRange = month >= 1 && day >= 1 && day <= daysIn(year, month) && hour <= 23 && minute <= 59 && second <= 60;
  if (!inRange || text[4] !== '-' || text[7] !== '-' || text[13] !== ':' || text[16] !== ':') return Number.NaN;
  if (text[10] !== 'T' && text[10] !== 't') return Number.NaN;

  let at = 19;
  let ms = 0;
  if (text[at] === '.') {
    for (at++; digits(text, at, 1) >= 0; at++) if (at < 23) ms += digits(text, at, 1) * 10 ** (22 - at);
    if (at === 20) return Number.NaN;
  }
  const offset = offsetMinutes(text, at);
  if (Number.isNaN(offset)) return Number.NaN;
  if (second === 60) {
    const utcMinute = (hour * 60 + minute - offset + 2880) % 1440;
    if (utcMinute !== 1439) return Number.NaN;
    ms = 999;
  }
  // Date.UTC reads the years 0-99 as 19xx; the calendar repeats every 400 years.
  const local = Date.UTC(year + 400, month - 1, day, hour, minute, Math.min(second, 59), ms) - MS_PER_400_YEARS;
  const utc = local - offset * MS_PER_MINUTE;
  return utc >= YEAR_0000_MS && utc <= YEAR_9999_END_MS ? utc : Number.NaN;
}

export function isTimestamp(text: string): boolean {
  return !Number.isNaN(epochMs(text));
}

/** RFC 3339 in UTC with milliseconds, 24 characters: byte order is time order. The argument has to be a valid timestamp. */
export function utcText(timestamp: string): string {
  const plain = timestamp[10] === 'T' && timestamp[17] !== '6';
  if (plain && timestamp.length === 20 && timestamp.endsWith('Z')) return `${timestamp.slice(0, 19)}.000Z`;
  if (plain && timestamp.length === 24 && timestamp.endsWith('Z')) return timestamp;
  return new Date(epochMs(timestamp)).toISOString();
}

/** Whether RFC 3339 can say it. A client may have stamped its records with anything. */
export function isCalendarMs(ms: number): boolean {
  return ms >= YEAR_0000_MS && ms <= YEAR_9999_END_MS;
}

/** RFC 3339 of a record's time, to be shown: of one that no calendar has, the nearest that it has. */
export function shownTime(ms: number): string {
  return new Date(Math.min(YEAR_9999_END_MS, Math.max(YEAR_0000_MS, ms))).toISOString();
}

/** RFC 3339 of a record's time, for an event that has none of its own; what no calendar has stays a number, which no schema takes. */
export function timeOfRecord({ timestamp }: { readonly timestamp: number }): string {
  const ms = Math.max(0, timestamp);
  return isCalendarMs(ms) ? new Date(ms).toISOString() : String(ms);
}

/** RFC 3986 characters only; CloudEvents wants a URI-reference as `source`. */
export function isUriReference(text: string): boolean {
  return text.length <= MAX_ID_BYTES && /^(?:[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+$/.test(text);
}

/** W3C Trace Context `traceparent`. */
export function isTraceparent(text: string): boolean {
  return /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/.test(text);
}

/** Whether nesting stays within `max` levels: JSON.parse takes any depth, JSON.stringify runs out of stack. */
export function isWithinDepth(value: unknown, max: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (max === 0) return false;
  for (const key in value) if (!isWithinDepth((value as Record<string, unknown>)[key], max - 1)) return false;
  return true;
}

function text(check: (text: string) => boolean, message: string, options: Record<string, unknown>): TRefine<TString> {
  return Type.Refine(
    Type.String(options),
    (value) => typeof value === 'string' && check(value),
    () => message,
  ) as TRefine<TString>;
}

export const Id = text(isId, `must be 1 to ${MAX_ID_BYTES} bytes of UTF-8 without control characters`, {
  minLength: 1,
  maxLength: MAX_ID_BYTES,
  description: `1 to ${MAX_ID_BYTES} bytes of UTF-8 without control characters`,
});

export const Timestamp = text(isTimestamp, 'must be an RFC 3339 date-time with an offset, e.g. 2026-05-27T14:00:00Z', {
  description: 'RFC 3339 date-time with an offset',
});

export const UriReference = text(isUriReference, `must be a URI reference of at most ${MAX_ID_BYTES} characters`, {
  minLength: 1,
  maxLength: MAX_ID_BYTES,
  description: 'A URI reference (RFC 3986)',
});

export const Traceparent = text(isTraceparent, 'must be a W3C traceparent', {
  description: 'W3C Trace Context traceparent',
});
