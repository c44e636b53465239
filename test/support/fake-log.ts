import assert from 'node:assert/strict';
import type { Clock } from '../../src/kit/clock.ts';
import { KitError } from '../../src/kit/errors.ts';
import type {
  AppendBatch,
  AppendResult,
  ConsumerGroup,
  EventLog,
  LogDescription,
  NewRecord,
  PartitionBatch,
  TopicSpec,
} from '../../src/kit/log/event-log.ts';

/** What becomes of one append. `store` with an error: the records are in the log, the acknowledgement is lost. */
export interface AppendFate {
  readonly delayMs?: number;
  readonly store?: boolean;
  readonly error?: KitError;
}

export interface FakeLogOptions {
  readonly clock: Clock;
  readonly topics: readonly TopicSpec[];
  readonly kind?: EventLog['kind'];
  /** Default: stored at once. `attempt` counts from 1 for each batch object. */
  readonly fate?: (batch: AppendBatch, attempt: number) => AppendFate;
}

export const unavailable = (maybeStored: boolean) =>
  new KitError('LOG_UNAVAILABLE', 'scripted outage', { retriable: true, details: { maybeStored } });
export const tooLarge = () => new KitError('RECORD_TOO_LARGE', 'scripted refusal');
/** An append that never answers. */
export const NEVER: AppendFate = { delayMs: Number.POSITIVE_INFINITY };

/**
 * The producing half of an event log in memory, with scripted failures. It holds its caller to the port's contract: one
 * append per partition at a time, and a batch that is appended again must be unchanged.
 */
export class FakeLog implements EventLog {
  readonly kind: EventLog['kind'];
  fate: (batch: AppendBatch, attempt: number) => AppendFate;
  describeFailure: KitError | null = null;
  describes = 0;
  appends = 0;
  /** Sizes of the batches that were tried, retries included. */
  readonly tried: { readonly partition: number; readonly records: number }[] = [];
  readonly #clock: Clock;
  readonly #topics = new Map<string, TopicSpec>();
  readonly #records = new Map<string, NewRecord[]>();
  readonly #seen = new WeakMap<AppendBatch, { copy: NewRecord[]; attempts: number; baseOffset: number | null }>();
  readonly #busy = new Set<string>();

  constructor({ clock, topics, kind = 'embedded', fate = () => ({}) }: FakeLogOptions) {
    this.#clock = clock;
    this.kind = kind;
    this.fate = fate;
    for (const topic of topics) this.#topics.set(topic.name, topic);
  }

  async createTopics(topics: readonly TopicSpec[]): Promise<void> {
    for (const topic of topics) {
      if (this.#topics.has(topic.name)) throw new KitError('TOPIC_EXISTS', topic.name);
      this.#topics.set(topic.name, topic);
    }
  }

  setTopic(topic: TopicSpec): void {
    this.#topics.set(topic.name, topic);
  }

  async describe(names: readonly string[] = [...this.#topics.keys()]): Promise<LogDescription> {
    this.describes += 1;
    if (this.describeFailure !== null) throw this.describeFailure;
    const topics = names.map((name) => {
      const topic = this.#topics.get(name);
      if (topic === undefined) throw new KitError('UNKNOWN_TOPIC', name);
      const replicas = Array.from({ length: topic.replicationFactor ?? 1 }, (_, node) => node + 1);
      const partitions = Array.from({ length: topic.partitions }, (_, partition) => ({
        partition,
        leader: 1,
        replicas,
        isr: replicas,
      }));
      return { name, partitions };
    });
    return { clusterId: 'fake', controllerId: 1, brokers: [{ id: 1, host: '127.0.0.1', port: 0 }], topics };
  }

  async append(batch: AppendBatch): Promise<AppendResult> {
    this.appends += 1;
    this.tried.push({ partition: batch.partition, records: batch.records.length });
    const place = `${batch.topic}/${batch.partition}`;
    assert(!this.#busy.has(place), `two appends at a time to ${place}`);
    assert(batch.records.length > 0, 'an empty batch');
    const seen = this.#seen.get(batch) ?? { copy: [...batch.records], attempts: 0, baseOffset: null };
    this.#seen.set(batch, seen);
    assert.deepEqual(batch.records, seen.copy, 'a batch was changed between attempts');
    seen.attempts += 1;
    this.#busy.add(place);
    try {
      const topic = this.#topics.get(batch.topic);
      if (topic === undefined) throw new KitError('UNKNOWN_TOPIC', batch.topic);
      if (batch.partition >= topic.partitions) throw new KitError('UNKNOWN_PARTITION', place);
      const { delayMs = 0, error, store = error === undefined } = this.fate(batch, seen.attempts);
      if (store) seen.baseOffset ??= this.#store(place, batch);
      if (delayMs > 0) await this.#pass(delayMs);
      if (error !== undefined) throw error;
      return { baseOffset: seen.baseOffset! };
    } finally {
      this.#busy.delete(place);
    }
  }

  /** What lies in a partition, in order. */
  records(topic: string, partition: number): readonly NewRecord[] {
    return this.#records.get(`${topic}/${partition}`) ?? [];
  }

  values(topic: string, partition: number): string[] {
    return this.records(topic, partition).map(({ value }) => String(value));
  }

  read(): Promise<PartitionBatch> {
    throw new Error('the fake log is not read');
  }

  listOffsets(): Promise<number[]> {
    throw new Error('the fake log is not read');
  }

  group(): ConsumerGroup {
    throw new Error('the fake log has no groups');
  }

  async close(): Promise<void> {}

  #store(place: string, { records }: AppendBatch): number {
    const stored = this.#records.get(place) ?? [];
    this.#records.set(place, stored);
    const baseOffset = stored.length;
    for (const record of records) stored.push(record);
    return baseOffset;
  }

  #pass(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      if (Number.isFinite(delayMs)) this.#clock.after(delayMs, resolve);
    });
  }
}
