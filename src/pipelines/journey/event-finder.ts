/**
 * Where in the log an event is, from its id alone. The log has no index of ids, so what knows places is asked first; then
 * the log is looked through, bounded, and whoever asks is told what was looked at and can have the rest looked at too.
 */
import { SOCIAL_TOPICS } from '../../domains/social/topics.ts';
import type { ConsumerTrace } from '../../kit/consumers/consumer-trace.ts';
import { deadLetterTopic, readDeadLetter } from '../../kit/dlq/dead-letter.ts';
import { isKitError, KitError } from '../../kit/errors.ts';
import type { EventLog, LogRecord, PartitionOffset } from '../../kit/log/event-log.ts';
import type { IdempotencyStore } from '../../kit/producers/idempotency-store.ts';
import { idMatcher, timeInId } from './event-identity.ts';
import { budgetOf, isSpent, type ScanBudget, type Span, scan, spansOf } from './log-scan.ts';

export type FoundBy = 'position' | 'trace' | 'idempotency' | 'time in the id' | 'dead letters' | 'log';

export interface Searched {
  readonly source: FoundBy;
  /** That were looked at. */
  readonly records: number;
  /** Whether the source was looked at to its end. */
  readonly complete: boolean;
}

export interface FoundEvent {
  readonly by: FoundBy;
  /** Of every record with this id that was found, in the order of finding. */
  readonly places: readonly PartitionOffset[];
  readonly searched: readonly Searched[];
}

export interface FindOptions {
  readonly signal: AbortSignal;
  /** `quick`: only what takes a moment. `further`: on from where the last search for this id has stopped, for longer. */
  readonly effort?: 'quick' | 'normal' | 'further';
  /** Where one of its records is, as far as whoever asks knows. */
  readonly hint?: PartitionOffset | undefined;
}

export interface FinderParts {
  readonly log: Pick<EventLog, 'read' | 'describe' | 'listOffsets'>;
  readonly traces: () => readonly ConsumerTrace[];
  readonly idempotency: Pick<IdempotencyStore, 'answerTo'>;
}

interface Bounds {
  readonly records: number;
  readonly ms: number;
}

const QUICK: Bounds = { records: 20_000, ms: 120 };
const WINDOW: Bounds = { records: 100_000, ms: 1_000 };
const DEAD_LETTERS: Bounds = { records: 20_000, ms: 500 };
const LOG: Bounds = { records: 1_000_000, ms: 1_500 };
const LOG_FURTHER: Bounds = { records: 5_000_000, ms: 20_000 };
/** Around the time in an id: an event is published at once as a rule, and its maker's clock may be off. */
const WINDOWS_MS: readonly (readonly [from: number, to: number])[] = [
  [-50, 450],
  [450, 10_000],
  [-5_000, -50],
];
const MAX_SEARCHES = 8;
/** Ids whose places, or whose searches, are remembered. */
const MAX_REMEMBERED = 1_000;
/** Of those, how many can go on in the log from where they stopped. */
const MAX_PROGRESSES = 16;
const MAX_PLACES = 100;
const PLACE = /^([a-zA-Z0-9._-]{1,249})[/:](\d{1,9})[/:](\d{1,15})$/;

interface Search {
  by: FoundBy;
  readonly places: Map<string, PartitionOffset>;
  readonly searched: Map<FoundBy, { records: number; complete: boolean }>;
  /** Whether one of the places is more than that of a repetition. */
  isKnown: boolean;
  /** Null until the log is looked through, and again when many other searches came since. */
  progress: { readonly left: readonly Span[]; readonly all: readonly Span[] } | null;
}

/** `topic/partition/offset`, or with colons. */
export function placeOf(text: string): PartitionOffset | null {
  const [, topic, partition, offset] = PLACE.exec(text) ?? [];
  return topic === undefined ? null : { topic, partition: Number(partition), offset: Number(offset) };
}

export class EventFinder {
  readonly #parts: FinderParts;
  /** Least recently asked first. */
  readonly #searches = new Map<string, Search>();
  #progressing: Search[] = [];
  #running = 0;

  constructor(parts: FinderParts) {
    this.#parts = parts;
  }

  /** @throws KitError UNKNOWN_EVENT (`details.searched`, `details.complete`), TOO_MANY_SEARCHES (retriable), LOG_UNAVAILABLE */
  async find(eventId: string, options: FindOptions): Promise<FoundEvent> {
    if (this.#running >= MAX_SEARCHES)
      throw new KitError('TOO_MANY_SEARCHES', 'too many look for events at the same time; ask again in a moment', {
        retriable: true,
      });
    this.#running++;
    try {
      const search = this.#remembered(eventId);
      await this.#look(eventId, search, options);
      return this.#found(eventId, search);
    } finally {
      this.#running--;
    }
  }

  /** A place that was found otherwise, so that it need not be looked for. */
  learn(eventId: string, place: PartitionOffset): void {
    this.#note(this.#remembered(eventId), 'position', place);
  }

  async #look(eventId: string, search: Search, { effort, hint, signal }: FindOptions): Promise<void> {
    for (const trace of this.#parts.traces())
      for (const entry of trace.entriesOf(eventId)) this.#note(search, 'trace', entry, entry.kind !== 'duplicate');
    const quick = effort === 'quick';
    const further = effort === 'further';
    if (!search.isKnown && hint !== undefined) await this.#at(hint, eventId, search);
    if (!search.isKnown) await this.#atItsPlace(eventId, search);
    if (!search.isKnown) await this.#inAnswers(eventId, search);
    if (!search.isKnown) await this.#aroundItsTime(eventId, search, within(quick ? QUICK : WINDOW, signal));
    if (!search.isKnown) await this.#inDeadLetters(eventId, search, within(quick ? QUICK : DEAD_LETTERS, signal));
    if (further || (!quick && !search.isKnown)) await this.#inLog(eventId, search, further, signal);
  }

  /** An id may be a place: that is what an event without an id is named by. */
  async #atItsPlace(eventId: string, search: Search): Promise<void> {
    const place = placeOf(eventId);
    if (place !== null && (await readRecord(this.#parts.log, place)) !== null) this.#note(search, 'position', place);
  }

  async #at(place: PartitionOffset, eventId: string, search: Search): Promise<void> {
    const record = await readRecord(this.#parts.log, place);
    if (record !== null && idMatcher(eventId)(record)) this.#note(search, 'position', place);
  }

  async #inAnswers(eventId: string, search: Search): Promise<void> {
    const answer = await this.#parts.idempotency.answerTo(`event:${eventId}`).catch(() => null);
    search.searched.set('idempotency', { records: 0, complete: true });
    if (answer === null) return;
    const { topic, partition, offset } = JSON.parse(answer) as PartitionOffset;
    const record = await readRecord(this.#parts.log, { topic, partition, offset });
    if (record !== null && idMatcher(eventId)(record)) this.#note(search, 'idempotency', record);
  }

  async #aroundItsTime(eventId: string, search: Search, budget: ScanBudget): Promise<void> {
    const time = timeInId(eventId);
    if (time === null) return;
    let complete = true;
    for (const [from, to] of WINDOWS_MS) {
      const spans = await spansOf(this.#parts.log, SOCIAL_TOPICS, Math.max(0, time + from), Math.max(0, time + to));
      const left = await this.#scan('time in the id', 'forwards', spans, eventId, search, budget, true);
      complete &&= left.length === 0;
      if (search.isKnown || isSpent(budget)) break;
    }
    complete &&= !isSpent(budget);
    search.searched.set('time in the id', { ...countOf(search, 'time in the id'), complete });
  }

  async #inDeadLetters(eventId: string, search: Search, budget: ScanBudget): Promise<void> {
    const topics = SOCIAL_TOPICS.map(deadLetterTopic);
    const spans = await spansOf(this.#parts.log, topics, 'earliest', 'latest');
    const isOfEvent = idMatcher(eventId);
    const { left, records } = await scan(this.#parts.log, 'backwards', spans, budget, (record) => {
      const letter = isOfEvent(record) ? readDeadLetter(record) : null;
      if (letter !== null) this.#note(search, 'dead letters', letter);
      return false;
    });
    search.searched.set('dead letters', { records, complete: left.length === 0 });
  }

  /** Whoever asks again has what came since looked through; what is older, only when asked to go further. */
  async #inLog(eventId: string, search: Search, further: boolean, signal: AbortSignal): Promise<void> {
    const all = await spansOf(this.#parts.log, SOCIAL_TOPICS, 'earliest', 'latest');
    const before = search.progress;
    const budget = within(further ? LOG_FURTHER : LOG, signal);
    const ends = new Map(before?.all.map((span) => [nameOf(span), span.to]));
    const news = before === null ? all : all.map((span) => ({ ...span, from: ends.get(nameOf(span)) ?? span.from }));
    let left = await this.#scan('log', 'backwards', news, eventId, search, budget, !further);
    const old = before?.left ?? [];
    left = further
      ? [...left, ...(await this.#scan('log', 'backwards', old, eventId, search, budget, false))]
      : [...left, ...old];
    search.searched.set('log', { ...countOf(search, 'log'), complete: left.length === 0 });
    search.progress = { left, all };
    this.#progressing = [...this.#progressing.filter((other) => other !== search), search];
    if (this.#progressing.length > MAX_PROGRESSES) this.#progressing.shift()!.progress = null;
  }

  async #scan(
    source: FoundBy,
    direction: 'forwards' | 'backwards',
    spans: readonly Span[],
    eventId: string,
    search: Search,
    budget: ScanBudget,
    first: boolean,
  ): Promise<readonly Span[]> {
    const isOfEvent = idMatcher(eventId);
    const { left, records } = await scan(this.#parts.log, direction, spans, budget, (record) => {
      if (!isOfEvent(record)) return false;
      this.#note(search, source, record);
      return first;
    });
    const before = countOf(search, source);
    search.searched.set(source, { ...before, records: before.records + records });
    return left;
  }

  #note(search: Search, by: FoundBy, place: PartitionOffset, isKnown = true): void {
    if (!search.isKnown) search.by = by;
    search.isKnown ||= isKnown;
    add(search, place);
  }

  #found(eventId: string, { by, places, searched }: Search): FoundEvent {
    const told = [...searched].map(([source, count]): Searched => ({ source, ...count }));
    if (places.size > 0) return { by, places: [...places.values()], searched: told };
    const { records, complete } = searched.get('log') ?? { records: 0, complete: false };
    const message = complete
      ? `No event of the log has the id ${eventId}: all of it was looked through.`
      : `No event of the id ${eventId} was found in the ${records} newest records of the log; older ones were not looked at.`;
    throw new KitError('UNKNOWN_EVENT', message, { details: { event_id: eventId, searched: told, complete } });
  }

  #remembered(eventId: string): Search {
    const search: Search = this.#searches.get(eventId) ?? {
      by: 'position',
      places: new Map(),
      searched: new Map(),
      isKnown: false,
      progress: null,
    };
    this.#searches.delete(eventId);
    this.#searches.set(eventId, search);
    if (this.#searches.size > MAX_REMEMBERED) this.#searches.delete(this.#searches.keys().next().value!);
    return search;
  }
}

/** Null where the log does not have it (any more). @throws KitError LOG_UNAVAILABLE and what else `read` throws */
export async function readRecord(log: Pick<EventLog, 'read'>, place: PartitionOffset): Promise<LogRecord | null> {
  const { topic, partition, offset } = place;
  try {
    const { records } = await log.read({ topic, partition, offset, maxRecords: 1, maxBytes: 1 });
    return records[0]?.offset === offset ? records[0] : null;
  } catch (error) {
    if (isKitError(error, 'OFFSET_OUT_OF_RANGE') || isKitError(error, 'UNKNOWN_TOPIC')) return null;
    if (isKitError(error, 'UNKNOWN_PARTITION')) return null;
    throw error;
  }
}

function add({ places }: Search, { topic, partition, offset }: PartitionOffset): void {
  if (places.size < MAX_PLACES) places.set(`${topic}/${partition}/${offset}`, { topic, partition, offset });
}

function within({ records, ms }: Bounds, signal: AbortSignal): ScanBudget {
  return budgetOf(records, ms, signal);
}

function countOf({ searched }: Search, source: FoundBy): { readonly records: number; readonly complete: boolean } {
  return searched.get(source) ?? { records: 0, complete: false };
}

function nameOf({ topic, partition }: Span): string {
  return `${topic}/${partition}`;
}
