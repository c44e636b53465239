import type { LogRecord } from '../log/event-log.ts';
import { readDeadLetter, readMarker } from './dead-letter.ts';
import { type ListedDeadLetter, newestFirst } from './dead-letter-filter.ts';
import { fingerprintMemo } from './fingerprint.ts';

interface Held {
  readonly entry: ListedDeadLetter;
  readonly replays: number;
}

/**
 * Folds dead letter topics into entries, without their bytes. A crash may have written a dead letter twice: one id is
 * one entry. No more than `maxEntries` are held, the newest; older ones are only counted.
 */
export class DeadLetterIndex {
  readonly #maxEntries: number;
  /** By dead letter partition, each in the order of its log. */
  readonly #logs = new Map<string, Map<string, Held>>();
  readonly #fingerprintOf = fingerprintMemo();
  #sorted: readonly ListedDeadLetter[] | null = null;
  #size = 0;
  #open = 0;
  #olderOpen = 0;

  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries;
  }

  /** Entries that were not replayed, those only counted included. */
  get open(): number {
    return this.#open + this.#olderOpen;
  }

  /** How many of the open ones are only counted. */
  get olderOpen(): number {
    return this.#olderOpen;
  }

  /** Records of one partition in the order of its log; the order among partitions does not matter. */
  add(record: LogRecord): void {
    const name = `${record.topic}/${record.partition}`;
    const log = this.#logs.get(name) ?? new Map<string, Held>();
    this.#logs.set(name, log);
    this.#sorted = null;
    const marker = readMarker(record);
    if (marker !== null) {
      const held = log.get(marker.id);
      if (held !== undefined) log.set(marker.id, this.#replayed(held, marker.replays));
      else if (marker.replays === 1 && this.#olderOpen > 0) this.#olderOpen--;
      return;
    }
    const entry = readDeadLetter(record);
    if (entry === null || log.has(entry.id)) return;
    log.set(entry.id, { entry: { ...entry, fingerprint: this.#fingerprintOf(entry) }, replays: 0 });
    this.#open++;
    this.#size++;
    if (this.#size > this.#maxEntries) this.#dropOldest();
  }

  get(id: string): ListedDeadLetter | undefined {
    for (const log of this.#logs.values()) {
      const held = log.get(id);
      if (held !== undefined) return held.entry;
    }
    return undefined;
  }

  /** How often this very entry was replayed. */
  replays(id: string): number {
    for (const log of this.#logs.values()) {
      const held = log.get(id);
      if (held !== undefined) return held.replays;
    }
    return 0;
  }

  /** Newest first; the same array until something is added. */
  entries(): readonly ListedDeadLetter[] {
    this.#sorted ??= [...this.#logs.values()]
      .flatMap((log) => Array.from(log.values(), ({ entry }) => entry))
      .sort(newestFirst);
    return this.#sorted;
  }

  #replayed({ entry, replays: before }: Held, counted: number): Held {
    if (!entry.replayed) this.#open--;
    const replays = Math.max(before, counted);
    const replayCount = entry.replayCount + replays - before;
    return { entry: { ...entry, replayCount, replayed: true }, replays };
  }

  #dropOldest(): void {
    let oldest: { readonly log: Map<string, Held>; readonly held: Held } | undefined;
    for (const log of this.#logs.values()) {
      const [held] = log.values();
      if (held !== undefined && (oldest === undefined || held.entry.capturedAt < oldest.held.entry.capturedAt)) {
        oldest = { log, held };
      }
    }
    if (oldest === undefined) return;
    oldest.log.delete(oldest.held.entry.id);
    this.#size--;
    if (oldest.held.entry.replayed) return;
    this.#open--;
    this.#olderOpen++;
  }
}
