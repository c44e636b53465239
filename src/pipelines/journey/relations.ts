/** What caused an event, what it caused, and what else is of its correlation: looked for in the log around its time, bounded. */
import { SOCIAL_TOPICS } from '../../domains/social/topics.ts';
import { isKitError } from '../../kit/errors.ts';
import type { LogRecord } from '../../kit/log/event-log.ts';
import { shownTime } from '../../kit/schemas/formats.ts';
import { type EventFinder, readRecord } from './event-finder.ts';
import { type EventIdentity, identityOf } from './event-identity.ts';
import { nameOf, type RecordParts } from './event-records.ts';
import type { Related, Relations } from './journey-json.ts';
import { budgetOf, scan, spansOf } from './log-scan.ts';

export interface RelationOptions {
  readonly signal: AbortSignal;
  /** That are looked at, at most. Default 100,000. */
  readonly maxRecords?: number;
  /** Default 1,500. */
  readonly maxMs?: number;
}

const MAX_LEVELS = 20;
const MAX_RELATED = 200;
/** Events with a cause that are remembered while the log is looked through. */
const MAX_CANDIDATES = 50_000;
/** What is caused comes later; clocks of several producers may differ by this. */
const SKEW_MS = 2_000;
/** Of a correlation, before the event. */
const BEFORE_MS = 60_000;

interface Found extends EventIdentity {
  readonly record: LogRecord;
}

/** @throws KitError UNKNOWN_EVENT, TOO_MANY_SEARCHES, LOG_UNAVAILABLE */
export async function relationsOf(
  log: RecordParts['log'],
  finder: Pick<EventFinder, 'find'>,
  eventId: string,
  { signal, maxRecords = 100_000, maxMs = 1_500 }: RelationOptions,
): Promise<Relations> {
  const record = await originalOf(log, finder, eventId, signal);
  if (record === null)
    return { event_id: eventId, correlation_id: null, caused_by: [], caused: [], correlated: [], searched: NOTHING };
  const own = identityOf(record);
  const causedBy = await causesOf(log, finder, own, signal);
  const around = await lookAround(log, record, own, budgetOf(maxRecords, maxMs, signal));
  const caused = causedFrom(eventId, around.withCause);
  const shown = new Set<string | null>([
    ...causedBy.map((cause) => cause.event_id),
    ...caused.map(({ record }) => record.event_id),
  ]);
  return {
    event_id: eventId,
    correlation_id: own.correlationId,
    caused_by: causedBy,
    caused,
    correlated: around.correlated.filter((one) => one.eventId === null || !shown.has(one.eventId)).map(relatedJson),
    searched: around.searched,
  };
}

const NOTHING: Relations['searched'] = { records: 0, from: null, to: null, complete: false };

async function originalOf(
  log: RecordParts['log'],
  finder: Pick<EventFinder, 'find'>,
  eventId: string,
  signal: AbortSignal,
): Promise<LogRecord | null> {
  const { places } = await finder.find(eventId, { signal });
  const records = await Promise.all(places.map((place) => readRecord(log, place)));
  return records.filter((record) => record !== null).sort((a, b) => a.timestamp - b.timestamp)[0] ?? null;
}

async function causesOf(
  log: RecordParts['log'],
  finder: Pick<EventFinder, 'find'>,
  { eventId, causationId }: EventIdentity,
  signal: AbortSignal,
): Promise<Relations['caused_by']> {
  const causes: Relations['caused_by'] = [];
  const seen = new Set([eventId]);
  for (let id = causationId; id !== null && !seen.has(id) && causes.length < MAX_LEVELS; ) {
    seen.add(id);
    const record = await originalOf(log, finder, id, signal).catch((error: unknown) => {
      if (isKitError(error, 'UNKNOWN_EVENT')) return null;
      throw error;
    });
    causes.push({ event_id: id, record: record === null ? null : relatedJson({ record, ...identityOf(record) }) });
    id = record === null ? null : identityOf(record).causationId;
  }
  return causes;
}

async function lookAround(
  log: RecordParts['log'],
  { timestamp }: LogRecord,
  { eventId, correlationId }: EventIdentity,
  budget: ReturnType<typeof budgetOf>,
): Promise<{
  readonly withCause: readonly Found[];
  readonly correlated: readonly Found[];
  readonly searched: Relations['searched'];
}> {
  const withCause: Found[] = [];
  const correlated = new Map<string, Found>();
  let from: number | null = null;
  let to: number | null = null;
  const visit = (record: LogRecord): boolean => {
    from = Math.min(from ?? record.timestamp, record.timestamp);
    to = Math.max(to ?? record.timestamp, record.timestamp);
    if (!mayBeRelated(record)) return false;
    const identity = identityOf(record);
    if (identity.eventId === eventId) return false;
    const found = { record, ...identity };
    if (identity.causationId !== null && withCause.length < MAX_CANDIDATES) withCause.push(found);
    const isOfIt = correlationId !== null && identity.correlationId === correlationId;
    if (isOfIt && correlated.size < MAX_RELATED) correlated.set(nameOf(record), found);
    return false;
  };
  const later = await spansOf(log, SOCIAL_TOPICS, Math.max(0, timestamp - SKEW_MS), 'latest');
  const after = await scan(log, 'forwards', later, budget, visit);
  let records = after.records;
  if (correlationId !== null) {
    const begin = Math.max(0, timestamp - BEFORE_MS);
    const earlier = await spansOf(log, SOCIAL_TOPICS, begin, Math.max(0, timestamp - SKEW_MS));
    records += (await scan(log, 'backwards', earlier, budget, visit)).records;
  }
  return {
    withCause,
    correlated: [...correlated.values()].sort((a, b) => a.record.timestamp - b.record.timestamp),
    searched: {
      records,
      from: from === null ? null : shownTime(from),
      to: to === null ? null : shownTime(to),
      complete: after.left.length === 0,
    },
  };
}

const CAUSE = 'caus';
const CORRELATION = 'correlation';

/** Says no at little cost: of our own records the headers tell, of others any mention of a cause or a correlation. */
function mayBeRelated({ headers, value }: LogRecord): boolean {
  let binary = false;
  for (const [name] of headers) {
    if (name === 'ce_causationid' || name === 'ce_correlationid') return true;
    binary ||= name === 'ce_id';
  }
  return !binary && value !== null && (value.includes(CAUSE) || value.includes(CORRELATION));
}

/** Breadth first, each event once. */
function causedFrom(eventId: string, withCause: readonly Found[]): Relations['caused'] {
  const byCause = Map.groupBy(withCause, ({ causationId }) => causationId);
  const caused: Relations['caused'] = [];
  const seen = new Set<string | null>([eventId]);
  let level: readonly (string | null)[] = [eventId];
  for (let depth = 1; depth <= MAX_LEVELS && level.length > 0; depth++) {
    const found = level
      .flatMap((id) => (id === null ? [] : (byCause.get(id) ?? [])))
      .filter((one) => one.eventId === null || (!seen.has(one.eventId) && seen.add(one.eventId)));
    for (const one of found) if (caused.length < MAX_RELATED) caused.push({ depth, record: relatedJson(one) });
    level = found.map((one) => one.eventId);
  }
  return caused;
}

function relatedJson({ record, ...identity }: Found): Related {
  return {
    event_id: identity.eventId,
    event_type: identity.eventType,
    causation_id: identity.causationId,
    correlation_id: identity.correlationId,
    topic: record.topic,
    partition: record.partition,
    offset: record.offset,
    at: shownTime(record.timestamp),
  };
}
