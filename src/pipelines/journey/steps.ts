/** What happened to an event, in the order of time. */
import type { ConsumerTrace, Incident, TraceEntry } from '../../kit/consumers/consumer-trace.ts';
import type { LogRecord } from '../../kit/log/event-log.ts';
import { shownTime } from '../../kit/schemas/formats.ts';
import type { Fate, FollowerName, Letter, Step, Stored } from './journey-json.ts';

/** At the same millisecond, what comes first as a rule. */
const ORDER: readonly Step['kind'][] = [
  ...(['created', 'stored', 'claimed', 'failed', 'parked', 'paused', 'dead'] as const),
  ...(['replayed', 'repeated', 'duplicate', 'applied'] as const),
];
const MAX_INCIDENTS = 20;

const NOTHING = {
  state: null,
  handler: null,
  started_at: null,
  duration_ms: null,
  attempt: null,
  code: null,
  reason: null,
  next_at: null,
  delay_ms: null,
  behind: null,
  batch: null,
  dead_letter: null,
} as const;

type Known = Pick<Step, 'kind' | 'topic' | 'partition' | 'offset'> & { readonly at: number } & Partial<
    Omit<Step, 'at'>
  >;

export function orderedSteps(
  records: readonly LogRecord[],
  stored: readonly Stored[],
  createdAt: number | null,
  ofHandlers: readonly Known[],
): Step[] {
  const [first] = records;
  if (first === undefined) return [];
  const { topic, partition, offset } = first;
  const log = stored.map(({ role, at, ...place }, index): Known => {
    const kind = role === 'original' ? 'stored' : role === 'replay' ? 'replayed' : 'repeated';
    const { topic, partition, offset } = place;
    return { kind, topic, partition, offset, at: records[index]!.timestamp, state: 'UNVALIDATED' };
  });
  const rest = [...log, ...ofHandlers].sort(
    (a, b) => a.at - b.at || ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind) || (a.attempt ?? 0) - (b.attempt ?? 0),
  );
  const created: Known[] = createdAt === null ? [] : [{ kind: 'created', topic, partition, offset, at: createdAt }];
  return [...created, ...rest].map(({ at, ...known }) => ({
    ...NOTHING,
    ...known,
    at: shownTime(at),
    since_stored_ms: at - first.timestamp,
  }));
}

/** Of one handler and one record, the end included. */
export function stepsOf(
  handler: FollowerName,
  record: LogRecord,
  fate: Fate,
  trace: ConsumerTrace | null,
  letter: Letter | undefined,
): Known[] {
  const { topic, partition, offset } = record;
  const own = { handler, topic, partition, offset };
  const entries = trace?.entriesAt(record) ?? [];
  const steps: Known[] = entries.map((entry, index) => ({ ...own, ...stepOf(entry, entries[index + 1], letter) }));
  const has = (kind: Step['kind']) => steps.some((step) => step.kind === kind);
  if (fate.outcome === 'applied' && fate.at !== null && !has('applied')) {
    const { batch } = fate;
    const at = Date.parse(fate.at);
    const startedAt = batch === null ? null : shownTime(at - batch.duration_ms);
    steps.push({
      ...own,
      kind: 'applied',
      state: 'COMMITTED',
      at,
      attempt: fate.attempts,
      batch,
      started_at: startedAt,
      duration_ms: batch?.duration_ms ?? null,
    });
  }
  if (letter !== undefined && !has('dead')) steps.push(...stepsOfLetter(own, letter));
  if (fate.outcome === 'retrying' && !has('failed') && fate.at !== null && fate.next_at !== null) {
    const { attempts: attempt, reason, next_at } = fate;
    steps.push({ ...own, kind: 'failed', state: 'RETRY_DELAY', at: Date.parse(fate.at), attempt, reason, next_at });
  }
  const end = fate.at === null || fate.outcome === 'retrying' ? Number.POSITIVE_INFINITY : Date.parse(fate.at);
  const incidents =
    fate.at === null && fate.outcome !== 'waiting' ? [] : (trace?.incidents(record, record.timestamp, end) ?? []);
  const held = incidents.filter(({ kind }) => kind !== 'skipped').slice(-MAX_INCIDENTS);
  return [...steps, ...held.map((one) => ({ ...own, ...stepOfIncident(one) }))];
}

function stepOf(
  entry: TraceEntry,
  following: TraceEntry | undefined,
  letter: Letter | undefined,
): Pick<Known, 'kind' | 'at'> & Partial<Known> {
  const { kind, at, storedAt, startedAt, attempt, code, reason, dueAt, behind } = entry;
  const attempted = {
    attempt,
    started_at: startedAt === null ? null : shownTime(startedAt),
    duration_ms: startedAt === null ? null : at - startedAt,
  };
  switch (kind) {
    case 'failed':
      return {
        ...{ kind, at, ...attempted, reason, state: 'RETRY_DELAY' },
        // what is given up next was not to be tried again
        ...(dueAt === null || following?.code === 'RETRIES_EXHAUSTED'
          ? {}
          : { next_at: shownTime(dueAt), delay_ms: dueAt - at }),
      };
    case 'parked':
      return { kind, at, state: 'PROCESSING', behind: behind !== null && behind >= 0 ? behind : null };
    case 'dead':
      return { kind, at: storedAt, ...attempted, code, reason, state: 'POISON_DLQ', dead_letter: letter?.id ?? null };
    default:
      return { kind, at: storedAt, ...attempted, state: 'COMMITTED' };
  }
}

/** Of a handler whose trace has nothing of it: another process, or too long ago. */
function stepsOfLetter(own: Pick<Known, 'topic' | 'partition' | 'offset'>, letter: Letter): Known[] {
  const { id, code, reason, delivery_count: attempt, first_failed_at, captured_at } = letter;
  const at = Date.parse(captured_at);
  const firstFailedAt = Date.parse(first_failed_at);
  const dead: Known = { ...own, kind: 'dead', state: 'POISON_DLQ', at, attempt, code, reason, dead_letter: id };
  if (attempt <= 1 || Number.isNaN(firstFailedAt)) return [dead];
  return [{ ...own, kind: 'failed', state: 'RETRY_DELAY', at: firstFailedAt, attempt: 1, reason }, dead];
}

function stepOfIncident({ kind, at, code, reason }: Incident): Pick<Known, 'kind' | 'at'> & Partial<Known> {
  return { kind: kind === 'paused' ? 'paused' : 'claimed', at, code, reason };
}
