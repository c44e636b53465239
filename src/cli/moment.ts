/** Points in time as people type them: the same forms for every verb. */
import { InvalidArgumentError } from 'commander';
import { KitError } from '../kit/errors.ts';
import { epochMs } from '../kit/schemas/formats.ts';

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** What `momentOf` takes, for messages. */
export const MOMENT_FORMS = '2026-05-27T14:00:00Z, 14:00 (today, by the clock here), or -2h for two hours ago';

/**
 * RFC 3339 with a zone; a time of today in this machine's zone: `14:00`, `14:00:30`; or how long ago: `-10m`, `-2h`, `-500ms`.
 * Milliseconds since the epoch; null where it is none of them.
 */
export function momentOf(text: string, nowMs: number): number | null {
  const ago = /^-(\d{1,12})(ms|s|m|h|d)$/.exec(text);
  if (ago !== null) return Math.max(0, nowMs - Number(ago[1]) * UNIT_MS[ago[2]!]!);
  const clock = /^([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?$/.exec(text);
  if (clock !== null) {
    const [hours, minutes, seconds = 0] = clock.slice(1).map((part) => Number(part ?? 0));
    return new Date(nowMs).setHours(hours!, minutes!, seconds, 0);
  }
  const time = epochMs(text);
  return Number.isNaN(time) ? null : time;
}

/** Longer than the server takes, before it gives up folding the log to a time of the past. */
export const PAST_TIMEOUT_MS = 110_000;

/** The same, and `2h` as well as `-2h`: as an argument that would be an option. @throws KitError USAGE */
export function pastMoment(text: string, nowMs: number): number {
  const time = momentOf(text, nowMs) ?? momentOf(`-${text}`, nowMs);
  if (time === null) throw new KitError('USAGE', `${text} is no time: ${MOMENT_FORMS}`);
  return time;
}

/** Parses an option. @throws InvalidArgumentError */
export function moment(text: string): number {
  const time = momentOf(text, Date.now());
  if (time === null) throw new InvalidArgumentError(`It must be a time: ${MOMENT_FORMS}.`);
  return time;
}

/** The same for what the HTTP API is given: RFC 3339. */
export function timestamp(text: string): string {
  return Number.isNaN(epochMs(text)) ? new Date(moment(text)).toISOString() : text;
}
