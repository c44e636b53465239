/** What the documents of `analytics.ts` say, each figure with its error. */
import { KitError } from '../../kit/errors.ts';
import { compareBytes } from '../../kit/projections/deltas.ts';
import { estimateOf, standardErrorOf } from '../../kit/projections/hyperloglog.ts';
import type { Document } from '../../kit/projections/projection-store.ts';
import { topOf } from '../../kit/projections/space-saving.ts';
import { type PeriodKind, type Slot, slotAt, TOP_CAPACITY } from './analytics.ts';
import { EVENT_TYPES, type EventType } from './events.ts';
import { FUNNEL_PRECISION, FUNNEL_STAGES } from './funnel.ts';

export interface Range {
  readonly fromMs: number;
  /** Its period is the last. */
  readonly toMs: number;
}

export interface PeriodCounts {
  /** When it begins: an RFC 3339 minute, or a date. */
  readonly period: string;
  readonly total: number;
  /** Exact, except that what came when the slot had gone to a later period is missing. */
  readonly counts: Readonly<Record<EventType, number>>;
}

export interface Estimate {
  readonly estimate: number;
  /** Relative: 0.0163 is 1.63 %. Two thirds of estimates are within it, 99.7 % within three times as much. */
  readonly standard_error: number;
}

export interface ActiveUsers extends Estimate {
  readonly period: string;
}

export interface TopContent {
  readonly content_id: string;
  /** At least the true count. */
  readonly count: number;
  /** By how much `count` may be too high at most. */
  readonly error: number;
}

export interface TopReport {
  readonly items: readonly TopContent[];
  /** What is not counted any more has at most so many; 0 where everything is counted. */
  readonly uncounted_at_most: number;
}

/** Of every period from one moment to the other. @throws KitError INVALID_ARGUMENT: they are more than `slots`, or none */
export function slotsOf({ fromMs, toMs }: Range, kind: PeriodKind): Slot[] {
  const first = Math.floor(fromMs / kind.ms);
  const count = Math.floor(toMs / kind.ms) - first + 1;
  if (count < 1) throw new KitError('INVALID_ARGUMENT', 'query from: must not be after to');
  if (count > kind.slots)
    throw new KitError('INVALID_ARGUMENT', `query from: ${count} ${kind.name}s are asked for, ${kind.slots} are kept`);
  return Array.from({ length: count }, (_, index) => slotAt((first + index) * kind.ms, kind));
}

/** @param document of the period's slot; it may be of another period */
export function countsOf({ period }: Slot, document: Document | null): PeriodCounts {
  const own = ofPeriod(period, document);
  const counts = Object.fromEntries(EVENT_TYPES.map((type) => [type, Number(own?.[type] ?? 0)]));
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return { period, total, counts: counts as Record<EventType, number> };
}

/** By period, and of all periods together, each user once. @param documents of the slots, in their order */
export function activeUsers(
  slots: readonly Slot[],
  documents: readonly (Document | null)[],
  { precision }: PeriodKind,
): { readonly periods: readonly ActiveUsers[]; readonly all: Estimate } {
  const sketches = slots.map(({ period }, index) => ofPeriod(period, documents[index] ?? null));
  const estimated = (of: readonly (Document | null)[]) => ({
    estimate: estimateOf(of, precision),
    standard_error: standardErrorOf(precision),
  });
  return {
    periods: sketches.map((sketch, index) => ({ period: slots[index]!.period, ...estimated([sketch]) })),
    all: estimated(sketches),
  };
}

/** The heaviest of all partitions. A content is of one partition, so what partitions say is put together, not added. */
export function topContent(period: string, partitions: readonly (Document | null)[], limit: number): TopReport {
  const tops = partitions.map((document) => topOf(ofPeriod(period, document)));
  const items = tops.flat().sort((a, b) => b.count - a.count || compareBytes(a.item, b.item));
  const leasts = tops.map((top) => (top.length < TOP_CAPACITY ? 0 : top.at(-1)!.count));
  return {
    items: items.slice(0, limit).map(({ item, count, error }) => ({ content_id: item, count, error })),
    uncounted_at_most: Math.max(0, ...leasts),
  };
}

export type FunnelReport = readonly (Estimate & { readonly stage: (typeof FUNNEL_STAGES)[number] })[];

export const FUNNEL_KEYS = FUNNEL_STAGES.map((stage) => `funnel/${stage}`);

/** @param documents of `FUNNEL_KEYS` */
export function funnelReport(documents: readonly (Document | null)[]): FunnelReport {
  return FUNNEL_STAGES.map((stage, index) => ({
    stage,
    estimate: estimateOf([documents[index] ?? null], FUNNEL_PRECISION),
    standard_error: standardErrorOf(FUNNEL_PRECISION),
  }));
}

function ofPeriod(period: string, document: Document | null): Document | null {
  return document?.period === period ? document : null;
}
