import { type Clock, systemClock } from '../../clock.ts';
import { isKitError, KitError } from '../../errors.ts';
import type {
  AppendBatch,
  AppendResult,
  ConsumerGroup,
  EventLog,
  GroupMember,
  JoinOptions,
  LogDescription,
  OffsetQuery,
  PartitionBatch,
  ReadRequest,
  TopicSpec,
} from '../event-log.ts';
import { joinGroup } from '../membership.ts';
import { type DirectoryLock, lockDirectory } from './directory-lock.ts';
import { GroupCoordinator } from './group-coordinator.ts';
import { GroupStore } from './group-store.ts';
import { LogReader, NODE_ID } from './log-reader.ts';
import { LogStore } from './log-store.ts';
import { encodeBatch } from './record-batch.ts';
import { keyMissing } from './wire-batch.ts';

export interface EmbeddedLogOptions {
  /** Created when missing; used by one process at a time. Null: in memory, gone when the log is closed. */
  readonly directory: string | null;
  /** Of a record batch, unless the topic's `max.message.bytes` says otherwise. Default 1,048,588, Kafka's. */
  readonly maxMessageBytes?: number;
  /** Memory for the youngest batches. Default 32 MiB. */
  readonly cacheBytes?: number;
  /** Beyond these, `append` waits. Defaults 64 MiB and 10,000. */
  readonly maxQueuedBytes?: number;
  readonly maxQueuedBatches?: number;
  /** Between two rounds of retention and compaction, where topics need them. Default 15,000. */
  readonly cleanIntervalMs?: number;
  /** How long an empty group waits for more members before its first generation. Default 0. */
  readonly initialRebalanceDelayMs?: number;
  /** Default 500. */
  readonly minSessionTimeoutMs?: number;
  readonly clock?: Clock;
  /** Jitter of the members' retries, 0 to 1. */
  readonly random?: () => number;
}

const OUTSIDE = { generation: -1, memberId: '' };
const NO_ADDRESS = { host: '127.0.0.1', port: -1 };

/** An event log in SQLite files: nothing to install, one process, and what was acknowledged has been fsynced. */
export class EmbeddedLog implements EventLog {
  readonly kind = 'embedded';
  /** Record batches as they are stored, and the groups: what a server of Kafka's protocol needs. */
  readonly store: LogStore;
  readonly coordinator: GroupCoordinator;
  readonly #reader: LogReader;
  readonly #groupStore: GroupStore;
  readonly #lock: DirectoryLock | null;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #appended = new WeakMap<AppendBatch, Promise<AppendResult>>();
  readonly #members = new Set<GroupMember>();
  readonly #closing = new AbortController();
  #address: { readonly host: string; readonly port: number } | null = null;
  #closed: Promise<void> | null = null;

  /** @throws KitError DATA_DIR_LOCKED, DATA_DIR_UNUSABLE, STORE_UNAVAILABLE */
  static async open(options: EmbeddedLogOptions): Promise<EmbeddedLog> {
    const { directory, clock = systemClock } = options;
    const lock = directory === null ? null : lockDirectory(directory, clock.now());
    try {
      return new EmbeddedLog(options, lock);
    } catch (error) {
      lock?.release();
      throw error;
    }
  }

  private constructor(options: EmbeddedLogOptions, lock: DirectoryLock | null) {
    const { directory, clock = systemClock, random = Math.random } = options;
    this.#lock = lock;
    this.#clock = clock;
    this.#random = random;
    this.store = new LogStore({
      directory,
      clock,
      maxMessageBytes: options.maxMessageBytes ?? 1_048_588,
      cacheBytes: options.cacheBytes ?? 32 * 1024 * 1024,
      maxQueuedBytes: options.maxQueuedBytes ?? 64 * 1024 * 1024,
      maxQueuedBatches: options.maxQueuedBatches ?? 10_000,
      ...(options.cleanIntervalMs === undefined ? {} : { cleanIntervalMs: options.cleanIntervalMs }),
    });
    this.#reader = new LogReader(this.store);
    this.#groupStore = new GroupStore(directory);
    this.coordinator = new GroupCoordinator({
      store: this.#groupStore,
      clock,
      initialRebalanceDelayMs: options.initialRebalanceDelayMs ?? 0,
      minSessionTimeoutMs: options.minSessionTimeoutMs ?? 500,
      maxSessionTimeoutMs: 1_800_000,
      maxMembers: 1_000,
    });
  }

  /** Where it speaks Kafka's protocol, for `describe` and for other processes that come to its directory; null for nowhere. */
  announce(address: { readonly host: string; readonly port: number } | null): void {
    this.#address = address;
    this.#lock?.announce(address === null ? null : `${address.host}:${address.port}`);
  }

  async createTopics(topics: readonly TopicSpec[]): Promise<void> {
    this.#assertOpen();
    await this.store.createTopics(topics);
  }

  async describe(names?: readonly string[]): Promise<LogDescription> {
    this.#assertOpen();
    const topics = names === undefined ? this.store.topics() : names.map((name) => this.store.topic(name));
    const here = { leader: NODE_ID, replicas: [NODE_ID], isr: [NODE_ID] };
    return {
      clusterId: this.store.clusterId,
      controllerId: NODE_ID,
      brokers: [{ id: NODE_ID, ...(this.#address ?? NO_ADDRESS) }],
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: Array.from({ length: partitions }, (_, partition) => ({ partition, ...here })),
      })),
    };
  }

  append(batch: AppendBatch): Promise<AppendResult> {
    let appended = this.#appended.get(batch);
    if (appended === undefined) {
      appended = this.#append(batch);
      this.#appended.set(batch, appended);
      // What failed may be tried again. Where it may have been stored (the writer died), the store refuses every append after it.
      appended.catch(() => this.#appended.delete(batch));
    }
    return appended;
  }

  async read(request: ReadRequest): Promise<PartitionBatch> {
    this.#assertOpen();
    return this.#reader.read(request);
  }

  async listOffsets(queries: readonly OffsetQuery[]): Promise<number[]> {
    this.#assertOpen();
    return queries.map((query) => this.#reader.offsetFor(query));
  }

  group(id: string): ConsumerGroup {
    return {
      id,
      join: (options) => this.#join(id, options),
      committed: async () => {
        this.#assertOpen();
        return this.coordinator.committed(id);
      },
      commit: async (offsets) => {
        this.#assertOpen();
        for (const offset of offsets) this.store.offsets(offset);
        await this.coordinator.commit({ groupId: id, ...OUTSIDE }, offsets);
      },
    };
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #append(batch: AppendBatch): Promise<AppendResult> {
    this.#assertOpen();
    const { maxMessageBytes, compacted } = this.store.topic(batch.topic);
    const withoutKey = compacted ? batch.records.findIndex(({ key }) => key === null) : -1;
    if (withoutKey >= 0) throw keyMissing([withoutKey]);
    const bytes = encodeBatch(batch.records);
    try {
      return { baseOffset: await this.store.append(batch, bytes) };
    } catch (error) {
      const alone = batch.records.some(({ key, value }) => (key?.length ?? 0) + (value?.length ?? 0) > maxMessageBytes);
      if (!isKitError(error, 'BATCH_TOO_LARGE') || !(alone || batch.records.length === 1)) throw error;
      const message = `A record is over the limit of ${maxMessageBytes} bytes of topic "${batch.topic}".`;
      throw new KitError('RECORD_TOO_LARGE', message, { details: error.details });
    }
  }

  async #join(groupId: string, options: JoinOptions): Promise<GroupMember> {
    this.#assertOpen();
    const deps = { transport: this.coordinator, source: this.#reader, clock: this.#clock, random: this.#random };
    const member = await joinGroup(deps, groupId, options, this.#closing.signal);
    this.#members.add(member);
    const forget = (): boolean => this.#members.delete(member);
    member.ended.then(forget, forget);
    return member;
  }

  async #close(): Promise<void> {
    this.#closing.abort(closed());
    await Promise.all([...this.#members].map((member) => member.leave()));
    this.coordinator.close();
    await this.store.close();
    this.#groupStore.close();
    this.#lock?.release();
  }

  #assertOpen(): void {
    if (this.#closed !== null) throw closed();
  }
}

function closed(): KitError {
  return new KitError('LOG_CLOSED', 'The log has been closed.');
}
