/**
 * The embedded log itself, in Kafka's record batches: append them, read them, find them by time. It neither encodes nor
 * decodes records and does not know who asks. One SQLite file: a thread writes it, this one reads it.
 */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Clock, systemClock } from '../../clock.ts';
import { KitError } from '../../errors.ts';
import type { TopicPartition, TopicSpec } from '../event-log.ts';
import { readNewBatchHeader, writeBaseOffset } from './batch-header.ts';
import { BatchReader, guarded, outOfRange } from './batch-reader.ts';
import { BatchTable } from './batch-table.ts';
import { localCleaner, threadCleaner } from './cleaner-link.ts';
import { CleaningPlan } from './cleaning-plan.ts';
import { unusable } from './directory-lock.ts';
import { LogCleaner } from './log-cleaner.ts';
import { openDatabase, readMeta } from './log-schema.ts';
import { type PartitionState, Partitions, wake } from './partitions.ts';
import { ProducerIds } from './producer-ids.ts';
import { type StoredBatch, TailCache } from './tail-cache.ts';
import { type StoredTopic, TopicCatalog } from './topic-catalog.ts';
import { WriteQueue, type WriteQueueLimits } from './write-queue.ts';
import type { PartitionCommand } from './writer-commands.ts';
import { localLink, threadLink } from './writer-link.ts';

export type { StoredTopic } from './topic-catalog.ts';

export interface LogStoreOptions extends WriteQueueLimits {
  /** There and locked. Null: in memory, gone when the store is closed. */
  readonly directory: string | null;
  /** Of a record batch, where the topic's `max.message.bytes` does not say otherwise. */
  readonly maxMessageBytes: number;
  /** Memory for the youngest batches. */
  readonly cacheBytes: number;
  /** Between two rounds of retention and compaction, where topics need them. Default 15,000. */
  readonly cleanIntervalMs?: number;
  /** Memory for the keys of one pass of compaction. Default 64 MiB. */
  readonly keyMapBytes?: number;
  readonly clock?: Clock;
}

const DEFAULT_CLEAN_INTERVAL_MS = 15_000;
const DEFAULT_KEY_MAP_BYTES = 64 * 1024 * 1024;
/** The opening of a program has the processor for itself. */
const FIRST_CLEANING_MS = 1_000;
const TO_THE_END = -1;

export class LogStore {
  readonly clusterId: string;
  /** Null for a log in memory. */
  readonly directory: string | null;
  /** Of a record batch, where the topic does not say otherwise. */
  readonly maxMessageBytes: number;
  readonly #database: DatabaseSync;
  readonly #table: BatchTable;
  readonly #catalog: TopicCatalog;
  readonly #partitions: Partitions;
  readonly #reader: BatchReader;
  readonly #cache: TailCache;
  readonly #writes: WriteQueue;
  readonly #producerIds: ProducerIds;
  readonly #plan: CleaningPlan;
  readonly #cleaner: LogCleaner;
  #closed = false;

  /** @throws KitError DATA_DIR_UNUSABLE */
  constructor(options: LogStoreOptions) {
    const { directory, clock = systemClock } = options;
    const file = directory === null ? null : join(directory, 'log.db');
    this.directory = directory;
    this.maxMessageBytes = options.maxMessageBytes;
    this.#cache = new TailCache(options.cacheBytes);
    try {
      this.#database = openForReading(file);
      this.clusterId = readMeta(this.#database, 'cluster_id')!;
      this.#table = new BatchTable(this.#database);
      this.#partitions = new Partitions(this.#table);
      this.#reader = new BatchReader(this.#table, this.#cache);
      this.#catalog = new TopicCatalog(this.#database, options.maxMessageBytes, (command) => {
        this.#assertOpen();
        return this.#writes.change(command);
      });
      this.#plan = new CleaningPlan(this.#table, options.keyMapBytes ?? DEFAULT_KEY_MAP_BYTES);
    } catch (cause) {
      throw unusable(directory ?? '(in memory)', cause);
    }
    const now = (): number => clock.now();
    this.#writes = new WriteQueue(options, now, (events) =>
      file === null ? localLink(this.#database, events) : threadLink(file, events),
    );
    this.#producerIds = new ProducerIds(async (count) => {
      const [first] = await this.#writes.change({ kind: 'producer-ids', count });
      return first!;
    });
    this.#cleaner = new LogCleaner({
      intervalMs: options.cleanIntervalMs ?? DEFAULT_CLEAN_INTERVAL_MS,
      isIdle: () => this.#plan.isIdle(this.#catalog),
      work: () => this.#plan.work(this.#catalog, clock.now()),
      done: (work) => this.#plan.done(work),
      sweep: async (topicId) => (await this.#writes.change({ kind: 'sweep', topicId }))[0]!,
      write: (command) => this.#changePartition(command),
      link: (write) => (file === null ? localCleaner(this.#database, write) : threadCleaner(file, write)),
    });
    this.#cleaner.wake(FIRST_CLEANING_MS);
  }

  /** Ascending by name. */
  topics(): StoredTopic[] {
    return this.#catalog.all();
  }

  hasTopic(name: string): boolean {
    return this.#catalog.has(name);
  }

  /** @throws KitError UNKNOWN_TOPIC */
  topic(name: string): StoredTopic {
    return this.#catalog.named(name);
  }

  /** @throws KitError UNKNOWN_TOPIC_ID */
  topicById(uuid: string): StoredTopic {
    return this.#catalog.withUuid(uuid);
  }

  /** Whether it could be created. @throws KitError INVALID_TOPIC, INVALID_PARTITIONS, INVALID_CONFIG, TOPIC_EXISTS */
  checkNewTopic(spec: TopicSpec): void {
    this.#catalog.checkNew(spec);
  }

  /** Whether the topic could have so many. @throws KitError UNKNOWN_TOPIC, INVALID_PARTITIONS */
  checkPartitions(name: string, count: number): void {
    this.#catalog.checkPartitions(name, count);
  }

  /** Whether the settings could be changed so. @throws KitError UNKNOWN_TOPIC, INVALID_CONFIG */
  checkConfig(name: string, changes: Readonly<Record<string, string | null>>): void {
    this.#catalog.changedConfig(name, changes);
  }

  /** All or none of them. @throws as `checkNewTopic`, and LOG_UNAVAILABLE, DISK_FULL, LOG_CLOSED */
  async createTopics(specs: readonly TopicSpec[]): Promise<void> {
    await this.#catalog.create(specs);
    this.#cleaner.wake();
  }

  /**
   * Gone at once for everyone; whoever waits for its records is woken. A topic created under its name is another one. What it
   * held is removed in the background.
   *
   * @throws KitError UNKNOWN_TOPIC, LOG_UNAVAILABLE, DISK_FULL, LOG_CLOSED
   */
  async deleteTopic(name: string): Promise<void> {
    const { id, partitions } = await this.#catalog.delete(name);
    this.#plan.dropped(id);
    for (const { key } of this.#partitions.remove(id, partitions)) this.#cache.forget(key, Number.POSITIVE_INFINITY);
    this.#cleaner.wake(0);
  }

  /**
   * @param count of all, afterwards
   * @throws KitError UNKNOWN_TOPIC, INVALID_PARTITIONS, LOG_UNAVAILABLE, DISK_FULL, LOG_CLOSED
   */
  async addPartitions(name: string, count: number): Promise<void> {
    await this.#catalog.addPartitions(name, count);
  }

  /** Null removes a setting. @throws KitError UNKNOWN_TOPIC, INVALID_CONFIG, LOG_UNAVAILABLE, DISK_FULL, LOG_CLOSED */
  async alterConfig(name: string, changes: Readonly<Record<string, string | null>>): Promise<void> {
    await this.#catalog.alterConfig(name, changes);
    this.#cleaner.wake(0);
  }

  /** Durable, and no id is given twice. @throws KitError LOG_UNAVAILABLE, DISK_FULL, LOG_CLOSED */
  async allocateProducerId(): Promise<number> {
    this.#assertOpen();
    return this.#producerIds.allocate();
  }

  /**
   * Resolves when the batch is durable. The store keeps `bytes` and writes the base offset into them. Appends to one
   * partition are stored in the order of their calls. A batch of an idempotent producer that was stored before is not
   * stored again and answers the offset it has. What is in the batch is the caller's concern: see `checkWireBatch`.
   *
   * @throws KitError INVALID_BATCH, BATCH_TOO_LARGE, UNKNOWN_TOPIC, UNKNOWN_PARTITION, OUT_OF_ORDER_SEQUENCE,
   *   INVALID_PRODUCER_EPOCH, LOG_CLOSED; LOG_UNAVAILABLE, DISK_FULL
   */
  async append(at: TopicPartition, bytes: Buffer): Promise<number> {
    this.#assertOpen();
    const partition = this.#partition(at);
    const { lastOffsetDelta } = readNewBatchHeader(bytes);
    const { maxMessageBytes } = this.topic(at.topic);
    if (bytes.length > maxMessageBytes) {
      const message = `A batch of ${bytes.length} bytes is over the limit of ${maxMessageBytes}.`;
      const details = { topic: at.topic, bytes: bytes.length, maxMessageBytes };
      throw new KitError('BATCH_TOO_LARGE', message, { details });
    }
    const { topicId } = partition;
    const { baseOffset, wasStored } = await this.#writes.append({ topicId, partition: at.partition, bytes });
    if (wasStored || partition.isGone) return baseOffset;
    writeBaseOffset(bytes, baseOffset);
    partition.end = baseOffset + lastOffsetDelta + 1;
    this.#cache.add(partition.key, { baseOffset, lastOffset: partition.end - 1, bytes });
    wake(partition);
    return baseOffset;
  }

  /** The first offset that can be read, and the one that comes next. @throws KitError UNKNOWN_TOPIC, UNKNOWN_PARTITION */
  offsets(at: TopicPartition): { readonly start: number; readonly end: number } {
    const { start, end } = this.#partition(at);
    return { start, end };
  }

  /** Of its batches in the file. @throws KitError UNKNOWN_TOPIC, UNKNOWN_PARTITION, LOG_UNAVAILABLE, LOG_CLOSED */
  partitionBytes(at: TopicPartition): number {
    const { topicId, partition } = this.#openPartition(at);
    return guarded(at, 0, () => this.#table.bytes(topicId, partition));
  }

  /**
   * The greatest time of a record that was appended, -1 without any. After cleaning its record may be gone.
   *
   * @throws KitError UNKNOWN_TOPIC, UNKNOWN_PARTITION, LOG_UNAVAILABLE, LOG_CLOSED
   */
  maxTimestamp(at: TopicPartition): number {
    const { topicId, partition } = this.#openPartition(at);
    return guarded(at, 0, () => this.#table.last(topicId, partition)?.maxTimestamp ?? -1);
  }

  /**
   * Records below `offset` cannot be read any more; their batches are removed in the background. Answers the partition's
   * start, which never moves back.
   *
   * @param offset -1 for the end
   * @throws KitError UNKNOWN_TOPIC, UNKNOWN_PARTITION, OFFSET_OUT_OF_RANGE, POLICY_VIOLATION for a topic that is only
   *   compacted, LOG_UNAVAILABLE, DISK_FULL, LOG_CLOSED
   */
  async deleteRecords(at: TopicPartition, offset: number): Promise<number> {
    const state = this.#openPartition(at);
    if (!this.topic(at.topic).policy.deletes) {
      const message = `Topic "${at.topic}" keeps the last record of every key: its cleanup.policy has no "delete".`;
      throw new KitError('POLICY_VIOLATION', message, { details: { ...at } });
    }
    const startOffset = offset === TO_THE_END ? state.end : offset;
    if (!Number.isSafeInteger(startOffset) || startOffset < 0 || startOffset > state.end) {
      throw outOfRange(at, offset, state);
    }
    if (startOffset <= state.start) return state.start;
    const { topicId, partition } = state;
    await this.#changePartition({ kind: 'mark', topicId, partition, startOffset });
    this.#plan.cut(topicId, partition);
    this.#cleaner.wake(0);
    return state.start;
  }

  /**
   * Whole batches from the one that holds `offset` on, or the next one where compaction has left a hole: at least one if
   * there is one, else up to `maxBytes`. The first may begin before `offset`.
   *
   * @throws KitError UNKNOWN_TOPIC, UNKNOWN_PARTITION, OFFSET_OUT_OF_RANGE, CORRUPT_BATCH, LOG_CLOSED
   */
  read(at: TopicPartition, offset: number, maxBytes: number): StoredBatch[] {
    return this.#reader.read(at, this.#openPartition(at), offset, maxBytes);
  }

  /**
   * The first batch from `from` on whose largest time is `time` or later; null if there is none. With compaction, or a start
   * within a batch, its record of that time may lie before `from`: look on behind it then.
   *
   * @throws as `read`
   */
  findTime(at: TopicPartition, time: number, from = 0): StoredBatch | null {
    return this.#reader.findTime(at, this.#openPartition(at), time, from);
  }

  /** Resolves when one of the partitions has grown beyond the offset beside it or is deleted, the time is over, or `signal` aborts. */
  async grown(
    positions: readonly (TopicPartition & { readonly offset: number })[],
    maxWaitMs: number,
    signal?: AbortSignal,
  ): Promise<void> {
    const partitions = positions.map((position) => this.#partition(position));
    const grew = partitions.some(({ end }, i) => end > positions[i]!.offset);
    if (grew || maxWaitMs <= 0 || signal?.aborted || this.#closed) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const stop = (): void => resolve();
    const timer = setTimeout(stop, maxWaitMs);
    signal?.addEventListener('abort', stop);
    for (const { watchers } of partitions) watchers.add(stop);
    await promise;
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
    for (const { watchers } of partitions) watchers.delete(stop);
  }

  /** Retention, compaction and what is left of deleted topics, now and completely. @throws KitError LOG_UNAVAILABLE, DISK_FULL, LOG_CLOSED */
  cleanNow(): Promise<void> {
    return this.#cleaner.cleanNow();
  }

  /** What the last cleaning in the background failed of; it is tried again. */
  get cleaningFailure(): unknown {
    return this.#cleaner.failure;
  }

  /** Appends under way are finished, waiting `grown` calls end. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#partitions.wakeAll();
    await this.#cleaner.close();
    await this.#writes.close();
    this.#database.close();
  }

  /** Readers know of a moved start, or of holes to come, before a row goes. */
  async #changePartition(command: PartitionCommand): Promise<readonly number[]> {
    const { topicId, partition } = command;
    const known = this.#partitions.known(topicId, partition);
    if (command.kind === 'trim' && known !== null) {
      return this.#writes.change({ ...command, below: Math.min(command.below, known.start) });
    }
    const numbers = await this.#writes.change(command);
    const state = this.#partitions.known(topicId, partition);
    if (command.kind === 'mark' && state !== null) {
      state.start = Math.max(state.start, command.startOffset ?? 0);
      state.holesBelow = Math.max(state.holesBelow, command.holesBelow ?? 0);
      // What was compacted is read as it is in the file from now on.
      this.#cache.forget(state.key, Math.max(state.start, state.holesBelow));
    }
    return numbers;
  }

  #openPartition(at: TopicPartition): PartitionState {
    this.#assertOpen();
    return this.#partition(at);
  }

  /** @throws KitError UNKNOWN_TOPIC, UNKNOWN_PARTITION */
  #partition({ topic, partition }: TopicPartition): PartitionState {
    const { id, partitions } = this.topic(topic);
    const known = this.#partitions.known(id, partition);
    if (known !== null) return known;
    if (!Number.isInteger(partition) || partition < 0 || partition >= partitions) {
      const message = `Topic "${topic}" has partitions 0 to ${partitions - 1}, not ${partition}.`;
      throw new KitError('UNKNOWN_PARTITION', message, { details: { topic, partition, partitions } });
    }
    this.#assertOpen();
    return guarded({ topic, partition }, 0, () => this.#partitions.of(id, partition));
  }

  #assertOpen(): void {
    if (this.#closed) throw new KitError('LOG_CLOSED', 'The log has been closed.');
  }
}

/** The answer of a log in memory is its only connection. */
function openForReading(file: string | null): DatabaseSync {
  const database = openDatabase(file);
  if (file === null) return database;
  database.close();
  return new DatabaseSync(file, { readOnly: true, timeout: 5_000 });
}
