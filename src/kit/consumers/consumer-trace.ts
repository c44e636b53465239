/**
 * What a consumer did lately, in memory and bounded: one row for each transaction, and an entry for each event whose way
 * was not the plain one (failed, parked, retried, dead, duplicate). So an event that went through like all others costs
 * nothing, and is still found: in the transaction that settled its offset.
 */
import { type Clock, systemClock } from '../clock.ts';
import { isKitError } from '../errors.ts';
import type { LogRecord, PartitionOffset, TopicPartition } from '../log/event-log.ts';
import { ChunkRing, type TracedChunk } from './chunk-ring.ts';
import { Newest } from './newest.ts';

/** What happened to one event; the chunk notes it, and it counts once it is durable. Times as the consumer's clock has them. */
export type Note =
  /** To be tried again at `dueAt`. */
  | (Attempt & { readonly kind: 'failed'; readonly reason: string; readonly dueAt: number })
  /** Not tried: it waits behind the event at `behind`, of the same key. */
  | (Noted & { readonly kind: 'parked'; readonly behind: number; readonly key: string })
  | (Attempt & { readonly kind: 'dead'; readonly code: string; readonly reason: string })
  /** Applied after it was parked. */
  | (Attempt & { readonly kind: 'applied' });

interface Noted {
  readonly record: LogRecord;
  /** Null where it cannot be read. */
  readonly eventId: string | null;
  readonly at: number;
}

interface Attempt extends Noted {
  /** 1 for the first delivery. */
  readonly attempt: number;
  /** Null where nothing was called: unreadable, or given up without another try. */
  readonly startedAt: number | null;
}

/** Milliseconds since the epoch, as the wall clock has them. */
export interface TraceEntry extends PartitionOffset {
  readonly kind: Note['kind'] | 'duplicate';
  readonly eventId: string | null;
  /** When it was decided. */
  readonly at: number;
  /** When it was durable. */
  readonly storedAt: number;
  readonly startedAt: number | null;
  readonly attempt: number | null;
  readonly code: string | null;
  /** Cut to 300 characters. */
  readonly reason: string | null;
  readonly dueAt: number | null;
  readonly behind: number | null;
  readonly key: string | null;
}

/** What held a partition up as a whole. */
export interface Incident extends TopicPartition {
  readonly kind: 'claimed' | 'paused' | 'skipped';
  readonly at: number;
  /** The next offset to process, when it happened. */
  readonly position: number;
  readonly code: string | null;
  readonly reason: string | null;
}

export interface ChunkOutcome {
  readonly chunk: {
    readonly size: number;
    readonly notes: readonly Note[];
    readonly effects: readonly { readonly offset: number; readonly eventId: string | null }[];
  };
  /** The position before, and after. */
  readonly from: number;
  readonly next: number;
  readonly duplicates: readonly number[];
  readonly durationMs: number;
}

export interface TraceOptions {
  readonly clock?: Pick<Clock, 'now'>;
  /** The id of an event that the codec cannot read, where one can be made out. */
  readonly idOf?: (record: LogRecord) => string | null;
  /** Default 16,384: 1 MiB. */
  readonly maxChunks?: number;
  /** Default 10,000. */
  readonly maxEntries?: number;
}

const MAX_INCIDENTS = 1_000;
const MAX_REASON_CHARS = 300;

export class ConsumerTrace {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #idOf: (record: LogRecord) => string | null;
  readonly #chunks: ChunkRing;
  readonly #entries: Newest<TraceEntry>;
  readonly #incidents = new Newest<Incident>(MAX_INCIDENTS);
  /** Of owned partitions, since when and from which offset on: what came before is not in here. */
  readonly #claims = new Map<string, Incident>();
  /** Batches that handlers are at. */
  readonly #underWay = new Map<string, { readonly first: number; readonly last: number; readonly since: number }>();

  constructor({ clock = systemClock, idOf = () => null, maxChunks = 16_384, maxEntries = 10_000 }: TraceOptions = {}) {
    this.#clock = clock;
    this.#idOf = idOf;
    this.#chunks = new ChunkRing(maxChunks);
    this.#entries = new Newest(maxEntries);
  }

  /** A batch is being worked on, from one offset to another, until `ended`. */
  begun(at: TopicPartition, records: readonly LogRecord[]): void {
    if (records.length === 0) return;
    const [first, last] = [records[0]!.offset, records.at(-1)!.offset];
    this.#underWay.set(nameOf(at), { first, last, since: this.#clock.now() });
  }

  ended(at: TopicPartition): void {
    this.#underWay.delete(nameOf(at));
  }

  /** @param now of the consumer's clock, which may differ from the wall clock by now */
  stored(at: TopicPartition, outcome: ChunkOutcome, now: number): void {
    const storedAt = this.#clock.now();
    const shiftMs = storedAt - now;
    const { from, next, duplicates, durationMs } = outcome;
    const { size: records, notes } = outcome.chunk;
    const firstEntry = this.#entries.added;
    for (const note of notes) this.#entries.add(this.#entryOf(note, storedAt, shiftMs));
    if (duplicates.length > 0) this.#addDuplicates(at, outcome, storedAt);
    const exceptions = notes.length + duplicates.length;
    if (next > from) this.#chunks.add(at, { from, next, records, exceptions, storedAt, durationMs, firstEntry });
  }

  claimed(at: TopicPartition, position: number): void {
    const incident = this.#incident('claimed', at, position);
    if (!this.#claims.has(nameOf(at))) this.#claims.set(nameOf(at), incident);
  }

  /** Owned by somebody else, or by nobody. */
  released(at: TopicPartition): void {
    this.#claims.delete(nameOf(at));
    this.#underWay.delete(nameOf(at));
  }

  /** Nothing of the partition goes on until it is claimed again. */
  paused(at: TopicPartition, position: number, error: unknown): void {
    const code = isKitError(error) ? error.code : null;
    const reason = error instanceof Error ? error.message : String(error);
    this.#incident('paused', at, position, code, reason);
  }

  /** @param position the first offset that retention left */
  skipped(at: TopicPartition, position: number): void {
    this.#incident('skipped', at, position);
  }

  /** The transaction that settled this offset, as long as it is kept. */
  chunkOf(place: PartitionOffset): TracedChunk | null {
    return this.#chunks.find(place);
  }

  /** Whether every event of the chunk that went another way is still told of. */
  isComplete({ exceptions, firstEntry }: TracedChunk): boolean {
    return exceptions === 0 || this.#entries.keepsFrom(firstEntry);
  }

  /** What happened to the event at this place, oldest first. */
  entriesAt({ topic, partition, offset }: PartitionOffset): TraceEntry[] {
    return this.#entries.filter(
      (entry) => entry.offset === offset && entry.partition === partition && entry.topic === topic,
    );
  }

  /** What happened to events of this id, wherever they are, oldest first. */
  entriesOf(eventId: string): TraceEntry[] {
    return this.#entries.filter((entry) => entry.eventId === eventId);
  }

  /** Oldest first. */
  incidents({ topic, partition }: TopicPartition, fromMs: number, toMs: number): Incident[] {
    return this.#incidents.filter(
      (one) => one.at >= fromMs && one.at <= toMs && one.partition === partition && one.topic === topic,
    );
  }

  /** Since when handlers are at the batch with this offset; null where they are not. */
  underWaySince({ offset, ...at }: PartitionOffset): number | null {
    const batch = this.#underWay.get(nameOf(at));
    return batch !== undefined && batch.first <= offset && offset <= batch.last ? batch.since : null;
  }

  /** Since when, and from which offset on, this process has owned the partition; null where it does not. */
  claimOf(at: TopicPartition): Incident | null {
    return this.#claims.get(nameOf(at)) ?? null;
  }

  #incident(
    kind: Incident['kind'],
    { topic, partition }: TopicPartition,
    position: number,
    code: string | null = null,
    reason: string | null = null,
  ): Incident {
    const at = this.#clock.now();
    const incident = { kind, topic, partition, at, position, code, reason: cut(reason) };
    this.#incidents.add(incident);
    return incident;
  }

  #entryOf(note: Note, storedAt: number, shiftMs: number): TraceEntry {
    const { topic, partition, offset } = note.record;
    const isTry = note.kind !== 'parked';
    const hasReason = note.kind === 'failed' || note.kind === 'dead';
    return {
      kind: note.kind,
      topic,
      partition,
      offset,
      eventId: note.eventId ?? this.#idOf(note.record),
      at: note.at + shiftMs,
      storedAt,
      startedAt: isTry && note.startedAt !== null ? note.startedAt + shiftMs : null,
      attempt: isTry ? note.attempt : null,
      code: note.kind === 'dead' ? note.code : null,
      reason: hasReason ? cut(note.reason) : null,
      dueAt: note.kind === 'failed' ? note.dueAt + shiftMs : null,
      behind: note.kind === 'parked' ? note.behind : null,
      key: note.kind === 'parked' ? note.key : null,
    };
  }

  #addDuplicates(at: TopicPartition, { chunk, duplicates }: ChunkOutcome, storedAt: number): void {
    const { topic, partition } = at;
    const repeated = new Set(duplicates);
    for (const { offset, eventId } of chunk.effects)
      if (repeated.has(offset))
        this.#entries.add({ ...NOTHING, kind: 'duplicate', topic, partition, offset, eventId, at: storedAt, storedAt });
  }
}

const NOTHING = { startedAt: null, attempt: null, code: null, reason: null, dueAt: null, behind: null, key: null };

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}

function cut(text: string | null): string | null {
  return text !== null && text.length > MAX_REASON_CHARS ? `${text.slice(0, MAX_REASON_CHARS)}…` : text;
}
