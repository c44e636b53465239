/**
 * The embedded log itself, in Kafka's record batches: append them, read them, find them by time. It neither encodes nor
 * decodes records and does not know who asks. One SQLite file: a thread writes it, this one reads it.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { isKitError, KitError } from '../../errors.ts';
import type { TopicPartition, TopicSpec } from '../event-log.ts';
import { readBatchHeader, writeBaseOffset } from './batch-header.ts';
import { LAST_BATCH, SCHEMA } from './batch-writer.ts';
import { unusable } from './directory-lock.ts';
import { corruptBatch, isIntact } from './record-batch.ts';
import { type StoredBatch, TailCache } from './tail-cache.ts';
import { checkTopic, maxMessageBytesOf } from './topic-rules.ts';
import { WriteQueue, type WriteQueueLimits } from './write-queue.ts';

export interface LogStoreOptions extends WriteQueueLimits {
  readonly directory: string;
  /** Of a record batch, where the topic's `max.message.bytes` does not say otherwise. */
  readonly maxMessageBytes: number;
  /** Memory for the youngest batches. */
  readonly cacheBytes: number;
}

export interface StoredTopic {
  readonly id: number;
  readonly name: string;
  readonly partitions: number;
  readonly config: Readonly<Record<string, string>>;
  readonly maxMessageBytes: number;
}

interface PartitionState extends TopicPartition {
  readonly topicId: number;
  readonly key: string;
  /** The offset after the last acknowledged record. */
  end: number;
  readonly watchers: Set<() => void>;
}

const SCHEMA_VERSION = 1;
const FROM = 'FROM batches WHERE topic_id = ? AND partition = ?';

export class LogStore {
  readonly clusterId: string;
  readonly #options: LogStoreOptions;
  readonly #database: DatabaseSync;
  readonly #writes: WriteQueue;
  readonly #cache: TailCache;
  readonly #topics = new Map<string, StoredTopic>();
  readonly #partitions = new Map<string, PartitionState>();
  readonly #last: StatementSync;
  readonly #holding: StatementSync;
  readonly #following: StatementSync;
  #creating: Promise<unknown> = Promise.resolve();
  #closed = false;

  /** The directory is there and locked. @throws KitError DATA_DIR_UNUSABLE */
  constructor(options: LogStoreOptions) {
    const file = join(options.directory, 'log.db');
    this.#options = options;
    this.#cache = new TailCache(options.cacheBytes);
    try {
      this.clusterId = prepare(file);
      this.#database = new DatabaseSync(file, { readOnly: true, timeout: 5_000 });
      this.#last = this.#database.prepare(LAST_BATCH);
      this.#holding = this.#database.prepare(
        `SELECT base_offset, last_offset, max_timestamp ${FROM} AND base_offset <= ? ORDER BY base_offset DESC LIMIT 1`,
      );
      this.#following = this.#database.prepare(
        `SELECT base_offset, last_offset, bytes ${FROM} AND base_offset >= ? AND base_offset < ? ORDER BY base_offset`,
      );
      const rows = this.#database.prepare('SELECT id, name, partitions, config FROM topics').all();
      for (const row of rows) this.#adopt(Number(row.id), String(row.name), Number(row.partitions), String(row.config));
    } catch (cause) {
      throw unusable(options.directory, cause);
    }
    this.#writes = new WriteQueue(file, options);
  }

  /** Ascending by name. */
  topics(): StoredTopic[] {
    return [...this.#topics.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** @throws KitError UNKNOWN_TOPIC */
  topic(name: string): StoredTopic {
    const topic = this.#topics.get(name);
    if (topic === undefined) {
      throw new KitError('UNKNOWN_TOPIC', `There is no topic "${name}".`, { details: { topic: name } });
    }
    return topic;
  }

  /** All or none of them. @throws KitError INVALID_TOPIC, TOPIC_EXISTS, LOG_UNAVAILABLE, LOG_CLOSED */
  createTopics(specs: readonly TopicSpec[]): Promise<void> {
    const create = async (): Promise<void> => {
      this.#assertOpen();
      const names = new Set(this.#topics.keys());
      for (const spec of specs) {
        checkTopic(spec);
        const { name } = spec;
        if (names.has(name)) {
          throw new KitError('TOPIC_EXISTS', `Topic "${name}" exists already.`, { details: { topic: name } });
        }
        names.add(name);
      }
      const rows = specs.map(({ name, partitions, config = {} }) => ({
        name,
        partitions,
        config: JSON.stringify(config),
      }));
      const ids = await this.#writes.createTopics(rows);
      for (const [i, { name, partitions, config }] of rows.entries()) this.#adopt(ids[i]!, name, partitions, config);
    };
    const creating = this.#creating.then(create);
    this.#creating = creating.catch(() => {});
    return creating;
  }

  /**
   * Resolves when the batch is durable. The store keeps `bytes` and writes the base offset into them. Appends to one
   * partition are stored in the order of their calls.
   *
   * @throws KitError INVALID_BATCH, BATCH_TOO_LARGE, UNKNOWN_TOPIC, UNKNOWN_PARTITION, LOG_CLOSED; LOG_UNAVAILABLE
   */
  async append(at: TopicPartition, bytes: Buffer): Promise<number> {
    this.#assertOpen();
    const partition = this.#partition(at);
    const { lastOffsetDelta } = readBatchHeader(bytes);
    const { maxMessageBytes } = this.topic(at.topic);
    if (bytes.length > maxMessageBytes) {
      throw new KitError(
        'BATCH_TOO_LARGE',
        `A batch of ${bytes.length} bytes is over the limit of ${maxMessageBytes}.`,
        {
          details: { topic: at.topic, bytes: bytes.length, maxMessageBytes },
        },
      );
    }
    const { topicId } = partition;
    const baseOffset = await this.#writes.append({ topicId, partition: at.partition, bytes });
    writeBaseOffset(bytes, baseOffset);
    partition.end = baseOffset + lastOffsetDelta + 1;
    this.#cache.add(partition.key, { baseOffset, lastOffset: partition.end - 1, bytes });
    for (const wake of [...partition.watchers]) wake();
    return baseOffset;
  }

  /** @throws KitError UNKNOWN_TOPIC, UNKNOWN_PARTITION */
  offsets(at: TopicPartition): { readonly start: number; readonly end: number } {
    return { start: 0, end: this.#partition(at).end };
  }

  /**
   * Whole batches from the one that holds `offset` on: at least one if there is one, else up to `maxBytes`.
   *
   * @throws KitError UNKNOWN_TOPIC, UNKNOWN_PARTITION, OFFSET_OUT_OF_RANGE, CORRUPT_BATCH, LOG_CLOSED
   */
  read(at: TopicPartition, offset: number, maxBytes: number): StoredBatch[] {
    this.#assertOpen();
    const { key, end } = this.#partition(at);
    if (!Number.isSafeInteger(offset) || offset < 0 || offset > end) {
      const { topic, partition } = at;
      throw new KitError(
        'OFFSET_OUT_OF_RANGE',
        `Offset ${offset} is outside ${topic}-${partition}, which is 0 to ${end}.`,
        {
          details: { topic, partition, offset, earliest: 0, latest: end },
        },
      );
    }
    if (offset === end) return [];
    return this.#cache.read(key, offset, maxBytes) ?? guarded(at, offset, () => this.#readFile(at, offset, maxBytes));
  }

  /** The batch with the first record at or after `time`; null if there is none. @throws as `read` */
  findTime(at: TopicPartition, time: number): StoredBatch | null {
    this.#assertOpen();
    const { topicId, end } = this.#partition(at);
    let low = 0;
    for (let high = end; low < high; ) {
      const middle = Math.floor((low + high) / 2);
      const row = guarded(at, middle, () => this.#holding.get(topicId, at.partition, middle));
      if (row === undefined) throw corruptBatch(at, middle);
      if (Number(row.max_timestamp) >= time) high = Number(row.base_offset);
      else low = Number(row.last_offset) + 1;
    }
    return this.read(at, low, 1)[0] ?? null;
  }

  /** Resolves when one of the partitions has grown beyond the offset beside it, the time is over, or `signal` aborts. */
  async grown(
    positions: readonly (TopicPartition & { readonly offset: number })[],
    maxWaitMs: number,
    signal?: AbortSignal,
  ): Promise<void> {
    const partitions = positions.map((position) => this.#partition(position));
    const grew = partitions.some(({ end }, i) => end > positions[i]!.offset);
    if (grew || maxWaitMs <= 0 || signal?.aborted || this.#closed) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = (): void => resolve();
    const timer = setTimeout(wake, maxWaitMs);
    signal?.addEventListener('abort', wake);
    for (const { watchers } of partitions) watchers.add(wake);
    await promise;
    clearTimeout(timer);
    signal?.removeEventListener('abort', wake);
    for (const { watchers } of partitions) watchers.delete(wake);
  }

  /** Appends under way are finished, waiting `grown` calls end. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const { watchers } of this.#partitions.values()) for (const wake of [...watchers]) wake();
    await this.#writes.close();
    this.#database.close();
  }

  #readFile(at: TopicPartition, offset: number, maxBytes: number): StoredBatch[] {
    const { topicId, end } = this.#partition(at);
    const first = this.#holding.get(topicId, at.partition, offset);
    const batches: StoredBatch[] = [];
    let size = 0;
    for (const row of this.#following.iterate(topicId, at.partition, Number(first?.base_offset ?? offset), end)) {
      const { buffer, byteOffset, byteLength } = row.bytes as Uint8Array;
      size += byteLength;
      if (batches.length > 0 && size > maxBytes) break;
      const batch = { baseOffset: Number(row.base_offset), lastOffset: Number(row.last_offset) };
      const bytes = Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
      if (!isIntact(bytes, batch.baseOffset)) {
        // What comes before it can be read; the damage is told when the reader gets there.
        if (batches.length > 0) break;
        throw corruptBatch(at, batch.baseOffset);
      }
      batches.push({ ...batch, bytes });
    }
    // Offsets have no holes, so a gap is a lost row.
    if (batches[0] === undefined || batches[0].baseOffset > offset || batches[0].lastOffset < offset)
      throw corruptBatch(at, offset);
    return batches;
  }

  #adopt(id: number, name: string, partitions: number, json: string): void {
    const config = JSON.parse(json) as Record<string, string>;
    const maxMessageBytes = maxMessageBytesOf(config, this.#options.maxMessageBytes);
    this.#topics.set(name, { id, name, partitions, config, maxMessageBytes });
  }

  /** Known from the first use on, so that a log of many partitions opens at once. */
  #partition({ topic, partition }: TopicPartition): PartitionState {
    const key = `${topic}:${partition}`;
    const known = this.#partitions.get(key);
    if (known !== undefined) return known;
    const { id, partitions } = this.topic(topic);
    if (!Number.isInteger(partition) || partition < 0 || partition >= partitions) {
      throw new KitError(
        'UNKNOWN_PARTITION',
        `Topic "${topic}" has partitions 0 to ${partitions - 1}, not ${partition}.`,
        {
          details: { topic, partition, partitions },
        },
      );
    }
    this.#assertOpen();
    const last = guarded({ topic, partition }, 0, () => this.#last.get(id, partition));
    const end = last === undefined ? 0 : Number(last.last_offset) + 1;
    const state = { topic, partition, topicId: id, key, end, watchers: new Set<() => void>() };
    this.#partitions.set(key, state);
    return state;
  }

  #assertOpen(): void {
    if (this.#closed) throw new KitError('LOG_CLOSED', 'The log has been closed.');
  }
}

/** What SQLite says of a file that is damaged or cannot be read. */
function guarded<T>(at: TopicPartition, offset: number, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (isKitError(cause)) throw cause;
    const SQLITE_CORRUPT = 11;
    if (cause instanceof Error && 'errcode' in cause && cause.errcode === SQLITE_CORRUPT)
      throw corruptBatch(at, offset, cause);
    const message = `The log could not be read: ${cause instanceof Error ? cause.message : cause}`;
    throw new KitError('LOG_UNAVAILABLE', message, { cause, retriable: true, details: { ...at, offset } });
  }
}

/** Creates what is missing and answers the cluster id: a random UUID in URL-safe base64, as Kafka makes them. */
function prepare(file: string): string {
  const database = new DatabaseSync(file, { timeout: 5_000 });
  try {
    const version = Number(database.prepare('PRAGMA user_version').get()!.user_version);
    if (version > SCHEMA_VERSION) throw new Error(`it was written by a later release (format ${version})`);
    database.exec(SCHEMA);
    database.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
    database
      .prepare(`INSERT INTO meta VALUES ('cluster_id', ?) ON CONFLICT DO NOTHING`)
      .run(randomBytes(16).toString('base64url'));
    return String(database.prepare(`SELECT value FROM meta WHERE name = 'cluster_id'`).get()!.value);
  } finally {
    database.close();
  }
}
