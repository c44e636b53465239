/** What became of one record for one handler: told by its trace where that remembers, else by its store, else by the dead letters. */
import type { ConsumerTrace, TraceEntry } from '../../kit/consumers/consumer-trace.ts';
import type { LogRecord } from '../../kit/log/event-log.ts';
import type { ParkedRecord, PartitionState } from '../../kit/projections/projection-store.ts';
import { shownTime } from '../../kit/schemas/formats.ts';
import type { Fate, FollowerName, Letter, LifecycleState } from './journey-json.ts';

export interface FateFacts {
  readonly projection: { readonly name: FollowerName; readonly group: string; readonly deduplicate?: boolean };
  readonly record: LogRecord;
  /** Of the handler in this process; null where it does not run here. */
  readonly trace: ConsumerTrace | null;
  /** Of the record's partition; undefined before its first claim. */
  readonly state: PartitionState | undefined;
  readonly parked: readonly ParkedRecord[];
  /** Where the partition begins. */
  readonly earliest: number;
  readonly letter: Letter | undefined;
  /** Why it cannot be read as an event; null where it can. */
  readonly unreadable: { readonly code: string; readonly reason: string } | null;
  /** Whether the event was in the log before. */
  readonly repeats: boolean;
  /** Keys of what it changes. */
  readonly documents: readonly string[];
}

const STATE: Readonly<Record<Fate['outcome'], LifecycleState>> = {
  waiting: 'UNVALIDATED',
  processing: 'PROCESSING',
  parked: 'PROCESSING',
  retrying: 'RETRY_DELAY',
  dead: 'POISON_DLQ',
  applied: 'COMMITTED',
  duplicate: 'COMMITTED',
};

const UNKNOWN = {
  at: null,
  since_stored_ms: null,
  lag: null,
  attempts: null,
  next_at: null,
  behind: null,
  reason: null,
  batch: null,
  dead_letter: null,
  note: null,
};

export function fateOf(facts: FateFacts): Fate {
  const { projection, record, state, trace } = facts;
  const { topic, partition, offset } = record;
  const fate = (outcome: Fate['outcome'], known: Partial<Fate> = {}): Fate => ({
    handler: projection.name,
    group: projection.group,
    topic,
    partition,
    offset,
    outcome,
    state: STATE[outcome],
    ...UNKNOWN,
    documents: outcome === 'applied' ? [...facts.documents] : [],
    ...known,
    ...('at' in known && known.at != null ? { since_stored_ms: Date.parse(known.at) - record.timestamp } : {}),
  });

  const next = state?.next ?? null;
  if (next === null || next <= offset) {
    const since = trace?.underWaySince(record) ?? null;
    if (since !== null) return fate('processing', { at: shownTime(since) });
    return fate('waiting', { lag: offset - (next ?? facts.earliest), note: whyWaiting(facts) });
  }
  const waits = facts.parked.find((parked) => parked.offset === offset);
  if (waits !== undefined) return parkedFate(fate, waits, facts.parked, trace);

  const entries = trace?.entriesAt(record) ?? [];
  const last = entries.findLast(({ kind }) => kind === 'dead' || kind === 'duplicate' || kind === 'applied');
  const attempts = entries.findLast(({ attempt }) => attempt !== null)?.attempt ?? null;
  if (facts.letter !== undefined || last?.kind === 'dead') return deadFate(fate, facts, last);
  if (facts.unreadable !== null) return fate('dead', { reason: facts.unreadable.reason, note: whyUnknown(facts) });
  if (last !== undefined) {
    const outcome = entries.some(({ kind }) => kind === 'duplicate') ? 'duplicate' : 'applied';
    return fate(outcome, { at: shownTime(last.storedAt), attempts });
  }
  const chunk = trace?.chunkOf(record) ?? null;
  if (chunk === null || trace === null) return fate('applied', { note: whyUnknown(facts) });
  return fate('applied', {
    at: shownTime(chunk.storedAt),
    attempts: 1,
    batch: { records: chunk.records, duration_ms: chunk.durationMs },
    note: trace.isComplete(chunk)
      ? whyTwice(facts)
      : 'Applied, or found to be a duplicate: what was unusual in this transaction is no longer kept.',
  });
}

/** Some handlers do not remember ids. */
function whyTwice({ repeats, projection: { deduplicate = true } }: FateFacts): string | null {
  return repeats && !deduplicate ? 'What it changes is the same, however often it is applied.' : null;
}

type MakeFate = (outcome: Fate['outcome'], known?: Partial<Fate>) => Fate;

function parkedFate(
  fate: MakeFate,
  waits: ParkedRecord,
  parked: readonly ParkedRecord[],
  trace: ConsumerTrace | null,
): Fate {
  if (waits.attempts > 0)
    return fate('retrying', {
      at: shownTime(waits.firstFailedAt),
      attempts: waits.attempts,
      next_at: shownTime(waits.dueAt),
      reason: waits.reason,
      note: trace === null ? 'Another process holds it.' : null,
    });
  const head = parked.find(({ key, offset }) => key === waits.key && offset < waits.offset);
  return fate('parked', { at: shownTime(waits.firstFailedAt), behind: head?.offset ?? null, reason: waits.reason });
}

function deadFate(fate: MakeFate, { letter, unreadable }: FateFacts, entry: TraceEntry | undefined): Fate {
  return fate('dead', {
    at: letter?.captured_at ?? (entry === undefined ? null : shownTime(entry.storedAt)),
    attempts: letter?.delivery_count ?? entry?.attempt ?? null,
    reason: letter?.reason ?? entry?.reason ?? null,
    dead_letter: letter?.id ?? null,
    note:
      letter === undefined && unreadable !== null
        ? 'Nobody can read it: one dead letter of it is enough, that of engagement or activity.'
        : null,
  });
}

function whyWaiting({ trace, record, state }: FateFacts): string | null {
  if (trace === null)
    return state === undefined
      ? 'This handler has not begun with the partition, and does not run in this process.'
      : null;
  const [last] = trace.incidents(record, 0, Number.POSITIVE_INFINITY).slice(-1);
  return last?.kind === 'paused' ? `The partition is paused since ${shownTime(last.at)}: ${last.reason ?? ''}` : null;
}

/** The position proves that it is settled; what is not known is when. */
function whyUnknown({ trace, record, repeats, projection: { name, group } }: FateFacts): string {
  const proof = `The position of ${name} is behind it${repeats ? ' (applied, or found to be a duplicate)' : ''}`;
  if (trace === null) return `${proof}; the handler does not run in this process, so the time is not known here.`;
  const claim = trace.claimOf(record);
  if (claim === null) return `${proof}; another member of ${group} has done it, which keeps the time.`;
  if (claim.position > record.offset)
    return `${proof}; that was before this process took the partition over, at ${shownTime(claim.at)}.`;
  return `${proof}; it is too long ago for the time to be kept.`;
}
