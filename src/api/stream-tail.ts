/**
 * A subscription to the newest records of a topic as they come, as many as a person can follow: four frames a second, each with
 * the newest that match. It reads at the log's end alone, through the reader that all share.
 */
import { systemClock } from '../kit/clock.ts';
import { isKitError, KitError } from '../kit/errors.ts';
import { backoffMs } from '../kit/log/backoff.ts';
import type { LogRecord, PartitionOffset, TopicPartition } from '../kit/log/event-log.ts';
import { pauseMs } from '../kit/waiting.ts';
import type { StreamFeed } from './stream-feed.ts';
import type { StreamItem } from './stream-item.ts';
import { errorFrame, type TailRequest, tailFrame } from './stream-protocol.ts';
import type { Outlet } from './stream-subscription.ts';

const FRAME_INTERVAL_MS = 250;
/** After a silence: what is published together comes together. */
const GATHER_MS = 20;
const DEFAULT_MAX = 50;
const MAX_FRAME_CHARS = 256 * 1024;

export interface TailParts {
  readonly feed: StreamFeed;
  readonly outlet: Outlet;
  /** Called when the subscription ends by itself, after the error that ended it was sent. */
  readonly onEnded: () => void;
}

export class TailSubscription {
  /** New partitions of it are taken up, unless one partition was asked for. */
  readonly topics: readonly string[];
  readonly #id: string;
  readonly #parts: TailParts;
  readonly #max: number;
  readonly #matches: (record: LogRecord) => boolean;
  /** What ends each reading, by partition. */
  readonly #watched = new Map<number, (() => void) | null>();
  readonly #starts: readonly PartitionOffset[];
  readonly #stopping = new AbortController();
  #newest: StreamItem[] = [];
  #seen = 0;
  #matched = 0;
  #timer: NodeJS.Timeout | null = null;
  #sentAtMs = Number.NEGATIVE_INFINITY;

  /** @throws KitError UNKNOWN_TOPIC, UNKNOWN_PARTITION, LOG_UNAVAILABLE */
  static async open(id: string, request: TailRequest, parts: TailParts): Promise<TailSubscription> {
    const { topic, partition } = request;
    await parts.feed.describe([topic]);
    const all = parts.feed.partitions([topic]);
    const wanted = partition === undefined ? all : all.filter((at) => at.partition === partition);
    if (wanted.length === 0)
      throw new KitError('UNKNOWN_PARTITION', `${topic} has ${all.length} partitions; there is no ${partition}.`);
    return new TailSubscription(id, request, await parts.feed.ends(wanted), parts);
  }

  private constructor(id: string, request: TailRequest, starts: readonly PartitionOffset[], parts: TailParts) {
    this.#id = id;
    this.#parts = parts;
    this.#starts = starts;
    this.#max = request.max ?? DEFAULT_MAX;
    this.#matches = matcher(request);
    this.topics = request.partition === undefined ? [request.topic] : [];
  }

  start(): void {
    for (const at of this.#starts) this.#watch(at);
  }

  tick(): void {
    if (this.#timer === null) this.#flush();
  }

  behindMs(): number {
    return 0;
  }

  grow(partitions: readonly TopicPartition[]): void {
    for (const at of partitions) if (!this.#watched.has(at.partition)) this.#watch({ ...at, offset: 0 });
  }

  stop(): void {
    this.#stopping.abort();
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const unwatch of this.#watched.values()) unwatch?.();
  }

  #watch(at: PartitionOffset): void {
    const unwatch = this.#parts.feed.tail.join(at, {
      onBatch: (items) => this.#take(items),
      onLost: (error) => this.#lost(at, error),
    });
    this.#watched.set(at.partition, unwatch);
  }

  /** What retention or a deletion took away is not missed by who looks at the end. */
  #lost({ topic, partition }: TopicPartition, error: unknown): void {
    this.#watched.set(partition, null);
    if (isKitError(error, 'OFFSET_OUT_OF_RANGE')) void this.#watchAgain({ topic, partition });
    else this.#end(error);
  }

  async #watchAgain(at: TopicPartition): Promise<void> {
    const { signal } = this.#stopping;
    for (let failures = 0; !signal.aborted; ) {
      await pauseMs(backoffMs(failures++, Math.random), systemClock, signal);
      try {
        const [start] = await this.#parts.feed.ends([at]);
        if (!signal.aborted) this.#watch(start!);
        return;
      } catch (error) {
        if (!isKitError(error) || !error.retriable) return this.#end(error);
      }
    }
  }

  #take(items: readonly StreamItem[]): void {
    this.#seen += items.length;
    const matching = items.filter(({ record }) => this.#matches(record));
    this.#matched += matching.length;
    // nothing is kept for a client that takes nothing
    this.#newest = this.#parts.outlet.congested
      ? []
      : [...this.#newest, ...matching.slice(-this.#max)].slice(-this.#max);
    if (this.#timer !== null) return;
    const waitMs = Math.max(GATHER_MS, this.#sentAtMs + FRAME_INTERVAL_MS - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#flush();
    }, waitMs);
  }

  /** A client that is too slow gets the newest later; what it missed is counted. */
  #flush(): void {
    if (this.#seen === 0 || this.#parts.outlet.congested) return;
    const records: string[] = [];
    let chars = 0;
    for (const item of this.#newest.toReversed()) {
      chars += item.recordJson.length;
      if (chars > MAX_FRAME_CHARS && records.length > 0) break;
      records.unshift(item.recordJson);
    }
    const counts = { seen: this.#seen, matched: this.#matched, skipped: this.#matched - records.length };
    this.#newest = [];
    this.#seen = this.#matched = 0;
    this.#sentAtMs = performance.now();
    this.#parts.outlet.send(tailFrame(this.#id, records, counts), records.length);
  }

  #end(error: unknown): void {
    if (this.#stopping.signal.aborted) return;
    this.#flush();
    this.stop();
    this.#parts.outlet.send(errorFrame(error, this.#id, true), 0);
    this.#parts.onEnded();
  }
}

function matcher({ key, text }: TailRequest): (record: LogRecord) => boolean {
  const keyBytes = key === undefined ? null : Buffer.from(key);
  const textBytes = text === undefined ? null : Buffer.from(text);
  return (record) =>
    (keyBytes === null || record.key?.equals(keyBytes) === true) && (textBytes === null || contains(record, textBytes));
}

function contains({ value, key, headers }: LogRecord, text: Buffer): boolean {
  if (value?.includes(text) || key?.includes(text)) return true;
  return headers.some(([, bytes]) => bytes?.includes(text));
}
