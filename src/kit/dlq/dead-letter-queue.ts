/**
 * Dead letters: captured with their original bytes in `<topic>.dlq`, listed, shown, and sent back to their topic. The
 * topics are the only state; what is listed is a fold of them, read on from where the last call stopped.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Clock, steadyClock } from '../clock.ts';
import { isKitError, KitError } from '../errors.ts';
import type { EventLog, Header, LogRecord, PartitionOffset, TopicPartition } from '../log/event-log.ts';
import { partitionFor } from '../log/partitioner.ts';
import { shared } from '../monitoring/shared.ts';
import { pauseMs } from '../waiting.ts';
import {
  type DeadLetter,
  type DeadLetterEntry,
  deadLetterHeaders,
  deadLetterTopic,
  HEADER_ROOM_BYTES,
  isDeadLetterTopic,
  markerHeaders,
  originalHeaders,
  replayHeaders,
} from './dead-letter.ts';
import {
  type DeadLetterFilter,
  isEmptyFilter,
  type ListedDeadLetter,
  type ListPlace,
  matcher,
  newestFirst,
  type ReplayedChoice,
} from './dead-letter-filter.ts';
import { type Buckets, bucketsBetween, type DeadLetterGroup, groupsOf } from './dead-letter-groups.ts';
import { DeadLetterIndex } from './dead-letter-index.ts';

/** What is needed of a producer; a `HighVolumeProducer` is one. */
export interface RecordSender {
  /** Resolves once the record is durable. */
  send(record: {
    readonly topic: string;
    readonly partition: number;
    readonly key: Buffer | null;
    readonly value: Buffer | null;
    readonly headers: readonly Header[];
  }): Promise<PartitionOffset>;
}

export interface DeadLetterQueueOptions {
  readonly log: EventLog;
  readonly sender: RecordSender;
  readonly clock?: Clock;
  /** Of the source topics; dead letter topics take 64 KiB more. Default 1,048,576. */
  readonly maxMessageBytes?: number;
  /** Of the dead letter topics. */
  readonly replicationFactor?: number;
  /** More topic settings, e.g. `min.insync.replicas`. */
  readonly topicConfig?: Readonly<Record<string, string>>;
  /** Entries held in memory, the newest. Default 10,000. */
  readonly maxEntries?: number;
}

export interface ListOptions extends DeadLetterFilter {
  /** Default `no`. */
  readonly replayed?: ReplayedChoice;
  /** Default 100. */
  readonly limit?: number;
  /** Goes on behind this one. */
  readonly after?: ListPlace;
}

export interface DeadLetterList {
  /** Newest first, at most `limit`. */
  readonly entries: readonly ListedDeadLetter[];
  /** How many of those held match. */
  readonly matching: number;
  /** Whether some that match come behind these. */
  readonly more: boolean;
  /** Open ones that are too old to be held; they are still in their topic. */
  readonly older: number;
}

export interface GroupOptions extends DeadLetterFilter {
  /** Default `all`. */
  readonly replayed?: ReplayedChoice;
  /** Default 60. */
  readonly maxBuckets?: number;
}

export interface DeadLetterGroups {
  /** Those that failed last first. */
  readonly groups: readonly DeadLetterGroup[];
  readonly buckets: Buckets;
  readonly matching: number;
  /** As in `DeadLetterList`. */
  readonly older: number;
  /** How many are held at most. */
  readonly maxEntries: number;
}

export interface ShownDeadLetter extends ListedDeadLetter {
  readonly original: {
    readonly key: Buffer | null;
    readonly value: Buffer | null;
    readonly headers: readonly Header[];
  };
}

export interface ReplayRequest extends DeadLetterFilter {
  /** These, replayed before or not. */
  readonly ids?: readonly string[];
  /** Every open one. Without `ids` and `all`, the open ones that match the filter. */
  readonly all?: boolean;
  /** False, the default: only says what it would do. */
  readonly execute?: boolean;
  /** Default 100. */
  readonly ratePerSecond?: number;
  /** Takes the place of the original's; for exactly one id. */
  readonly repaired?: { readonly value?: Buffer; readonly key?: string; readonly headers?: readonly Header[] };
  /** Aborted: what has not been sent is not sent any more. */
  readonly signal?: AbortSignal;
  /** Called with each as it is done. */
  readonly onItem?: (item: ReplayItem) => void;
}

export interface ReplayItem extends TopicPartition {
  readonly id: string;
  readonly status: 'planned' | 'sent' | 'refused' | 'failed';
  /** Of the event's new place; only where `status` is `sent`. */
  readonly offset?: number;
  /** Why it was refused or failed: UNKNOWN_DEAD_LETTER, REPLAY_LIMIT, PARKED_RECORD_GONE, or the send's own code. */
  readonly code?: string;
  readonly reason?: string;
  /** Only where `status` is `failed`: whether it may work later. */
  readonly retriable?: boolean;
}

export const MAX_REPLAYS = 3;
const MAX_ENTRIES = 10_000;
/**
 * Of a dead letter topic that is made here. Dead letters are few, and what several partitions give up at a time travels
 * together: in a flood of poison, a second batch costs the brokers more than the letters in it.
 */
/** A dead letter waits for somebody, however long; Kafka's default would remove it after a week. */
const KEPT = { 'retention.ms': '-1', 'retention.bytes': '-1' };
const PARTITIONS = 1;
const PAGE_BYTES = 1024 * 1024;
/** After so many, others get a turn: a plan waits for nothing. */
const TURN_ITEMS = 500;
/** A chart of less says nothing. */
const MIN_SPAN_MS = 10 * 60_000;
const NEVER = new AbortController().signal;

export class DeadLetterQueue {
  readonly #log: EventLog;
  readonly #sender: RecordSender;
  readonly #clock: Clock;
  readonly #options: DeadLetterQueueOptions;
  readonly #index: DeadLetterIndex;
  /** Next offset to fold, by dead letter topic and partition. */
  readonly #positions = new Map<string, number>();
  readonly #partitionCounts = new Map<string, Promise<number>>();
  /** Calls at the same time share one reading. */
  readonly #refresh = shared(
    () => this.#foldNews(),
    0,
    () => this.#clock.now(),
  );
  #replaying = false;

  constructor(options: DeadLetterQueueOptions) {
    this.#log = options.log;
    this.#sender = options.sender;
    this.#clock = options.clock ?? steadyClock;
    this.#options = options;
    this.#index = new DeadLetterIndex(options.maxEntries ?? MAX_ENTRIES);
  }

  /** Creates the dead letter topics that are missing. @throws KitError UNKNOWN_TOPIC, LOG_UNAVAILABLE */
  async prepare(topics: readonly string[]): Promise<void> {
    await Promise.all(topics.map((topic) => this.#partitionsFor(topic)));
  }

  /** Resolves once all are durable. Capturing one twice is harmless: it stays one entry. @throws what sending throws */
  async capture(letters: readonly DeadLetter[]): Promise<void> {
    const counts = new Map<string, number>();
    for (const { topic } of letters.map(({ record }) => record)) {
      if (!counts.has(topic)) counts.set(topic, await this.#partitionsFor(topic));
    }
    const sent = await Promise.allSettled(
      letters.map(async (letter) => {
        const { topic, partition, key, value } = letter.record;
        await this.#sender.send({
          topic: deadLetterTopic(topic),
          partition: partition % counts.get(topic)!,
          key,
          value,
          headers: deadLetterHeaders(letter),
        });
      }),
    );
    for (const result of sent) if (result.status === 'rejected') throw result.reason;
  }

  async list({ replayed = 'no', limit = 100, after, ...filter }: ListOptions = {}): Promise<DeadLetterList> {
    await this.#refresh();
    const matching = this.#select(filter, replayed);
    const rest = after === undefined ? matching : matching.filter((entry) => newestFirst(entry, after) > 0);
    return {
      entries: rest.slice(0, limit),
      matching: matching.length,
      more: rest.length > limit,
      older: this.#index.olderOpen,
    };
  }

  /** Buckets reach from `since`, or the oldest that matches (and ten minutes back at least), to `until`, or now. */
  async groups({ replayed = 'all', maxBuckets = 60, ...filter }: GroupOptions = {}): Promise<DeadLetterGroups> {
    await this.#refresh();
    const entries = this.#select(filter, replayed);
    const now = this.#clock.now();
    const oldest = entries.at(-1)?.capturedAt ?? now;
    const from = filter.since ?? Math.min(oldest, (filter.until ?? now) - MIN_SPAN_MS);
    // the clock of whoever set the newest aside may be ahead of this one
    const end = Math.max(
      from,
      filter.until === undefined ? Math.max(now, entries[0]?.capturedAt ?? 0) : filter.until - 1,
    );
    const buckets = bucketsBetween(from, end, maxBuckets);
    return {
      groups: groupsOf(entries, buckets),
      buckets,
      matching: entries.length,
      older: this.#index.olderOpen,
      maxEntries: this.#options.maxEntries ?? MAX_ENTRIES,
    };
  }

  /** Those of these ids that are held: what was captured before the call is found. */
  async find(ids: readonly string[]): Promise<ReadonlyMap<string, ListedDeadLetter>> {
    await this.#refreshAnew();
    return new Map(
      ids.flatMap((id) => {
        const entry = this.#index.get(id);
        return entry === undefined ? [] : [[id, entry] as const];
      }),
    );
  }

  /** @throws KitError UNKNOWN_DEAD_LETTER, DEAD_LETTER_GONE, LOG_UNAVAILABLE */
  async show(id: string): Promise<ShownDeadLetter> {
    await this.#refresh();
    const entry = this.#index.get(id);
    if (entry === undefined) {
      throw new KitError('UNKNOWN_DEAD_LETTER', `no dead letter has the id ${id}`, { details: { id } });
    }
    const { key, value, headers } = await this.#read(entry);
    return { ...entry, original: { key, value, headers } };
  }

  /** How many are open: captured and not replayed. */
  async depth(): Promise<number> {
    await this.#refresh();
    return this.#index.open;
  }

  /**
   * Sends events to their topics again, oldest first; consumers that have counted an event do not count it again.
   * A crash between the sending and its mark leaves an entry open that was replayed.
   *
   * @throws KitError INVALID_REPLAY when nothing is selected, or a repair is given for more than one;
   *   REPLAY_IN_PROGRESS; LOG_UNAVAILABLE
   */
  async replay(request: ReplayRequest): Promise<ReplayItem[]> {
    if (this.#replaying) throw new KitError('REPLAY_IN_PROGRESS', 'another replay is under way', { retriable: true });
    // a plan is in nobody's way
    if (request.execute !== true) return await this.#replay(request);
    this.#replaying = true;
    try {
      return await this.#replay(request);
    } finally {
      this.#replaying = false;
    }
  }

  async #replay(request: ReplayRequest): Promise<ReplayItem[]> {
    const { ids, all = false, execute = false, ratePerSecond = 100, repaired, signal, onItem } = request;
    if (ids === undefined && !all && isEmptyFilter(request)) {
      throw new KitError('INVALID_REPLAY', 'name ids, a topic, a code, another filter, or all');
    }
    if (repaired !== undefined && ids?.length !== 1) {
      throw new KitError('INVALID_REPLAY', 'a repaired value, key or header needs exactly one id');
    }
    if (!(ratePerSecond > 0)) throw new KitError('INVALID_REPLAY', 'the rate must be above 0');
    await this.#refreshAnew();
    const items: ReplayItem[] = [];
    const chosen = ids ?? Array.from(this.#select(request, 'no').reverse(), (entry) => entry.id);
    for (const id of new Set(chosen)) {
      if (signal?.aborted) break;
      const due = this.#clock.now() + 1000 / ratePerSecond;
      const item = await this.#replayOne(id, execute, repaired);
      items.push(item);
      onItem?.(item);
      if (items.length % TURN_ITEMS === 0) await nextTurn();
      const waitMs = due - this.#clock.now();
      if (item.status === 'sent' && waitMs > 0) await pauseMs(waitMs, this.#clock, signal ?? NEVER);
    }
    return items;
  }

  async #replayOne(id: string, execute: boolean, repaired: ReplayRequest['repaired']): Promise<ReplayItem> {
    const entry = this.#index.get(id);
    if (entry === undefined) {
      return { id, topic: '', partition: -1, status: 'refused', code: 'UNKNOWN_DEAD_LETTER', reason: 'no such id' };
    }
    const { topic } = entry;
    const at = { id, topic, partition: entry.partition };
    if (entry.replayCount >= MAX_REPLAYS) {
      return { ...at, status: 'refused', code: 'REPLAY_LIMIT', reason: `replayed ${entry.replayCount} times already` };
    }
    if (entry.code === 'PARKED_RECORD_GONE' && repaired?.value === undefined) {
      return { ...at, status: 'refused', code: entry.code, reason: 'its bytes are gone; give a repaired value' };
    }
    if (!execute) return { ...at, status: 'planned' };
    try {
      const original = await this.#read(entry);
      const key = repaired?.key === undefined ? original.key : Buffer.from(repaired.key);
      const partition = repaired?.key === undefined ? entry.partition : await this.#partitionOf(topic, repaired.key);
      const sent = await this.#sender.send({
        topic,
        partition,
        key,
        value: repaired?.value ?? original.value,
        headers: replayHeaders(repaired?.headers ?? original.headers, entry.replayCount + 1, entry),
      });
      const marker = { id, replays: this.#index.replays(id) + 1 };
      const { topic: dlq, partition: dlqPartition } = entry.at;
      await this.#sender.send({
        topic: dlq,
        partition: dlqPartition,
        key: original.key,
        value: null,
        headers: markerHeaders(marker),
      });
      return { ...at, status: 'sent', partition, offset: sent.offset };
    } catch (error) {
      if (!isKitError(error)) throw error;
      return { ...at, status: 'failed', code: error.code, reason: error.message, retriable: error.retriable };
    }
  }

  #select(filter: DeadLetterFilter, replayed: ReplayedChoice): ListedDeadLetter[] {
    return this.#index.entries().filter(matcher(filter, replayed));
  }

  async #read({ id, at }: DeadLetterEntry): Promise<Pick<LogRecord, 'key' | 'value' | 'headers'>> {
    const { records } = await this.#log.read({ ...at, maxRecords: 1, maxWaitMs: 500 }).catch((error: unknown) => {
      if (isKitError(error, 'OFFSET_OUT_OF_RANGE')) return { records: [] };
      throw error;
    });
    const [record] = records;
    if (record?.offset !== at.offset) {
      throw new KitError('DEAD_LETTER_GONE', `retention has removed dead letter ${id}`, { details: { id } });
    }
    return { key: record.key, value: record.value, headers: originalHeaders(record) };
  }

  async #partitionOf(topic: string, key: string): Promise<number> {
    const [description] = (await this.#log.describe([topic])).topics;
    return partitionFor(key, description!.partitions.length);
  }

  /** How many partitions the dead letter topic of `topic` has; it is created where it is missing. */
  #partitionsFor(topic: string): Promise<number> {
    let count = this.#partitionCounts.get(topic);
    if (count === undefined) {
      count = this.#ensureTopic(topic);
      this.#partitionCounts.set(topic, count);
      count.catch(() => this.#partitionCounts.delete(topic));
    }
    return count;
  }

  async #ensureTopic(topic: string): Promise<number> {
    const name = deadLetterTopic(topic);
    const found = await this.#countPartitions(name).catch((error: unknown) => {
      if (isKitError(error, 'UNKNOWN_TOPIC')) return null;
      throw error;
    });
    if (found !== null) return found;
    // one whose topic is not there would never be written to
    await this.#countPartitions(topic);
    const { maxMessageBytes = 1_048_576, replicationFactor, topicConfig } = this.#options;
    const spec = {
      name,
      partitions: PARTITIONS,
      ...(replicationFactor === undefined ? {} : { replicationFactor }),
      config: { ...KEPT, ...topicConfig, 'max.message.bytes': String(maxMessageBytes + HEADER_ROOM_BYTES) },
    };
    await this.#log.createTopics([spec]).catch((error: unknown) => {
      if (!isKitError(error, 'TOPIC_EXISTS')) throw error;
    });
    return spec.partitions;
  }

  async #countPartitions(topic: string): Promise<number> {
    const [description] = (await this.#log.describe([topic])).topics;
    return description!.partitions.length;
  }

  /** The same by a reading that begins now: one under way may have passed what was written since. */
  #refreshAnew(): Promise<void> {
    this.#refresh.forget();
    return this.#refresh();
  }

  async #foldNews(): Promise<void> {
    const { topics } = await this.#log.describe();
    const logs = topics
      .filter(({ name }) => isDeadLetterTopic(name))
      .flatMap(({ name, partitions }) => partitions.map(({ partition }) => ({ topic: name, partition })));
    const ends = await this.#log.listOffsets(logs.map((at) => ({ ...at, at: 'latest' as const })));
    for (const [index, at] of logs.entries()) await this.#foldPartition(at, ends[index]!);
  }

  async #foldPartition({ topic, partition }: TopicPartition, end: number): Promise<void> {
    const name = `${topic}/${partition}`;
    let position = this.#positions.get(name) ?? 0;
    while (position < end) {
      try {
        const page = { topic, partition, offset: position, maxBytes: PAGE_BYTES, maxWaitMs: 500 };
        const { records, highWatermark } = await this.#log.read(page);
        const last = records.at(-1);
        // its leader is behind for a moment: the next call looks again
        if (last === undefined && highWatermark < end) return;
        for (const record of records) this.#index.add(record);
        // what a read passes over up to the end has no records
        position = last === undefined ? end : last.offset + 1;
      } catch (error) {
        if (!isKitError(error, 'OFFSET_OUT_OF_RANGE')) throw error;
        const [earliest] = await this.#log.listOffsets([{ topic, partition, at: 'earliest' }]);
        position = earliest! > position ? earliest! : end;
      }
      this.#positions.set(name, position);
    }
  }
}
