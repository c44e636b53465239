/**
 * What happens how often, to what, and by how many users. Documents, all bounded; slots are used in turns, and the
 * field `period` tells whose turn it is:
 *
 * - `minute/<slot>`, `day/<slot>`: events by type, of the last two days by minute and the last 400 days by day
 * - `active/minute/<slot>`, `active/day/<slot>`: a HyperLogLog of the users who did something
 * - `top/<partition>/<slot>`: the content with the most interactions of a day, by partition of content-interactions
 * - the funnel's, see `funnel.ts`
 *
 * Times are those of the events. What is older than its slot's period is not counted any more, and neither is what claims to be
 * more than a day later than its record: it would hold its slot until then.
 */
import type { LogRecord } from '../../kit/log/event-log.ts';
import { hashOf, type ItemHash, registerOf } from '../../kit/projections/hyperloglog.ts';
import type { Delta } from '../../kit/projections/projection-store.ts';
import { epochMs } from '../../kit/schemas/formats.ts';
import { isContentInteraction, type SocialEvent } from './events.ts';
import { funnelDeltas } from './funnel.ts';

/** A span of time that is counted by itself, and how many of them are kept. */
export interface PeriodKind {
  readonly name: 'minute' | 'day';
  readonly ms: number;
  readonly slots: number;
  /** Of the HyperLogLog of active users. */
  readonly precision: number;
}

export const MINUTE: PeriodKind = { name: 'minute', ms: 60_000, slots: 2 * 24 * 60, precision: 10 };
export const DAY: PeriodKind = { name: 'day', ms: 86_400_000, slots: 400, precision: 12 };
/** Contents that are counted at a time, by partition and day. */
export const TOP_CAPACITY = 1_000;

const MAX_AHEAD_MS = 24 * 60 * 60 * 1000;

export interface Slot {
  readonly slot: number;
  /** As `period` says it: `2026-05-27T14:03:00Z`, or `2026-05-27`. */
  readonly period: string;
}

export function slotAt(atMs: number, kind: PeriodKind): Slot {
  const index = Math.floor(atMs / kind.ms);
  const known = lastSlots.get(kind);
  if (known?.index === index) return known.slot;
  const slot = slotOf(index, kind);
  lastSlots.set(kind, { index, slot });
  return slot;
}

/** Most events are of the same period as the one before. */
const lastSlots = new Map<PeriodKind, { readonly index: number; readonly slot: Slot }>();

function slotOf(index: number, { name, ms, slots }: PeriodKind): Slot {
  const start = new Date(index * ms).toISOString();
  return {
    slot: ((index % slots) + slots) % slots,
    period: name === 'day' ? start.slice(0, 10) : `${start.slice(0, 16)}:00Z`,
  };
}

export function projectAnalytics(event: SocialEvent, record: Pick<LogRecord, 'partition' | 'timestamp'>): Delta[] {
  const atMs = epochMs(event.timestamp);
  const user = isByUser(event) ? hashOf(event.user_id) : null;
  const deltas = user === null ? [] : funnelDeltas(event, user);
  if (atMs > record.timestamp + MAX_AHEAD_MS) return deltas;

  const day = slotAt(atMs, DAY);
  deltas.push(...counted(event, user, MINUTE, slotAt(atMs, MINUTE)), ...counted(event, user, DAY, day));
  if (isContentInteraction(event)) {
    deltas.push({
      key: `top/${record.partition}/${day.slot}`,
      period: day.period,
      top: { item: event.content_id, by: 1, capacity: TOP_CAPACITY },
    });
  }
  return deltas;
}

function counted(event: SocialEvent, user: ItemHash | null, kind: PeriodKind, { slot, period }: Slot): Delta[] {
  const count: Delta = { key: `${kind.name}/${slot}`, period, add: { [event.event_type]: 1 } };
  if (user === null) return [count];
  return [count, { key: `active/${kind.name}/${slot}`, period, max: registerOf(user, kind.precision) }];
}

/** Sessions expire and content is moderated without the user. */
function isByUser(event: SocialEvent): boolean {
  return event.event_type !== 'session_expired' && event.event_type !== 'content_moderated';
}
