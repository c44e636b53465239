/**
 * Dead letters: captured with their original bytes in `<topic>.dlq`, listed, shown, and sent back to their topic. The
 * topics are the only state; what is listed is a fold of them, read on from where the last call stopped.
 */
import { type Clock, steadyClock } from '../clock.ts';
import { isKitError, KitError } from '../errors.ts';
import type { EventLog, Header, LogRecord, PartitionOffset, TopicPartition } from '../log/event-log.ts';
import { partitionFor } from '../log/partitioner.ts';
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

export interface DeadLetterFilter {
  /** The source topic. */
  readonly topic?: string;
  readonly code?: string;
}

export interface DeadLetterList {
  /** Newest first, at most `limit`. */
  readonly entries: readonly DeadLetterEntry[];
  /** How many of those held match. */
  readonly matching: number;
  /** Open ones that are too old to be held; they are still in their topic. */
  readonly older: number;
}

export interface ShownDeadLetter extends DeadLetterEntry {
  readonly original: {
    readonly key: Buffer | null;
    readonly value: Buffer | null;
    readonly headers: readonly Header[];
  };
}

export interface ReplayRequest extends DeadLetterFilter {
  /** These, replayed before or not. */
  readonly ids?: readonly string[];
  /** Every open one. Without `ids` and `all`, those that match `topic` and `code`. */
  readonly all?: boolean;
  /** False, the default: only says what it would do. */
  readonly execute?: boolean;
  /** Default 100. */
  readonly ratePerSecond?: number;
  /** Takes the place of the original's; for exactly one id. */
  readonly repaired?: { readonly value?: Buffer; readonly key?: string };
}

export interface ReplayItem extends TopicPartition {
  readonly id: string;
  readonly status: 'planned' | 'sent' | 'refused' | 'failed';
  /** Of the event's new place; only where `status` is `sent`. */
  readonly offset?: number;
  /** Why it was refused or failed: UNKNOWN_DEAD_LETTER, REPLAY_LIMIT, PARKED_RECORD_GONE, or the send's own code. */
  readonly code?: string;
  readonly reason?: string;
}

const MAX_REPLAYS = 3;
/**
 * Of a dead letter topic that is made here. Dead letters are few, and what several partitions give up at a time travels
 * together: in a flood of poison, a second batch costs the brokers more than the letters in it.
 */
const PARTITIONS = 1;
const PAGE_BYTES = 1024 * 1024;

export class DeadLetterQueue {
  readonly #log: EventLog;
  readonly #sender: RecordSender;
  readonly #clock: Clock;
  readonly #options: DeadLetterQueueOptions;
  readonly #index: DeadLetterIndex;
  /** Next offset to fold, by dead letter topic and partition. */
  readonly #positions = new Map<string, number>();
  readonly #partitionCounts = new Map<string, Promise<number>>();
  #refreshing: Promise<void> | null = null;
  #replaying = false;

  constructor(options: DeadLetterQueueOptions) {
    this.#log = options.log;
    this.#sender = options.sender;
    this.#clock = options.clock ?? steadyClock;
    this.#options = options;
    this.#index = new DeadLetterIndex(options.maxEntries ?? 10_000);
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

  async list(options: DeadLetterFilter & { limit?: number; includeReplayed?: boolean } = {}): Promise<DeadLetterList> {
    await this.#refresh();
    const matching = this.#select(options, options.includeReplayed ?? false);
    return {
      entries: matching.slice(0, options.limit ?? 100),
      matching: matching.length,
      older: this.#index.olderOpen,
    };
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
    this.#replaying = true;
    try {
      return await this.#replay(request);
    } finally {
      this.#replaying = false;
    }
  }

  async #replay(request: ReplayRequest): Promise<ReplayItem[]> {
    const { ids, all = false, topic, code, execute = false, ratePerSecond = 100, repaired } = request;
    if (ids === undefined && !all && topic === undefined && code === undefined) {
      throw new KitError('INVALID_REPLAY', 'name ids, a topic, a code, or all');
    }
    if (repaired !== undefined && ids?.length !== 1) {
      throw new KitError('INVALID_REPLAY', 'a repaired value or key needs exactly one id');
    }
    if (!(ratePerSecond > 0)) throw new KitError('INVALID_REPLAY', 'the rate must be above 0');
    await this.#refresh();
    const items: ReplayItem[] = [];
    for (const id of ids ??
      this.#select(request, false)
        .reverse()
        .map((entry) => entry.id)) {
      const due = this.#clock.now() + 1000 / ratePerSecond;
      const item = await this.#replayOne(id, execute, repaired);
      items.push(item);
      if (item.status === 'sent') await this.#until(due);
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
        headers: replayHeaders(original.headers, entry.replayCount + 1, entry),
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
      return { ...at, status: 'failed', code: error.code, reason: error.message };
    }
  }

  #select({ topic, code }: DeadLetterFilter, includeReplayed: boolean): DeadLetterEntry[] {
    return this.#index
      .entries()
      .filter(
        (entry) =>
          (includeReplayed || !entry.replayed) &&
          (topic === undefined || entry.topic === topic) &&
          (code === undefined || entry.code === code),
      );
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

  async #until(due: number): Promise<void> {
    const delayMs = due - this.#clock.now();
    if (delayMs > 0) await new Promise<void>((resolve) => this.#clock.after(delayMs, resolve));
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
      config: { ...topicConfig, 'max.message.bytes': String(maxMessageBytes + HEADER_ROOM_BYTES) },
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

  /** Calls at the same time share one reading. */
  #refresh(): Promise<void> {
    this.#refreshing ??= this.#foldNews().finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
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
        const { records } = await this.#log.read(page);
        const last = records.at(-1);
        // Nothing readable before the end: the next call looks again.
        if (last === undefined) return;
        for (const record of records) this.#index.add(record);
        position = last.offset + 1;
      } catch (error) {
        if (!isKitError(error, 'OFFSET_OUT_OF_RANGE')) throw error;
        const [earliest] = await this.#log.listOffsets([{ topic, partition, at: 'earliest' }]);
        position = earliest! > position ? earliest! : end;
      }
      this.#positions.set(name, position);
    }
  }
}
