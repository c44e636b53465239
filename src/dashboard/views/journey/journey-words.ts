/** What a journey says, in words. Pure. */
import type { JourneyAnswer } from '../../../api/journeys.ts';
import { count, duration, plural } from '../../format.ts';
import { placeIn } from '../../journey-link.ts';
import type { StateKind } from '../../parts/state-kind.ts';
import type { Step } from './timeline.ts';

type Journey = JourneyAnswer;
export type Fate = Journey['lanes'][number]['fates'][number];
export type Lifecycle = Journey['state'];

const KINDS: Readonly<Record<Lifecycle, StateKind>> = {
  UNVALIDATED: 'idle',
  PROCESSING: 'busy',
  RETRY_DELAY: 'warn',
  POISON_DLQ: 'bad',
  COMMITTED: 'ok',
};

export function kindOf(state: Lifecycle | null): StateKind {
  return state === null ? 'idle' : KINDS[state];
}

const STATE_WORDS: Readonly<Record<Lifecycle, string>> = {
  UNVALIDATED: 'stored, and not yet read by every handler',
  PROCESSING: 'being worked on',
  RETRY_DELAY: 'failed, and to be tried again',
  POISON_DLQ: 'given up by a handler: it is a dead letter',
  COMMITTED: 'applied by every handler that reads it',
};

export function stateWords(state: Lifecycle): string {
  return STATE_WORDS[state];
}

/** `attempt 2 failed` */
export function stepTitle({ kind, attempt, code }: Step): string {
  switch (kind) {
    case 'created':
      return 'happened';
    case 'stored':
      return 'stored';
    case 'repeated':
      return 'stored once more';
    case 'replayed':
      return 'replayed';
    case 'claimed':
      return 'partition taken over';
    case 'paused':
      return 'partition paused';
    case 'failed':
      return `attempt ${attempt ?? '?'} failed`;
    case 'parked':
      return 'parked';
    case 'dead':
      return `given up: ${code ?? 'dead letter'}`;
    case 'applied':
      return attempt !== null && attempt > 1 ? `applied by attempt ${attempt}` : 'applied';
    case 'duplicate':
      return 'found to be a duplicate';
  }
}

/** The rest of what is known of a step. */
export function stepDetail(step: Step): string {
  const { kind, reason, delay_ms, behind, batch, topic, partition, offset } = step;
  switch (kind) {
    case 'created':
      return 'event time, by the clock of its source';
    case 'stored':
    case 'repeated':
    case 'replayed':
      return `${topic}, partition ${partition}, offset ${count(offset)}`;
    case 'claimed':
      return 'this process owns it from then on';
    case 'failed':
      return [reason, delay_ms === null ? null : `next attempt after ${duration(delay_ms)}`].filter(Boolean).join('; ');
    case 'parked':
      return behind === null ? 'behind an earlier event of its key' : `behind offset ${count(behind)}, of the same key`;
    case 'applied':
      return batch === null
        ? ''
        : `in a transaction of ${plural(batch.records, 'event')}, which took ${duration(batch.duration_ms)}`;
    case 'duplicate':
      return 'its id was applied before; nothing was counted twice';
    default:
      return reason ?? '';
  }
}

/** Attempts are measured in whole milliseconds. */
export function tookWords(ms: number | null): string {
  return ms === 0 ? '< 1 ms' : duration(ms);
}

const OUTCOMES: Readonly<Record<Fate['outcome'], string>> = {
  waiting: 'waiting',
  processing: 'at work on it',
  retrying: 'will be tried again',
  parked: 'parked',
  dead: 'dead letter',
  applied: 'applied',
  duplicate: 'duplicate, not counted again',
};

export function fateTitle({ outcome, attempts }: Fate): string {
  const words = OUTCOMES[outcome];
  return attempts !== null && attempts > 1 ? `${words}, ${plural(attempts, 'attempt')}` : words;
}

/** What is to be said of one record and one handler beyond its outcome. */
export function fateDetail(fate: Fate): string {
  const { outcome, lag, behind, batch, reason } = fate;
  const parts: string[] = [];
  if (outcome === 'waiting' && lag !== null)
    parts.push(
      lag === 0 ? 'it is the next record of its partition' : `${plural(lag, 'record')} before it in its partition`,
    );
  if (outcome === 'parked')
    parts.push(behind === null ? 'behind an earlier event of its key' : `behind offset ${count(behind)}`);
  else if (reason !== null) parts.push(reason);
  if (batch !== null) parts.push(`with ${plural(batch.records, 'event')} in ${duration(batch.duration_ms)}`);
  return parts.join('; ');
}

const SOURCES: Readonly<Record<Journey['found_by'], string>> = {
  position: 'its place in the log',
  trace: 'what handlers did lately',
  idempotency: 'answers to publishers',
  'time in the id': 'the log around the time in its id',
  'dead letters': 'dead letters',
  log: 'the log, newest first',
};

export function sourceWords(source: Journey['found_by']): string {
  return SOURCES[source];
}

/** From the first record to the last effect that is known; null where there is none. */
export function endToEndMs({ steps, lanes }: Pick<Journey, 'steps' | 'lanes'>): number | null {
  const ends = steps.flatMap(({ kind, since_stored_ms }) =>
    kind === 'applied' || kind === 'dead' ? since_stored_ms : [],
  );
  const isKnown = lanes.every(({ fates }) => fates.every(({ state, at }) => at !== null || state === 'UNVALIDATED'));
  return ends.length === 0 || !isKnown ? null : Math.max(...ends);
}

/** Where the API tells of an event, or of a record. `at`: a place of it, as far as is known. */
export function journeyPath(text: string, at = ''): string {
  const position = placeIn(text);
  if (position !== null) return `/api/v1/journeys?position=${encodeURIComponent(position)}`;
  // clients remove these from a path
  if (text === '.' || text === '..') return `/api/v1/journeys?event_id=${text}`;
  const hint = placeIn(at);
  return `/api/v1/journeys/${encodeURIComponent(text)}${hint === null ? '' : `?at=${encodeURIComponent(hint)}`}`;
}
