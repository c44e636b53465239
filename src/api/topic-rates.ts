/** How fast topics grow: the ends of now beside those of an earlier look, which somebody took who asked as well. */
import { growthPerSecond } from '../kit/monitoring/rates.ts';

export interface TopicRate {
  readonly perSecond: number;
  readonly overMs: number;
}

interface Look {
  readonly atMs: number;
  /** End offset by partition. */
  readonly ends: ReadonlyMap<string, number>;
}

/** Compared with the oldest look that is younger than this, so that the rate is of the last seconds. */
const WINDOW_MS = 10_000;
const MIN_APART_MS = 500;
const MAX_TOPICS = 1_000;

export class TopicRates {
  readonly #looks = new Map<string, Look[]>();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** @param ends end offset by partition @returns null at the first look, and after a longer time without one */
  look(topic: string, ends: ReadonlyMap<string, number>): TopicRate | null {
    const atMs = this.#now();
    const looks = (this.#looks.get(topic) ?? []).filter((look) => atMs - look.atMs <= WINDOW_MS);
    this.#looks.delete(topic);
    const newest = looks.at(-1);
    const isNew = newest === undefined || atMs - newest.atMs >= MIN_APART_MS;
    this.#looks.set(topic, isNew ? [...looks, { atMs, ends }] : looks);
    if (this.#looks.size > MAX_TOPICS) this.#looks.delete(this.#looks.keys().next().value!);
    const earlier = looks[0];
    const overMs = atMs - (earlier?.atMs ?? atMs);
    if (earlier === undefined || overMs < MIN_APART_MS) return null;
    const perSecond = growthPerSecond(earlier.ends, ends, overMs);
    return perSecond === null ? null : { perSecond, overMs: Math.round(overMs) };
  }
}
