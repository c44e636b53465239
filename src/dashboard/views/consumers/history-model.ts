/** A group's course over time, kept up by small pieces. Pure. */
import type { GroupHistory, RebalanceSeen } from '../../../api/group-schemas.ts';

type Values = readonly (number | null)[];

export interface Course {
  /** Epoch milliseconds, ascending; the other lists have an entry for each. */
  readonly times: readonly number[];
  readonly lag: Values;
  readonly lagSeconds: Values;
  readonly perSecond: Values;
  readonly topics: ReadonlyMap<string, Values>;
  readonly rebalances: readonly RebalanceSeen[];
}

export const COURSE_SECONDS = 600;
const MAX_REBALANCES = 100;

export const NO_COURSE: Course = {
  times: [],
  lag: [],
  lagSeconds: [],
  perSecond: [],
  topics: new Map(),
  rebalances: [],
};

/** Seconds to ask for, so that the piece that comes meets what is there. */
export function missingSeconds({ times }: Course, nowMs: number): number {
  const last = times.at(-1);
  if (last === undefined) return COURSE_SECONDS;
  return Math.min(COURSE_SECONDS, Math.max(5, Math.ceil((nowMs - last) / 1_000) + 5));
}

/** What is later than the end of the course is added, what is too old goes. */
export function extended(course: Course, piece: GroupHistory): Course {
  const fromMs = piece.from === null ? 0 : Date.parse(piece.from);
  const pieceTimes = piece.seconds.map((second) => fromMs + second * 1_000);
  const lastMs = course.times.at(-1) ?? Number.NEGATIVE_INFINITY;
  // times come in milliseconds, and have been through text
  const firstNew = pieceTimes.findIndex((time) => time > lastMs + 1);
  const fresh = firstNew < 0 ? pieceTimes.length : firstNew;
  const times = [...course.times, ...pieceTimes.slice(fresh)];
  const sinceMs = (times.at(-1) ?? 0) - COURSE_SECONDS * 1_000;
  const start = Math.max(
    0,
    times.findIndex((time) => time >= sinceMs),
  );
  const joined = (before: Values, after: Values) => [...before, ...after.slice(fresh)].slice(start);
  const nothing = course.times.map(() => null);
  const nothingNew = pieceTimes.map(() => null);
  const found = new Map(piece.topics.map(({ topic, lag }) => [topic, lag]));
  return {
    times: times.slice(start),
    lag: joined(course.lag, piece.lag),
    lagSeconds: joined(course.lagSeconds, piece.lag_seconds),
    perSecond: joined(course.perSecond, piece.per_second),
    topics: new Map(
      [...new Set([...course.topics.keys(), ...found.keys()])]
        .sort()
        .map((topic) => [topic, joined(course.topics.get(topic) ?? nothing, found.get(topic) ?? nothingNew)]),
    ),
    rebalances: rebalancesOf(course.rebalances, piece.rebalances),
  };
}

function rebalancesOf(before: readonly RebalanceSeen[], after: readonly RebalanceSeen[]): RebalanceSeen[] {
  const known = new Set(before.map(({ at }) => at));
  return [...before, ...after.filter(({ at }) => !known.has(at))].slice(-MAX_REBALANCES);
}
