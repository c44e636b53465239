/**
 * Folds partitions of the log into a store again, up to given positions, with the store's own transactions. Nothing is
 * retried or judged: what became of a record where the projection lives (applied, parked, dead) is told by `ReplayFates`,
 * so the state comes to the same, and nothing is written but the store.
 *
 * The de-duplication clock is the records' own time, so that an id is a duplicate in every replay or in none.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { RecordReader } from '../consumers/record-reader.ts';
import { KitError } from '../errors.ts';
import type { EventLog, LogRecord, PartitionOffset, TopicPartition } from '../log/event-log.ts';
import type { EventCodec } from '../schemas/event-codec.ts';
import type { Delta, Effect, ParkedRecord, ProjectionStore } from './projection-store.ts';

export interface ReplaySource<E> {
  readonly log: Pick<EventLog, 'read' | 'listOffsets'>;
  readonly codec: Pick<EventCodec<E>, 'decode'>;
  /** Pure. */
  readonly project: (event: E, record: LogRecord) => readonly Delta[];
  /** As the live consumer has it (`ConsumerOptions`). Default true. */
  readonly deduplicate?: boolean;
}

/** Of a readable record. `waits` for its retry: it has no effect yet. */
export type Fate = 'applied' | 'dead' | { readonly waits: ParkedRecord };

export type ReplayFates = (place: PartitionOffset) => Fate;

export interface ReplayLimits {
  /** Records per transaction. */
  readonly chunkRecords: number;
  /** Records of one transaction share a de-duplication time: they are not further apart than this. */
  readonly chunkSpanMs: number;
  /** Partitions that are read at a time, each with two reads of at most 1 MiB in memory. */
  readonly concurrency: number;
}

export const DEFAULT_REPLAY_LIMITS: ReplayLimits = { chunkRecords: 1_000, chunkSpanMs: 30 * 60_000, concurrency: 4 };

/** After an answer without records below the end, asked once more with this wait before the rest counts as a hole. */
const HOLE_WAIT_MS = 500;
const MAX_CLAIMS = 10;

interface Place extends TopicPartition {
  epoch: number;
  next: number | null;
  claims: number;
  /** The de-duplication clock, ms since the epoch. */
  now: number;
  /** As the store has them. */
  readonly parked: Map<number, ParkedRecord>;
}

interface Chunk {
  readonly effects: Effect[];
  readonly park: ParkedRecord[];
  readonly unpark: number[];
  dead: number;
  readonly now: number;
}

/** For one pass at a time; a second one goes on where the first ended. */
export class Replay<E> {
  readonly #store: ProjectionStore;
  readonly #source: ReplaySource<E>;
  readonly #limits: ReplayLimits;
  readonly #places = new Map<string, Place>();
  #folded = 0;

  constructor(store: ProjectionStore, source: ReplaySource<E>, limits: ReplayLimits = DEFAULT_REPLAY_LIMITS) {
    this.#store = store;
    this.#source = source;
    this.#limits = limits;
  }

  /** Records read so far. */
  get folded(): number {
    return this.#folded;
  }

  /** Where a partition stands that this replay has moved; null where it has none. */
  next({ topic, partition }: TopicPartition): number | null {
    return this.#places.get(`${topic}/${partition}`)?.next ?? null;
  }

  /**
   * Moves every one of these partitions to its offset, the next to be processed.
   *
   * @throws KitError REBUILD_LOST where the store is further than that, or taken over by another; REBUILD_FAILED with what
   *   `project` threw or the store cannot keep (`details`: topic, partition, offset); what the log's `read` throws
   */
  async advance(ends: readonly PartitionOffset[], fates: ReplayFates, signal: AbortSignal): Promise<void> {
    const waiting = [...ends];
    const failed = new AbortController();
    const either = AbortSignal.any([signal, failed.signal]);
    const workers = Array.from({ length: this.#limits.concurrency }, async () => {
      for (let end = waiting.shift(); end !== undefined; end = waiting.shift()) {
        await this.#advance(end, fates, either);
      }
    });
    for (const worker of workers) worker.catch((error: unknown) => failed.abort(error));
    await Promise.allSettled(workers);
    either.throwIfAborted();
  }

  /** Brings what waits in a partition into line with the fates: gives effect to what was applied meanwhile, buries what died. */
  async settle(partition: TopicPartition, waiting: readonly ParkedRecord[], fates: ReplayFates): Promise<void> {
    const place = await this.#place(partition);
    const reader = new RecordReader(this.#source.log as EventLog, partition);
    const wanted = new Map(waiting.map((record) => [record.offset, record]));
    let chunk = newChunk(place.now);
    for (const { offset } of [...place.parked.values()]) {
      if (wanted.has(offset)) continue;
      const record = await reader.read(offset);
      // parked, and gone from the log: dead, as for a consumer
      if (record === null) chunk.dead++;
      else this.#judge(record, chunk, (at) => afterWaiting(fates(at)));
      chunk.unpark.push(offset);
      if (chunk.unpark.length >= this.#limits.chunkRecords) {
        await this.#apply(place, chunk, place.next ?? 0);
        chunk = newChunk(place.now);
      }
    }
    for (const record of waiting) {
      if (JSON.stringify(place.parked.get(record.offset)) !== JSON.stringify(record)) chunk.park.push(record);
    }
    if (chunk.unpark.length + chunk.park.length > 0) await this.#apply(place, chunk, place.next ?? 0);
  }

  async #advance(
    { topic, partition, offset: end }: PartitionOffset,
    fates: ReplayFates,
    signal: AbortSignal,
  ): Promise<void> {
    const place = await this.#place({ topic, partition });
    if (place.next !== null && place.next > end) throw lost(this.#store.name, place, `it is to end at ${end} now`);
    if (place.next === end) return;
    const [earliest, latest] = (await this.#source.log.listOffsets([
      { topic, partition, at: 'earliest' },
      { topic, partition, at: 'latest' },
    ])) as [number, number];
    if (end > latest) throw lost(this.#store.name, place, `the log ends at ${latest}, before ${end}`);
    let offset = Math.max(place.next ?? 0, earliest);
    let reading = this.#read({ topic, partition, offset }, end, signal);
    while (offset < end) {
      signal.throwIfAborted();
      const records = await reading;
      offset = records.length === 0 ? end : records.at(-1)!.offset + 1;
      if (offset < end) reading = this.#read({ topic, partition, offset }, end, signal);
      await this.#fold(place, records, fates, signal);
    }
    if (place.next !== end) await this.#apply(place, newChunk(place.now), end);
  }

  /** The records below `end` that are next; empty where a hole reaches to the end. */
  #read(from: PartitionOffset, end: number, signal: AbortSignal): Promise<readonly LogRecord[]> {
    const reading = this.#readOnce(from, end, signal);
    // it may fail while nobody looks: whoever awaits it next is told
    reading.catch(() => {});
    return reading;
  }

  async #readOnce(from: PartitionOffset, end: number, signal: AbortSignal): Promise<readonly LogRecord[]> {
    if (from.offset >= end) return [];
    let { records } = await this.#source.log.read({ ...from, signal });
    if (records.length === 0) ({ records } = await this.#source.log.read({ ...from, maxWaitMs: HOLE_WAIT_MS, signal }));
    const last = records.at(-1);
    return last === undefined || last.offset < end ? records : records.filter(({ offset }) => offset < end);
  }

  async #fold(place: Place, records: readonly LogRecord[], fates: ReplayFates, signal: AbortSignal): Promise<void> {
    const { chunkRecords, chunkSpanMs } = this.#limits;
    for (let from = 0; from < records.length; ) {
      signal.throwIfAborted();
      const startMs = Math.max(place.now, records[from]!.timestamp);
      let to = from;
      let now = startMs;
      for (; to < records.length && to - from < chunkRecords; to++) {
        const at = Math.max(now, records[to]!.timestamp);
        if (at - startMs > chunkSpanMs) break;
        now = at;
      }
      const chunk = newChunk(now);
      for (let index = from; index < to; index++) this.#judge(records[index]!, chunk, fates);
      await this.#apply(place, chunk, records[to - 1]!.offset + 1);
      place.now = now;
      this.#folded += to - from;
      from = to;
      await nextTurn();
    }
  }

  #judge(record: LogRecord, chunk: Chunk, fates: ReplayFates): void {
    const { codec, project, deduplicate = true } = this.#source;
    const { topic, partition, offset } = record;
    try {
      const decoded = decode(codec, record);
      if (decoded === null) {
        chunk.dead++;
        return;
      }
      const fate = fates(record);
      if (fate === 'dead') chunk.dead++;
      else if (fate !== 'applied') chunk.park.push(fate.waits);
      else
        chunk.effects.push({
          offset,
          eventId: deduplicate ? decoded.id : null,
          deltas: project(decoded.event, record),
        });
    } catch (cause) {
      throw failed(this.#store.name, { topic, partition, offset }, cause);
    }
  }

  async #apply(place: Place, chunk: Chunk, next: number): Promise<void> {
    const { topic, partition } = place;
    const { effects, park, unpark, dead, now } = chunk;
    for (;;) {
      const { epoch, next: expect } = place;
      const batch = { topic, partition, epoch, expect, next, effects, park, unpark, dead, now };
      const outcome = await this.#store.apply(batch).catch((cause: unknown) => {
        if (!(cause instanceof KitError) || cause.code !== 'INVALID_DELTA') throw cause;
        const offset = typeof cause.details.offset === 'number' ? cause.details.offset : (effects[0]?.offset ?? next);
        throw failed(this.#store.name, { topic, partition, offset }, cause);
      });
      if (outcome.status === 'ok') break;
      // somebody claimed it in between, or an answer was lost: the position tells
      const claim = await this.#store.claim(place);
      if (++place.claims > MAX_CLAIMS || claim.next !== expect) throw lost(this.#store.name, place, 'another moves it');
      place.epoch = claim.epoch;
    }
    place.next = next;
    for (const record of park) place.parked.set(record.offset, record);
    for (const offset of unpark) place.parked.delete(offset);
  }

  async #place({ topic, partition }: TopicPartition): Promise<Place> {
    const key = `${topic}/${partition}`;
    let place = this.#places.get(key);
    if (place === undefined) {
      const { epoch, next, parked } = await this.#store.claim({ topic, partition });
      const waiting = new Map(parked.map((record) => [record.offset, record]));
      place = { topic, partition, epoch, next, claims: 0, now: 0, parked: waiting };
      this.#places.set(key, place);
    }
    return place;
  }
}

function decode<E>(
  codec: Pick<EventCodec<E>, 'decode'>,
  record: LogRecord,
): { readonly event: E; readonly id: string } | null {
  try {
    const decoded = codec.decode(record);
    return decoded.ok ? decoded : null;
  } catch {
    // unreadable, as consumers have it
    return null;
  }
}

/** What waited and waits no more had an effect, unless it died. */
function afterWaiting(fate: Fate): Fate {
  return fate === 'dead' ? 'dead' : 'applied';
}

function newChunk(now: number): Chunk {
  return { effects: [], park: [], unpark: [], dead: 0, now };
}

function failed(name: string, place: PartitionOffset, cause: unknown): KitError {
  const why = cause instanceof Error ? cause.message : String(cause);
  const { topic, partition, offset } = place;
  return new KitError('REBUILD_FAILED', `${name} cannot take ${topic}:${partition}:${offset}: ${why}`, {
    cause,
    details: { topic, partition, offset },
  });
}

function lost(name: string, { topic, partition, next }: Place, why: string): KitError {
  return new KitError(
    'REBUILD_LOST',
    `${name} was at ${topic}:${partition}:${next}, but ${why}; start the rebuild anew`,
    {
      retriable: true,
      details: { topic, partition, next },
    },
  );
}
