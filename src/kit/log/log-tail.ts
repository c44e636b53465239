/**
 * The log's end, read once for all who follow it: one reader per partition, however many listen. It holds nothing back:
 * who cannot take a batch at once leaves, reads the log at its own pace, and comes back when it has reached the end.
 */
import { type Clock, steadyClock } from '../clock.ts';
import { isKitError } from '../errors.ts';
import { pauseMs } from '../waiting.ts';
import { backoffMs } from './backoff.ts';
import type { EventLog, LogRecord, PartitionOffset, TopicPartition } from './event-log.ts';

export interface TailOptions<T> {
  readonly log: Pick<EventLog, 'read' | 'listOffsets'>;
  /** Done once per record, for all listeners together. */
  readonly map: (record: LogRecord) => T;
  /** So many partitions are read by reads that wait for news; those beyond are looked at every `pollMs`. Default 32. */
  readonly maxWaitingReads?: number;
  /** Default 50. */
  readonly pollMs?: number;
  readonly clock?: Clock;
  readonly random?: () => number;
}

export interface TailListener<T> {
  /** In offset order, from the offset on that was asked for; `next` is where the following batch begins, or later. */
  onBatch(items: readonly T[], next: number): void;
  /** The reader cannot go on; nothing follows. */
  onLost(error: unknown): void;
}

interface Watched<T> extends TopicPartition {
  next: number;
  readonly listeners: Map<TailListener<T>, { from: number }>;
  polled: boolean;
}

const MAX_WAIT_MS = 1_000;
const MAX_READ_BYTES = 128 * 1024;
const MAX_READ_RECORDS = 500;
const MAX_PARALLEL_POLLED_READS = 8;
/** After a read that brought few records the next one is put off, so that a trickle is not a read for each record. */
const FEW_RECORDS = 100;
const GATHER_MS = 5;
/** A log that answers at once instead of waiting is not asked without pause. */
const EMPTY_PAUSE_MS = 20;

export class LogTail<T extends { readonly offset: number }> {
  readonly #options: Required<TailOptions<T>>;
  readonly #watched = new Map<string, Watched<T>>();
  readonly #closing = new AbortController();
  #waitingReads = 0;
  #polling = false;

  constructor(options: TailOptions<T>) {
    this.#options = { maxWaitingReads: 32, pollMs: 50, clock: steadyClock, random: Math.random, ...options };
  }

  /** Partitions that are being read. */
  get readers(): number {
    return this.#watched.size;
  }

  /**
   * Only for an offset that is the log's end, or was a moment ago: the reader starts there where there is none.
   *
   * @returns what ends it; null when the reader is further on already: read up to it first
   */
  watch({ topic, partition, offset }: PartitionOffset, listener: TailListener<T>): (() => void) | null {
    if (this.#closing.signal.aborted) return null;
    const key = `${topic}:${partition}`;
    let watched = this.#watched.get(key);
    if (watched !== undefined && watched.next > offset) return null;
    const isNew = watched === undefined;
    watched ??= { topic, partition, next: offset, listeners: new Map(), polled: false };
    const { listeners } = watched;
    listeners.set(listener, { from: offset });
    this.#watched.set(key, watched);
    if (isNew) this.#start(watched);
    return () => listeners.delete(listener);
  }

  /**
   * For those who want what comes from now on, and no record in particular: from where the reader is, or from this offset,
   * the log's end, where there is none.
   *
   * @returns what ends it
   */
  join(at: PartitionOffset, listener: TailListener<T>): () => void {
    const next = this.#watched.get(`${at.topic}:${at.partition}`)?.next ?? at.offset;
    return this.watch({ ...at, offset: Math.max(at.offset, next) }, listener) ?? (() => {});
  }

  /** Reads under way are given up; listeners hear nothing more. */
  close(): void {
    this.#closing.abort();
    this.#watched.clear();
  }

  #start(watched: Watched<T>): void {
    if (this.#waitingReads < this.#options.maxWaitingReads) {
      void this.#follow(watched);
      return;
    }
    watched.polled = true;
    if (!this.#polling) void this.#poll();
  }

  /** Until nobody listens. A read under way is let run out: to cut it off would cost a connection to Kafka. */
  async #follow(watched: Watched<T>): Promise<void> {
    const { clock } = this.#options;
    this.#waitingReads++;
    for (let failures = 0; this.#wanted(watched); ) {
      const startedAt = clock.now();
      try {
        const count = await this.#read(watched, MAX_WAIT_MS);
        failures = 0;
        if (count === 0 && clock.now() - startedAt < EMPTY_PAUSE_MS) await this.#pause(EMPTY_PAUSE_MS);
        else if (count > 0 && count < FEW_RECORDS) await this.#pause(GATHER_MS);
      } catch (error) {
        await this.#failed(watched, error, failures++);
      }
    }
    this.#waitingReads--;
  }

  /** All polled partitions, until there are none. */
  async #poll(): Promise<void> {
    this.#polling = true;
    for (let failures = 0; ; ) {
      const polled = [...this.#watched.values()].filter((watched) => watched.polled && this.#wanted(watched));
      if (polled.length === 0) break;
      try {
        const ends = await this.#options.log.listOffsets(
          polled.map(({ topic, partition }) => ({ topic, partition, at: 'latest' as const })),
        );
        failures = 0;
        const grown = polled.filter(({ next }, index) => next < ends[index]!);
        for (let from = 0; from < grown.length; from += MAX_PARALLEL_POLLED_READS)
          await Promise.all(
            grown
              .slice(from, from + MAX_PARALLEL_POLLED_READS)
              .map((watched) => this.#read(watched, 0).catch((error) => this.#failed(watched, error, 0))),
          );
        await this.#pause(this.#options.pollMs);
      } catch (error) {
        if (isKitError(error) && error.retriable) await this.#pause(backoffMs(failures++, this.#options.random));
        else for (const watched of polled) this.#lose(watched, error);
      }
    }
    this.#polling = false;
  }

  async #read(watched: Watched<T>, maxWaitMs: number): Promise<number> {
    const { topic, partition, next } = watched;
    const { records } = await this.#options.log.read({
      topic,
      partition,
      offset: next,
      maxBytes: MAX_READ_BYTES,
      maxRecords: MAX_READ_RECORDS,
      maxWaitMs,
      signal: this.#closing.signal,
    });
    const last = records.at(-1);
    if (last === undefined || this.#closing.signal.aborted) return 0;
    watched.next = last.offset + 1;
    if (watched.listeners.size === 0) return records.length;
    const items = records.map(this.#options.map);
    for (const [listener, { from }] of [...watched.listeners]) {
      if (!watched.listeners.has(listener)) continue;
      listener.onBatch(from <= items[0]!.offset ? items : items.filter(({ offset }) => offset >= from), watched.next);
    }
    return records.length;
  }

  #wanted(watched: Watched<T>): boolean {
    const key = `${watched.topic}:${watched.partition}`;
    if (this.#watched.get(key) !== watched) return false;
    if (watched.listeners.size > 0) return true;
    this.#watched.delete(key);
    return false;
  }

  async #failed(watched: Watched<T>, error: unknown, failures: number): Promise<void> {
    if (this.#closing.signal.aborted) return;
    if (isKitError(error) && error.retriable) await this.#pause(backoffMs(failures, this.#options.random));
    else this.#lose(watched, error);
  }

  #lose(watched: Watched<T>, error: unknown): void {
    if (this.#watched.get(`${watched.topic}:${watched.partition}`) !== watched) return;
    this.#watched.delete(`${watched.topic}:${watched.partition}`);
    for (const listener of watched.listeners.keys()) listener.onLost(error);
  }

  #pause(delayMs: number): Promise<void> {
    return pauseMs(delayMs, this.#options.clock, this.#closing.signal);
  }
}
