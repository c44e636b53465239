import { setImmediate as nextTurn } from 'node:timers/promises';
import { KitError } from '../../src/kit/errors.ts';
import type {
  AppendBatch,
  AppendResult,
  ConsumerGroup,
  EventLog,
  LogDescription,
  LogRecord,
  NewRecord,
  OffsetQuery,
  PartitionBatch,
  PartitionOffset,
  ReadRequest,
  TopicPartition,
  TopicSpec,
} from '../../src/kit/log/event-log.ts';
import { firstAt, MemoryGroup, type MemoryPartition } from './memory-group.ts';

/**
 * An event log in memory, with consumer groups, for tests of what stands on one. It does nothing by itself in time:
 * with a `ManualClock` a run is the same every time.
 */
export class MemoryLog implements EventLog {
  readonly kind = 'embedded';
  /** While true, everything that asks the log fails with LOG_UNAVAILABLE. */
  down = false;
  readonly specs = new Map<string, TopicSpec>();
  readonly #partitions = new Map<string, MemoryPartition>();
  readonly #groups = new Map<string, MemoryGroup>();

  /** @param topics name and number of partitions */
  constructor(topics: Readonly<Record<string, number>> = {}) {
    for (const [name, partitions] of Object.entries(topics)) this.#create({ name, partitions });
  }

  async createTopics(topics: readonly TopicSpec[]): Promise<void> {
    this.#check();
    for (const topic of topics) {
      if (this.specs.has(topic.name)) throw new KitError('TOPIC_EXISTS', topic.name);
      this.#create(topic);
    }
  }

  async describe(names: readonly string[] = [...this.specs.keys()]): Promise<LogDescription> {
    this.#check();
    const topics = names.map((name) => {
      const topic = this.specs.get(name);
      if (topic === undefined) throw new KitError('UNKNOWN_TOPIC', name);
      const partitions = Array.from({ length: topic.partitions }, (_, partition) => ({
        partition,
        leader: 1,
        replicas: [1],
        isr: [1],
      }));
      return { name, partitions };
    });
    return { clusterId: 'memory', controllerId: 1, brokers: [{ id: 1, host: '127.0.0.1', port: 0 }], topics };
  }

  async append({ topic, partition, records }: AppendBatch): Promise<AppendResult> {
    this.#check();
    const log = this.partition({ topic, partition });
    const baseOffset = log.end;
    for (const record of records) log.records.push({ ...record, topic, partition, offset: log.end++ });
    for (const listener of log.listeners) listener();
    return { baseOffset };
  }

  async read({ topic, partition, offset, maxRecords = 500 }: ReadRequest): Promise<PartitionBatch> {
    this.#check();
    const log = this.partition({ topic, partition });
    if (offset < log.earliest || offset > log.end) {
      throw new KitError('OFFSET_OUT_OF_RANGE', `${topic}/${partition} has ${log.earliest} to ${log.end}`, {
        details: { topic, partition, earliest: log.earliest, latest: log.end },
      });
    }
    const from = firstAt(log.records, offset);
    return { topic, partition, records: log.records.slice(from, from + maxRecords), highWatermark: log.end };
  }

  async listOffsets(queries: readonly OffsetQuery[]): Promise<number[]> {
    this.#check();
    return queries.map(({ at, ...where }) => {
      const log = this.partition(where);
      if (at === 'earliest') return log.earliest;
      const found = at === 'latest' ? undefined : log.records.find(({ timestamp }) => timestamp >= at);
      return found?.offset ?? log.end;
    });
  }

  group(id: string): ConsumerGroup & MemoryGroup {
    let group = this.#groups.get(id);
    if (group === undefined) {
      group = new MemoryGroup(id, this);
      this.#groups.set(id, group);
    }
    return group;
  }

  async close(): Promise<void> {
    for (const group of this.#groups.values()) await group.close();
  }

  /** A producer of single records, as `HighVolumeProducer` is one. */
  async send(record: TopicPartition & Omit<NewRecord, 'timestamp'> & { timestamp?: number }): Promise<PartitionOffset> {
    const { topic, partition, timestamp = 0, ...content } = record;
    await nextTurn();
    const { baseOffset } = await this.append({ topic, partition, records: [{ ...content, timestamp }] });
    return { topic, partition, offset: baseOffset };
  }

  records(at: TopicPartition): readonly LogRecord[] {
    return this.partition(at).records;
  }

  /** Retention: everything before `earliest` goes. */
  trim(at: TopicPartition, earliest: number): void {
    const log = this.partition(at);
    log.earliest = earliest;
    log.records.splice(0, firstAt(log.records, earliest));
  }

  /** Compaction: leaves a hole. */
  remove({ offset, ...at }: PartitionOffset): void {
    const { records } = this.partition(at);
    const index = firstAt(records, offset);
    if (records[index]?.offset === offset) records.splice(index, 1);
  }

  /** The end of `down`. */
  recover(): void {
    this.down = false;
    for (const { listeners } of this.#partitions.values()) for (const listener of listeners) listener();
  }

  partitionCount(topic: string): number {
    return this.specs.get(topic)?.partitions ?? 0;
  }

  partition({ topic, partition }: TopicPartition): MemoryPartition {
    const log = this.#partitions.get(`${topic}/${partition}`);
    if (log !== undefined) return log;
    throw new KitError(this.specs.has(topic) ? 'UNKNOWN_PARTITION' : 'UNKNOWN_TOPIC', `${topic}/${partition}`);
  }

  #create(topic: TopicSpec): void {
    this.specs.set(topic.name, topic);
    for (let partition = 0; partition < topic.partitions; partition++) {
      const log = { records: [], earliest: 0, end: 0, listeners: new Set<() => void>() };
      this.#partitions.set(`${topic.name}/${partition}`, log);
    }
  }

  #check(): void {
    if (this.down) throw new KitError('LOG_UNAVAILABLE', 'scripted outage', { retriable: true });
  }
}
