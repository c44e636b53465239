/** Follows one event through the system: its records, what every handler made of it, and when. */
import { socialEventCodec } from '../../domains/social/codec.ts';
import type { SocialEvent } from '../../domains/social/events.ts';
import type { ConsumerTrace } from '../../kit/consumers/consumer-trace.ts';
import type { DeadLetterQueue } from '../../kit/dlq/dead-letter-queue.ts';
import { KitError } from '../../kit/errors.ts';
import type { EventLog, LogRecord, PartitionOffset } from '../../kit/log/event-log.ts';
import type { IdempotencyStore } from '../../kit/producers/idempotency-store.ts';
import type { ParkedRecord } from '../../kit/projections/projection-store.ts';
import { shownTime } from '../../kit/schemas/formats.ts';
import type { Projection, ProjectionName } from '../projection.ts';
import { EventFinder, type FindOptions, type FoundEvent, readRecord } from './event-finder.ts';
import { identityOf } from './event-identity.ts';
import { nameOf, recordsOf, replayCountOf } from './event-records.ts';
import { fateOf } from './fate.ts';
import type { Fate, FollowerName, Journey, Lane, LifecycleState, Relations, Stored } from './journey-json.ts';
import { type RelationOptions, relationsOf } from './relations.ts';
import { orderedSteps, stepsOf } from './steps.ts';

/** Whoever reads events as a group of its own and keeps its position in a store. */
export interface Follower extends Pick<Projection, 'group' | 'topics' | 'store' | 'deduplicate'> {
  readonly name: FollowerName;
  readonly project?: Projection['project'];
  /** Where it runs in this process. */
  readonly trace?: ConsumerTrace;
  /** What it did outside of its store, in words. @param isDone that it is through with it */
  readonly textOf?: (place: PartitionOffset, isDone: boolean) => string | null;
}

export interface JourneyParts {
  readonly log: EventLog;
  readonly projections: readonly Projection[];
  readonly deadLetters: Pick<DeadLetterQueue, 'list'>;
  readonly idempotency: Pick<IdempotencyStore, 'answerTo'>;
  /** Of the handlers that run in this process. */
  readonly traces: ReadonlyMap<ProjectionName, ConsumerTrace>;
  /** Others that read events. */
  readonly followers?: readonly Follower[];
}

export interface FollowedEvent {
  readonly journey: Journey;
  /** The original, as far as is known. */
  readonly record: LogRecord | null;
}

/** From the least settled to the most. */
const STATES: readonly LifecycleState[] = ['UNVALIDATED', 'PROCESSING', 'RETRY_DELAY', 'POISON_DLQ', 'COMMITTED'];
const MAX_DOCUMENTS = 10;

export class Journeys {
  readonly finder: EventFinder;
  readonly #parts: JourneyParts;

  constructor(parts: JourneyParts) {
    this.#parts = parts;
    const { log, idempotency } = parts;
    this.finder = new EventFinder({
      log,
      idempotency,
      traces: () => this.#followers().flatMap(({ trace }) => trace ?? []),
    });
  }

  /** @throws KitError UNKNOWN_EVENT, TOO_MANY_SEARCHES, LOG_UNAVAILABLE, STORE_UNAVAILABLE */
  async ofEvent(eventId: string, options: FindOptions): Promise<FollowedEvent> {
    return this.#follow(eventId, await this.finder.find(eventId, options), options.signal);
  }

  /** @throws KitError UNKNOWN_EVENT, LOG_UNAVAILABLE, STORE_UNAVAILABLE */
  async ofPlace(place: PartitionOffset, options: FindOptions): Promise<FollowedEvent> {
    const record = await readRecord(this.#parts.log, place);
    if (record === null)
      throw new KitError('UNKNOWN_EVENT', `The log has no record at ${nameOf(place)}: not yet, or no longer.`, {
        details: { ...place, searched: [], complete: true },
      });
    const { eventId } = identityOf(record);
    if (eventId === null) return this.#follow(null, { by: 'position', places: [place], searched: [] }, options.signal);
    this.finder.learn(eventId, place);
    return this.ofEvent(eventId, options);
  }

  /** @throws KitError UNKNOWN_EVENT, TOO_MANY_SEARCHES, LOG_UNAVAILABLE */
  relationsOf(eventId: string, options: RelationOptions): Promise<Relations> {
    return relationsOf(this.#parts.log, this.finder, eventId, options);
  }

  /** Traces of projections come as they are started. */
  #followers(): Follower[] {
    const { projections, traces, followers = [] } = this.#parts;
    const own = projections.map((projection): Follower => {
      const trace = traces.get(projection.name);
      return trace === undefined ? projection : { ...projection, trace };
    });
    return [...own, ...followers];
  }

  async #follow(eventId: string | null, found: FoundEvent, signal: AbortSignal): Promise<FollowedEvent> {
    const { log } = this.#parts;
    const parts = { ...this.#parts, finder: this.finder };
    const all = await recordsOf(parts, eventId, found.places, signal);
    const { records, letters } = all;
    const [first = null] = records;
    const decoded = first === null ? null : socialEventCodec.decode(first);
    const event = decoded?.ok === true ? decoded.event : null;
    const unreadable = decoded?.ok === false ? { code: decoded.code, reason: decoded.reason } : null;
    const stored = records.map(storedOf);
    const earliest = await log.listOffsets(records.map((record) => ({ ...record, at: 'earliest' as const })));
    const topics = new Set(records.map(({ topic }) => topic));
    const steps: ReturnType<typeof stepsOf> = [];
    const lanes = await Promise.all(
      this.#followers().map(async (follower): Promise<Lane> => {
        const { name, group, topics: reads, store, trace = null } = follower;
        const lane = { handler: name, group, topics: [...reads], here: trace !== null };
        if (!reads.some((topic) => topics.has(topic))) return { ...lane, reads: false, state: null, fates: [] };
        const states = await store.partitions();
        const fates: Fate[] = [];
        for (const [index, record] of records.entries()) {
          if (!reads.includes(record.topic)) continue;
          const state = states.find(({ topic, partition }) => topic === record.topic && partition === record.partition);
          const parked: readonly ParkedRecord[] =
            state === undefined || state.parked === 0 ? [] : await store.parked(state);
          const letter = letters.find((one) => one.group === group && nameOf(one) === nameOf(record));
          const read = socialEventCodec.decode(record);
          const found = fateOf({
            projection: follower,
            record,
            trace,
            state,
            parked,
            earliest: earliest[index]!,
            letter,
            repeats: index > 0,
            unreadable: read.ok ? null : read,
            documents: read.ok ? documentsOf(follower, read.event, record) : [],
          });
          const told = follower.textOf?.(record, isSettled(found) && found.at !== null) ?? null;
          const fate = told === null ? found : { ...found, note: found.note === null ? told : `${told} ${found.note}` };
          fates.push(fate);
          steps.push(...stepsOf(name, record, fate, trace, letter));
        }
        return { ...lane, reads: true, state: finalState(fates), fates };
      }),
    );
    const reading = lanes.flatMap(({ state }) => state ?? []);
    const createdAt = event === null ? null : Date.parse(event.timestamp);
    const journey: Journey = {
      event_id: eventId,
      found_by: found.by,
      searched: [...found.searched],
      as_of: shownTime(Date.now()),
      state: STATES.find((state) => reading.includes(state)) ?? 'UNVALIDATED',
      settled: lanes.every(({ fates }) => fates.every(isSettled)),
      event: event === null ? null : eventJson(event),
      unreadable,
      records: stored,
      gone: [...all.gone],
      steps: orderedSteps(records, stored, createdAt, steps),
      lanes,
      dead_letters: [...letters],
    };
    return { journey, record: first };
  }
}

function storedOf(record: LogRecord, index: number): Stored {
  const { topic, partition, offset, timestamp } = record;
  const count = replayCountOf(record);
  const role = count > 0 ? 'replay' : index === 0 ? 'original' : 'repetition';
  return { topic, partition, offset, at: shownTime(timestamp), role, replay_count: count };
}

/** Documents that are known by the event alone; those of a fan-out are not. */
function documentsOf({ project = () => [] }: Follower, event: SocialEvent, record: LogRecord): string[] {
  const keys = project(event, record).flatMap(({ key, each }) => (each === undefined ? key : []));
  return [...new Set(keys)].slice(0, MAX_DOCUMENTS);
}

/** An event that was given up, and applied when it was replayed, is applied. */
function finalState(fates: readonly Fate[]): LifecycleState | null {
  if (fates.length === 0) return null;
  const open = fates.find((fate) => !isSettled(fate));
  if (open !== undefined) return open.state;
  return fates.some(({ state }) => state === 'COMMITTED') ? 'COMMITTED' : 'POISON_DLQ';
}

function isSettled({ state }: Fate): boolean {
  return state === 'COMMITTED' || state === 'POISON_DLQ';
}

function eventJson(event: SocialEvent): NonNullable<Journey['event']> {
  const { event_type, user_id, timestamp, data, metadata } = event;
  const content_id = 'content_id' in event ? event.content_id : null;
  return { event_type, user_id, content_id, timestamp, data, metadata };
}
