/** The last ten minutes, condensed: a point for every two seconds, made of the samples in them. */
import type { PulsePoint, PulseSample } from './pulse-report.ts';

const POINT_MS = 2_000;
const MAX_POINTS = 300;
const MAX_GROUPS = 16;

type GroupPoint = PulsePoint['groups'][number];

export class PulseHistory {
  readonly #points: PulsePoint[] = [];
  #gathered: PulsePoint[] = [];
  #beganMs = Number.NEGATIVE_INFINITY;

  add(sample: PulseSample, nowMs: number): void {
    if (nowMs - this.#beganMs >= POINT_MS) {
      this.#close();
      this.#beganMs = nowMs;
    }
    this.#gathered.push(sample);
  }

  /** Oldest first; the one that is being gathered is left out. */
  get points(): readonly PulsePoint[] {
    return this.#points;
  }

  #close(): void {
    if (this.#gathered.length > 0) this.#points.push(condense(this.#gathered));
    if (this.#points.length > MAX_POINTS) this.#points.shift();
    this.#gathered = [];
  }
}

/** Rates are means; lags and latencies the highest. @param samples at least one, oldest first */
export function condense(samples: readonly PulsePoint[]): PulsePoint {
  const last = samples.at(-1)!;
  const producers = samples.map(({ producer }) => producer);
  const latencies = samples.map(({ end_to_end }) => end_to_end);
  const p50 = highest(latencies.map((latency) => latency?.p50_ms ?? null));
  const p99 = highest(latencies.map((latency) => latency?.p99_ms ?? null));
  return {
    at: last.at,
    producer: {
      per_second: mean(producers.map(({ per_second }) => per_second)) ?? 0,
      errors_per_second: mean(producers.map(({ errors_per_second }) => errors_per_second)) ?? 0,
      p50_ms: highest(producers.map(({ p50_ms }) => p50_ms)),
      p99_ms: highest(producers.map(({ p99_ms }) => p99_ms)),
    },
    groups: last.groups.slice(0, MAX_GROUPS).map(({ group }) => {
      const own = samples.flatMap(({ groups }) => groups.filter((one) => one.group === group));
      return groupPoint(group, own);
    }),
    end_to_end: p50 === null || p99 === null ? null : { p50_ms: p50, p99_ms: p99 },
    dead_letters: { depth: last.dead_letters.depth },
  };
}

function groupPoint(group: string, own: readonly GroupPoint[]): GroupPoint {
  return {
    group,
    per_second: mean(own.map(({ per_second }) => per_second)),
    errors_per_second: mean(own.map(({ errors_per_second }) => errors_per_second)),
    lag: Math.max(...own.map(({ lag }) => lag)),
    lag_seconds: highest(own.map(({ lag_seconds }) => lag_seconds)),
  };
}

function mean(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : round(known.reduce((sum, value) => sum + value, 0) / known.length);
}

function highest(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : round(Math.max(...known));
}

/** Nobody sees more of it on a chart, and there are many. */
function round(value: number): number {
  return value < 10 ? Math.round(value * 100) / 100 : Math.round(value * 10) / 10;
}
