/** The newest records of a live tail, and how fast they come. Pure. */
import type { TailFrame } from '../../tail.ts';
import { type RecordRow, rowOf } from './record-row.ts';

export const MAX_ROWS = 1_000;
const RATE_MS = 3_000;

export class TailBuffer {
  /** Newest first. */
  rows: readonly RecordRow[] = [];
  seen = 0;
  matched = 0;
  /** Matched, and not among those that came: too many for a page. */
  skipped = 0;
  #frames: { readonly atMs: number; readonly seen: number; readonly matched: number }[] = [];
  #sinceMs: number;

  constructor(nowMs: number) {
    this.#sinceMs = nowMs;
  }

  add({ records, seen, matched, skipped }: TailFrame, nowMs: number): void {
    this.seen += seen;
    this.matched += matched;
    this.skipped += skipped;
    this.#frames.push({ atMs: nowMs, seen, matched });
    if (records.length > 0) this.rows = [...records.map(rowOf).reverse(), ...this.rows].slice(0, MAX_ROWS);
  }

  /** Records a second over the last three seconds; null in the first one. */
  rates(nowMs: number): { readonly seen: number; readonly matched: number } | null {
    const from = Math.max(this.#sinceMs, nowMs - RATE_MS);
    this.#frames = this.#frames.filter(({ atMs }) => atMs > from);
    if (nowMs - this.#sinceMs < 1_000) return null;
    const seconds = (nowMs - from) / 1_000;
    const perSecond = (of: 'seen' | 'matched') => this.#frames.reduce((sum, frame) => sum + frame[of], 0) / seconds;
    return { seen: perSecond('seen'), matched: perSecond('matched') };
  }
}
