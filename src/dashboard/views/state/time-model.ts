/** Where on the log's axis of time the reader stands. Pure. Times are ms since the epoch. */
import type { LogRangeJson } from '../../../api/log-range.ts';

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;

export interface Axis {
  readonly from: number;
  readonly to: number;
}

/** Of the whole log up to now, or of the part that the address names. */
export function axisOf({ from, to }: Pick<LogRangeJson, 'from' | 'to'>): Axis {
  return { from: Date.parse(from), to: Math.max(Date.parse(to), Date.parse(from) + 1) };
}

export function clamp(at: number, { from, to }: Axis): number {
  return Math.min(Math.max(at, from), to);
}

/** A part of this axis, an eighth as long, about a time. */
export function zoomed(axis: Axis, at: number): Axis {
  const length = Math.max(8, Math.round((axis.to - axis.from) / 8));
  const from = Math.round(Math.min(Math.max(at - length / 2, axis.from), axis.to - length));
  return { from, to: from + length };
}

/** What is typed as a time: RFC 3339, or as `dateTime` writes it (this machine's zone); null where it is none. */
export function momentOf(text: string): number | null {
  const trimmed = text.trim();
  const parts = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?)\s*(Z|[+-]\d\d:\d\d)?$/i.exec(trimmed);
  if (parts === null) return null;
  const [, day, time, zone = ''] = parts;
  const at = Date.parse(`${day}T${time!.replace(',', '.')}${zone.toUpperCase()}`);
  return Number.isNaN(at) ? null : at;
}

/** For the query of the address: short, and the same for the same time. */
export function momentText(at: number): string {
  return new Date(at).toISOString();
}

export type Step = 'event' | 'minute' | 'hour';

export interface Neighbours {
  readonly previous: number | null;
  readonly next: number | null;
}

/**
 * The time that a step leads to; null where it leads nowhere. An event back stands just before the last one that is in the row;
 * an event forward just after the next one.
 */
export function stepped(
  at: number,
  step: Step,
  back: boolean,
  axis: Axis,
  { previous, next }: Neighbours,
): number | null {
  if (step === 'event') return back ? previous : next === null ? null : next + 1;
  const length = step === 'minute' ? MINUTE_MS : HOUR_MS;
  const to = clamp(at + (back ? -length : length), axis);
  return to === at ? null : to;
}

/** Which step a key on the slider asks for. */
export function keyStep(key: string, shift: boolean): { readonly step: Step; readonly back: boolean } | null {
  switch (key) {
    case 'ArrowLeft':
    case 'ArrowDown':
      return { step: shift ? 'minute' : 'event', back: true };
    case 'ArrowRight':
    case 'ArrowUp':
      return { step: shift ? 'minute' : 'event', back: false };
    case 'PageDown':
      return { step: 'hour', back: true };
    case 'PageUp':
      return { step: 'hour', back: false };
    default:
      return null;
  }
}

export interface ActivityBar {
  readonly from: number;
  readonly records: number;
  /** 0 to 1, of the fullest: by square root, so that the few are seen beside the many. */
  readonly height: number;
}

export function activityBars({
  from,
  bucket_ms,
  counts,
}: Pick<LogRangeJson, 'from' | 'bucket_ms' | 'counts'>): ActivityBar[] {
  const start = Date.parse(from);
  const most = Math.max(1, ...counts);
  return counts.map((records, index) => ({
    from: start + index * bucket_ms,
    records,
    height: Math.sqrt(records / most),
  }));
}
