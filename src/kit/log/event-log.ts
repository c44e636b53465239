/**
 * The log port: the only door to an event log. Adapters: `embedded/` (SQLite) and `kafka/` (Apache Kafka).
 * `contract.ts` is what an adapter has to do, as a suite that runs against it.
 *
 * Offsets are numbers: exact to 2^53, which 100,000 records a second reach after 2,850 years.
 * Times are milliseconds since the epoch.
 */

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** Header names may repeat and keep their order, as in Kafka. */
export type Header = readonly [name: string, value: Buffer | null];

export interface NewRecord {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly Header[];
  /** Publish time; event time travels in `ce_time`. */
  readonly timestamp: number;
}

export interface LogRecord extends NewRecord, TopicPartition {
  readonly offset: number;
}

export interface TopicSpec {
  readonly name: string;
  readonly partitions: number;
  /** Ignored by the embedded log, which is one broker. */
  readonly replicationFactor?: number;
  readonly config?: Readonly<Record<string, string>>;
}

export interface PartitionDescription {
  readonly partition: number;
  /** Node id, or -1 where there is no leader. */
  readonly leader: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
}

export interface TopicDescription {
  readonly name: string;
  readonly partitions: readonly PartitionDescription[];
}

export interface BrokerDescription {
  readonly id: number;
  readonly host: string;
  readonly port: number;
}

export interface LogDescription {
  readonly clusterId: string;
  /** Node id, or -1 where none is known. */
  readonly controllerId: number;
  readonly brokers: readonly BrokerDescription[];
  readonly topics: readonly TopicDescription[];
}

/**
 * Records for one partition. The object is the batch's identity: appending the same object again after a failure
 * is a retry, and an adapter must not store it twice. A changed batch is a new object.
 */
export interface AppendBatch extends TopicPartition {
  readonly records: readonly NewRecord[];
}

export interface AppendResult {
  readonly baseOffset: number;
}

export interface ReadRequest extends TopicPartition {
  readonly offset: number;
  /** Soft limit: at least one record is returned when there is one. Default 1 MiB. */
  readonly maxBytes?: number;
  /** Default: no limit of its own. */
  readonly maxRecords?: number;
  /** How long to wait for a first record when `offset` is the end. Default 0. */
  readonly maxWaitMs?: number;
  /** Asked of every record in turn, before anything is made of it: the others are left out. A log that cannot do that leaves none out. */
  readonly wanted?: (record: RawRecord) => boolean;
  readonly signal?: AbortSignal;
}

/** A record as bytes, for as long as the call lasts that it is handed to. */
export interface RawRecord {
  readonly offset: number;
  readonly timestamp: number;
  /** Whether one of these passes: its key, the contents of its headers, its value, each from `start` to `end` of `bytes`. */
  some(test: (bytes: Buffer, start: number, end: number, isValue: boolean) => boolean): boolean;
}

export interface PartitionBatch extends TopicPartition {
  /** Ascending by offset; the first offset is at least the one asked for (compaction may leave holes). */
  readonly records: readonly LogRecord[];
  /** Where to read on after a read with `wanted`; absent where the log has left none out. */
  readonly next?: number;
  /** The offset after the last readable record. */
  readonly highWatermark: number;
}

/** `latest` is the offset the next record will get; a number is a time: the first record at or after it, else the end. */
export interface OffsetQuery extends TopicPartition {
  readonly at: 'earliest' | 'latest' | number;
}

export interface PartitionOffset extends TopicPartition {
  readonly offset: number;
}

export interface EventLog {
  readonly kind: 'embedded' | 'kafka';
  /** @throws KitError TOPIC_EXISTS, INVALID_TOPIC, INVALID_PARTITIONS, INVALID_CONFIG, LOG_UNAVAILABLE */
  createTopics(topics: readonly TopicSpec[]): Promise<void>;
  /** Without names: every topic that is not internal. @throws KitError UNKNOWN_TOPIC, LOG_UNAVAILABLE */
  describe(topics?: readonly string[]): Promise<LogDescription>;
  /**
   * Resolves once the batch is durable (fsynced, or acknowledged by all in-sync replicas).
   * At most one batch per partition may be under way; the lanes of HighVolumeProducer see to that.
   *
   * @throws KitError UNKNOWN_TOPIC, UNKNOWN_PARTITION, RECORD_TOO_LARGE, BATCH_TOO_LARGE, INVALID_RECORD (not stored);
   *   LOG_UNAVAILABLE, APPEND_TIMEOUT (retriable; `details.maybeStored` says whether it may be in the log already)
   */
  append(batch: AppendBatch): Promise<AppendResult>;
  /** @throws KitError UNKNOWN_TOPIC, UNKNOWN_PARTITION, OFFSET_OUT_OF_RANGE, CORRUPT_BATCH, LOG_UNAVAILABLE */
  read(request: ReadRequest): Promise<PartitionBatch>;
  /** One offset per query, in the queries' order. @throws KitError UNKNOWN_TOPIC, UNKNOWN_PARTITION, LOG_UNAVAILABLE */
  listOffsets(queries: readonly OffsetQuery[]): Promise<number[]>;
  /** A handle on a consumer group; nothing happens until it is used. */
  group(id: string): ConsumerGroup;
  /** Members leave, appends under way finish or fail, waiting reads end. Repeated calls are harmless. */
  close(): Promise<void>;
}

export interface ConsumerGroup {
  readonly id: string;
  join(options: JoinOptions): Promise<GroupMember>;
  /** Every offset the group has committed. */
  committed(): Promise<PartitionOffset[]>;
  /** Write offsets from outside. @throws KitError GROUP_ACTIVE while the group has members */
  commit(offsets: readonly PartitionOffset[]): Promise<void>;
}

export interface JoinOptions {
  readonly topics: readonly string[];
  /**
   * Partitions that this member owns from now on, and did not before. Answers where to read each from;
   * a partition left out starts at its earliest record.
   */
  onAssigned(partitions: readonly TopicPartition[]): Promise<readonly PartitionOffset[]>;
  /** Called for one partition at a time, in offset order; the next batch of that partition waits for the promise. */
  onRecords(batch: PartitionBatch): Promise<void>;
  /**
   * Called before another member can own these partitions, after `onRecords` for them has settled.
   * `lost` means that the group has already gone on without this member: the fence must protect what is under way.
   */
  onRevoked(partitions: readonly TopicPartition[], lost: boolean): Promise<void>;
  readonly clientId?: string;
  /** Without a heartbeat for so long, a member's partitions go to the others. Default 6,000. */
  readonly sessionTimeoutMs?: number;
  /** How long others wait for this member's `onRevoked`. Default 60,000. */
  readonly rebalanceTimeoutMs?: number;
  /** Also how long it takes a member to hear of a rebalance. Default: a quarter of the session, 3,000 at most. */
  readonly heartbeatIntervalMs?: number;
  /**
   * Pause after a fetch that brought few records and reached the end of their partitions, so that the next one brings more: at
   * a trickle of events, a transaction for each would cost more than the events themselves. The first event after a silence
   * does not wait. Default 5.
   */
  readonly gatherMs?: number;
  /** Memory of the records held for `onRecords` and by it, all partitions together, soft. Default 32 MiB. */
  readonly maxBufferedBytes?: number;
}

export interface GroupMember {
  readonly memberId: string;
  readonly generation: number;
  assignment(): readonly TopicPartition[];
  /** No further `onRecords` for these until resumed; what was fetched ahead is dropped. */
  pause(partitions: readonly TopicPartition[]): void;
  /** Goes on at `offset`. Ignored for a partition that is not owned. */
  resume(partition: TopicPartition, offset: number): void;
  /** A hint for tools. Fails quietly into a retry at the next commit when the group is rebalancing. */
  commit(offsets: readonly PartitionOffset[]): Promise<void>;
  /** Stops reading, lets `onRecords` settle, revokes, leaves the group. Repeated calls are harmless. */
  leave(): Promise<void>;
  /** Settles when the member has ended: resolved after `leave`, rejected with what broke it. */
  readonly ended: Promise<void>;
}
