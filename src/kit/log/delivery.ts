/**
 * Brings the records of the partitions that a member owns to its `onRecords`, for one generation: made when partitions
 * are assigned, stopped before they are revoked, never used again. So nothing of an earlier assignment can leak into a later.
 */
import type { Clock } from '../clock.ts';
import { isKitError } from '../errors.ts';
import { pauseMs } from '../waiting.ts';
import { backoffMs } from './backoff.ts';
import type { PartitionBatch, PartitionOffset, TopicPartition } from './event-log.ts';
import type { FetchSource } from './group-transport.ts';

export interface DeliveryOptions {
  readonly source: FetchSource;
  readonly clock: Clock;
  readonly random: () => number;
  readonly maxBufferedBytes: number;
  /** See `JoinOptions`. */
  readonly gatherMs?: number | undefined;
  readonly onRecords: (batch: PartitionBatch) => Promise<void>;
  /** Called once; nothing is delivered afterwards. */
  readonly onFailed: (error: unknown) => void;
}

interface Owned extends TopicPartition {
  /** The next offset to fetch. */
  offset: number;
  /** Whether the caller chose the start; if not, it is the earliest record, wherever that is. */
  chosen: boolean;
  paused: boolean;
  /** Raised when what is being fetched is no longer wanted. */
  epoch: number;
  queue: { readonly batch: PartitionBatch; readonly bytes: number }[];
  queuedBytes: number;
  full: boolean;
  leader: number;
  running: Promise<void> | null;
}

/** As it travels; in memory records of ten headers are seven times as large. */
const MAX_FETCH_BYTES = 1024 * 1024;
const MIN_FETCH_BYTES = 64 * 1024;
const MAX_WAIT_MS = 500;
/** While a partition's queue is full, a fetch for its neighbours must not keep it waiting long once it has drained. */
const MAX_WAIT_BESIDE_FULL_MS = 100;
/** What a record and a header cost beside their bytes: objects, buffers, strings. Measured: 2,050 bytes for a record of ten headers. */
const RECORD_OVERHEAD_BYTES = 300;
const HEADER_OVERHEAD_BYTES = 175;
/** A fetch that brought so many is followed by the next one at once; see `gatherMs`. */
const MANY_RECORDS = 500;
const DEFAULT_GATHER_MS = 5;

export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #owned = new Map<string, Owned>();
  readonly #shareBytes: number;
  readonly #fetching = new Map<number, AbortController>();
  readonly #failures = new Map<number, number>();
  readonly #stopping = new AbortController();
  readonly #pumping: Promise<void>;
  #bufferedBytes = 0;
  #changed = Promise.withResolvers<void>();

  /** @param offsets where to start; partitions of `owned` that it leaves out start at their earliest record */
  constructor(owned: readonly TopicPartition[], offsets: readonly PartitionOffset[], options: DeliveryOptions) {
    this.#options = options;
    this.#shareBytes = options.maxBufferedBytes / Math.max(1, owned.length);
    const starts = new Map(offsets.map((start) => [keyOf(start), start.offset]));
    for (const { topic, partition } of owned) {
      const start = starts.get(keyOf({ topic, partition }));
      this.#owned.set(keyOf({ topic, partition }), {
        topic,
        partition,
        offset: start ?? 0,
        chosen: start !== undefined,
        paused: false,
        epoch: 0,
        queue: [],
        queuedBytes: 0,
        full: false,
        leader: -1,
        running: null,
      });
    }
    this.#pumping = this.#pump();
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) {
      const owned = this.#owned.get(keyOf(partition));
      if (owned === undefined) continue;
      owned.paused = true;
      this.#forget(owned);
    }
  }

  resume(partition: TopicPartition, offset: number): void {
    const owned = this.#owned.get(keyOf(partition));
    if (owned === undefined) return;
    this.#forget(owned);
    owned.paused = false;
    owned.chosen = true;
    owned.offset = offset;
    this.#refetch(owned);
  }

  /** Resolves when the last `onRecords` has settled. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const owned of this.#owned.values()) this.#forget(owned);
    for (const controller of this.#fetching.values()) controller.abort();
    this.#changed.resolve();
    await Promise.all([this.#pumping, ...[...this.#owned.values()].map(({ running }) => running)]);
  }

  get #stopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #pump(): Promise<void> {
    for (let failures = 0; !this.#stopped; ) {
      this.#changed = Promise.withResolvers<void>();
      try {
        for (const [leader, partitions] of await this.#plan()) void this.#fetch(leader, partitions);
        failures = 0;
        await this.#changed.promise;
      } catch (error) {
        if (!isKitError(error) || !error.retriable) return this.#fail(error);
        await this.#pauseMs(backoffMs(failures++, this.#options.random));
      }
    }
  }

  /** What to fetch next from the nodes that have no fetch under way. */
  async #plan(): Promise<Map<number, Owned[]>> {
    const plan = new Map<number, Owned[]>();
    for (const owned of [...this.#owned.values()]) {
      if (owned.paused || owned.full) continue;
      owned.leader = await this.#options.source.leaderOf(owned);
      if (this.#fetching.has(owned.leader)) continue;
      const partitions = plan.get(owned.leader);
      if (partitions === undefined) plan.set(owned.leader, [owned]);
      else partitions.push(owned);
    }
    return plan;
  }

  async #fetch(leader: number, partitions: readonly Owned[]): Promise<void> {
    if (this.#stopped) return;
    const { source, maxBufferedBytes, random } = this.#options;
    const controller = new AbortController();
    this.#fetching.set(leader, controller);
    // A fetch makes an earlier one void: when a leader moves, two may be under way for one partition.
    const epochs = new Map(partitions.map((owned) => [keyOf(owned), ++owned.epoch]));
    const besideFull = [...this.#owned.values()].some((owned) => owned.full && owned.leader === leader);
    const freeBytes = maxBufferedBytes - this.#bufferedBytes;
    try {
      const batches = await source.fetch(
        leader,
        partitions.map(({ topic, partition, offset }) => ({ topic, partition, offset })),
        {
          maxBytes: Math.max(MIN_FETCH_BYTES, Math.min(MAX_FETCH_BYTES, freeBytes)),
          maxWaitMs: besideFull ? MAX_WAIT_BESIDE_FULL_MS : MAX_WAIT_MS,
          signal: controller.signal,
        },
      );
      this.#failures.delete(leader);
      for (const batch of batches) {
        const owned = this.#owned.get(keyOf(batch));
        if (owned !== undefined && owned.epoch === epochs.get(keyOf(batch))) this.#enqueue(owned, batch);
      }
      if (isTrickle(batches)) await this.#pauseMs(this.#options.gatherMs ?? DEFAULT_GATHER_MS);
    } catch (error) {
      if (!controller.signal.aborted && !this.#startAtEarliest(error)) {
        if (!isKitError(error) || !error.retriable) return this.#fail(error);
        const failures = this.#failures.get(leader) ?? 0;
        this.#failures.set(leader, failures + 1);
        await this.#pauseMs(backoffMs(failures, random));
      }
    } finally {
      this.#fetching.delete(leader);
      this.#changed.resolve();
    }
  }

  #enqueue(owned: Owned, batch: PartitionBatch): void {
    const last = batch.records.at(-1);
    if (last === undefined || owned.paused || this.#stopped) return;
    // Partitions that had news go to the end of the next fetch, so that a busy one cannot starve the others.
    this.#owned.delete(keyOf(owned));
    this.#owned.set(keyOf(owned), owned);
    const bytes = sizeOf(batch);
    owned.offset = last.offset + 1;
    owned.queue.push({ batch, bytes });
    owned.queuedBytes += bytes;
    this.#bufferedBytes += bytes;
    owned.full = owned.queuedBytes >= this.#shareBytes;
    owned.running ??= this.#drain(owned);
  }

  async #drain(owned: Owned): Promise<void> {
    try {
      for (let next = owned.queue.shift(); next !== undefined && !this.#stopped; next = owned.queue.shift()) {
        owned.queuedBytes -= next.bytes;
        if (owned.full && owned.queuedBytes <= this.#shareBytes / 2) this.#refetch(owned);
        try {
          await this.#options.onRecords(next.batch);
        } finally {
          // until here it is in memory, whoever holds it
          this.#bufferedBytes -= next.bytes;
        }
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      owned.running = null;
    }
  }

  /** Makes the partition part of the next fetch, which starts now even if one for its neighbours is waiting. */
  #refetch(owned: Owned): void {
    owned.full = false;
    this.#fetching.get(owned.leader)?.abort();
    this.#changed.resolve();
  }

  #forget(owned: Owned): void {
    owned.epoch++;
    this.#bufferedBytes -= owned.queuedBytes;
    owned.queuedBytes = 0;
    owned.queue = [];
    owned.full = false;
  }

  /** A partition without a chosen start was tried at 0; the refusal says where it begins. */
  #startAtEarliest(error: unknown): boolean {
    if (!isKitError(error, 'OFFSET_OUT_OF_RANGE')) return false;
    const { topic, partition, earliest } = error.details;
    const owned = this.#owned.get(keyOf({ topic: String(topic), partition: Number(partition) }));
    if (owned === undefined || owned.chosen || typeof earliest !== 'number') return false;
    owned.offset = earliest;
    owned.chosen = true;
    return true;
  }

  #fail(error: unknown): void {
    if (this.#stopped) return;
    this.#stopping.abort();
    this.#options.onFailed(error);
  }

  #pauseMs(delayMs: number): Promise<void> {
    return pauseMs(delayMs, this.#options.clock, this.#stopping.signal);
  }
}

/** Few records, and no more of them there yet. */
function isTrickle(batches: readonly PartitionBatch[]): boolean {
  const records = batches.reduce((sum, batch) => sum + batch.records.length, 0);
  const isBehind = batches.some((batch) => (batch.records.at(-1)?.offset ?? 0) + 1 < batch.highWatermark);
  return records > 0 && records < MANY_RECORDS && !isBehind;
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}:${partition}`;
}

function sizeOf(batch: PartitionBatch): number {
  let bytes = 0;
  for (const { key, value, headers } of batch.records) {
    bytes += RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0);
    for (const [, content] of headers) bytes += HEADER_OVERHEAD_BYTES + (content?.length ?? 0);
  }
  return bytes;
}
