/** How values are written. Pure; what is not known is written as a dash. */

export const UNKNOWN = '–';

type Maybe = number | null | undefined;

const known = (value: Maybe): value is number => value !== null && value !== undefined && Number.isFinite(value);

/** 52007 -> `52,007` */
export function count(value: Maybe): string {
  return known(value) ? Math.round(value).toLocaleString('en-US') : UNKNOWN;
}

/** 52007 -> `52.0k`, for where there is little room. */
export function compact(value: Maybe): string {
  if (!known(value)) return UNKNOWN;
  const size = Math.abs(value);
  if (size < 1_000) return size < 10 && !Number.isInteger(value) ? value.toFixed(1) : String(Math.round(value));
  for (const [unit, of] of [
    ['k', 1e3],
    ['M', 1e6],
    ['G', 1e9],
  ] as const) {
    const scaled = value / of;
    if (Math.abs(scaled) < 999.5 || unit === 'G') return `${scaled.toFixed(Math.abs(scaled) < 99.95 ? 1 : 0)}${unit}`;
  }
  return UNKNOWN;
}

/** 12.34 -> `12.3/s` */
export function rate(value: Maybe): string {
  return known(value) ? `${value >= 100 || value === 0 ? count(value) : value.toFixed(1)}/s` : UNKNOWN;
}

/** 1536 -> `1.5 KiB` */
export function bytes(value: Maybe): string {
  if (!known(value)) return UNKNOWN;
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let scaled = value;
  let at = 0;
  for (; scaled >= 1024 && at < units.length - 1; at++) scaled /= 1024;
  return `${at === 0 || scaled >= 100 ? Math.round(scaled) : scaled.toFixed(1)} ${units[at]}`;
}

/** A span of time: 0.4 -> `0.4 ms`, 1500 -> `1.5 s`, 250000 -> `4 min 10 s` */
export function duration(ms: Maybe): string {
  if (!known(ms)) return UNKNOWN;
  if (ms < 0) return `-${duration(-ms)}`;
  if (ms < 10) return `${ms === 0 ? 0 : ms.toFixed(1)} ms`;
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 9_950) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3_600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ] as const;
  const first = parts.findIndex(([value]) => value > 0);
  return parts
    .slice(first, first + 2)
    .filter(([value]) => value > 0)
    .map(([value, unit]) => `${value} ${unit}`)
    .join(' ');
}

/** Seconds, as lag is told: 40 -> `40 s` */
export function seconds(value: Maybe): string {
  return known(value) ? duration(value * 1_000) : UNKNOWN;
}

/** 0.981 -> `98.1 %` */
export function percent(share: Maybe): string {
  if (!known(share)) return UNKNOWN;
  const value = share * 100;
  return `${Number.isInteger(value) ? value : value.toFixed(value > 99 || value < 1 ? 2 : 1)} %`;
}

/** How long ago, for people, in whole seconds: `just now`, `12 s ago`, `3 h 4 min ago` */
export function ago(time: string | number, nowMs: number): string {
  const ms = nowMs - new Date(time).getTime();
  if (Number.isNaN(ms)) return UNKNOWN;
  return ms < 1_000 ? 'just now' : ms < 10_000 ? `${Math.floor(ms / 1_000)} s ago` : `${duration(ms)} ago`;
}

/** `one record`, `2 records` */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** Clock time here, with milliseconds: `14:03:07.120` */
export function clock(time: string | number, millis = true): string {
  const at = new Date(time);
  if (Number.isNaN(at.getTime())) return UNKNOWN;
  const two = (value: number) => String(value).padStart(2, '0');
  const text = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  return millis ? `${text}.${String(at.getMilliseconds()).padStart(3, '0')}` : text;
}

/** On a time axis: no finer than its steps. `14:03:05`, `14:03`, `11-21` */
export function tick(ms: number, stepMs: number): string {
  if (stepMs >= 86_400_000) return dateTime(ms).slice(5, 10);
  return clock(ms, false).slice(0, stepMs < 60_000 ? 8 : 5);
}

/** `2026-11-21 14:03:07.120`, here */
export function dateTime(time: string | number): string {
  const at = new Date(time);
  if (Number.isNaN(at.getTime())) return UNKNOWN;
  const two = (value: number) => String(value).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${clock(time)}`;
}
