/** The course of the last minutes as columns for charts. Pure. */
import type { Mark, Point } from '../../../api/pulse-sample.ts';

export interface Courses {
  /** Epoch milliseconds, ascending. */
  readonly times: readonly number[];
  readonly published: readonly (number | null)[];
  /** By all handlers together: an event that three of them read counts three times. */
  readonly applied: readonly (number | null)[];
  readonly publishErrors: readonly (number | null)[];
  readonly failed: readonly (number | null)[];
  readonly publishP50: readonly (number | null)[];
  readonly publishP99: readonly (number | null)[];
  readonly endToEndP50: readonly (number | null)[];
  readonly endToEndP99: readonly (number | null)[];
}

export interface LagCourse {
  readonly group: string;
  /** Seconds. */
  readonly values: readonly (number | null)[];
}

export const SPANS = [
  { value: '1', text: '1 min' },
  { value: '3', text: '3 min' },
  { value: '10', text: '10 min' },
] as const;
export type Span = (typeof SPANS)[number]['value'];

export function spanOf(text: string): Span {
  return SPANS.find(({ value }) => value === text)?.value ?? '3';
}

export function pointsOf(history: readonly Point[], span: Span): readonly Point[] {
  const last = history.at(-1);
  if (last === undefined) return [];
  const since = Date.parse(last.at) - Number(span) * 60_000;
  const first = history.findIndex(({ at }) => Date.parse(at) >= since);
  return history.slice(first);
}

export function coursesOf(points: readonly Point[]): Courses {
  return {
    times: points.map(({ at }) => Date.parse(at)),
    published: points.map(({ producer }) => producer.per_second),
    applied: points.map(({ groups }) => total(groups.map(({ per_second }) => per_second))),
    publishErrors: points.map(({ producer }) => producer.errors_per_second),
    failed: points.map(({ groups }) => total(groups.map(({ errors_per_second }) => errors_per_second))),
    publishP50: points.map(({ producer }) => producer.p50_ms),
    publishP99: points.map(({ producer }) => producer.p99_ms),
    endToEndP50: points.map(({ end_to_end }) => end_to_end?.p50_ms ?? null),
    endToEndP99: points.map(({ end_to_end }) => end_to_end?.p99_ms ?? null),
  };
}

const NOTICED_SECONDS = 0.5;

/** Of those that were noticeably behind, the furthest first. */
export function lagCourses(points: readonly Point[], most: number): LagCourse[] {
  const groups = [...new Set(points.at(-1)?.groups.map(({ group }) => group) ?? [])];
  const courses = groups.map((group) => ({
    group,
    values: points.map(({ groups: at }) => at.find((one) => one.group === group)?.lag_seconds ?? null),
  }));
  const worst = ({ values }: LagCourse) => Math.max(...values.map((value) => value ?? 0));
  return courses
    .filter((course) => worst(course) >= NOTICED_SECONDS)
    .sort((a, b) => worst(b) - worst(a))
    .slice(0, most);
}

export function marksWithin(marks: readonly Mark[], times: readonly number[]): Mark[] {
  const first = times[0] ?? Number.POSITIVE_INFINITY;
  return marks.filter(({ at }) => Date.parse(at) >= first);
}

function total(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0);
}
