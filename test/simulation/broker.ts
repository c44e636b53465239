/** The model of a cluster: partitions with leaders, batches stored once each, and the real group coordinator. */
import { KitError } from '../../src/kit/errors.ts';
import { GroupCoordinator } from '../../src/kit/log/embedded/group-coordinator.ts';
import { GroupStore } from '../../src/kit/log/embedded/group-store.ts';
import type {
  AppendBatch,
  LogRecord,
  OffsetQuery,
  PartitionBatch,
  TopicDescription,
  TopicPartition,
  TopicSpec,
} from '../../src/kit/log/event-log.ts';
import type { FetchPosition } from '../../src/kit/log/group-transport.ts';
import type { Answer } from './network.ts';
import type { Plan } from './plan.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import { EPOCH_MS } from './sim-process.ts';

export interface Partition extends TopicPartition {
  readonly records: LogRecord[];
  /** Node id, or -1 while there is none. */
  leader: number;
  /** What a new leader does not dare to show yet: so many records at the end. */
  hidden: number;
  readonly waiting: Set<() => void>;
}

const NOTHING = () => {};

export class Broker {
  readonly partitions = new Map<string, readonly Partition[]>();
  coordinator: GroupCoordinator;
  /** Called with what has been stored, before anyone is told. */
  onStored: (records: readonly LogRecord[]) => void = NOTHING;
  /** Where each batch lies: a batch that comes again is not stored again. */
  readonly stored = new Map<AppendBatch, number>();
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  #faults: Plan['broker'];
  readonly #groups = new GroupStore(null);

  constructor(scheduler: Scheduler, random: Random, plan: Plan) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#faults = plan.broker;
    this.coordinator = this.#newCoordinator();
  }

  heal(): void {
    this.#faults = { ...this.#faults, storeAndFail: 0, redeliver: 0 };
  }

  createTopic({ name, partitions }: TopicSpec): void {
    if (this.partitions.has(name)) throw new KitError('TOPIC_EXISTS', name);
    const created = Array.from({ length: partitions }, (_, partition): Partition => {
      return { topic: name, partition, records: [], leader: this.#node(), hidden: 0, waiting: new Set() };
    });
    this.partitions.set(name, created);
  }

  describe(name: string): TopicDescription {
    const partitions = this.partitions.get(name);
    if (partitions === undefined) throw new KitError('UNKNOWN_TOPIC', name);
    return {
      name,
      partitions: partitions.map(({ partition, leader }) => ({ partition, leader, replicas: [], isr: [] })),
    };
  }

  partition({ topic, partition }: TopicPartition): Partition {
    const found = this.partitions.get(topic)?.[partition];
    if (found !== undefined) return found;
    throw new KitError(this.partitions.has(topic) ? 'UNKNOWN_PARTITION' : 'UNKNOWN_TOPIC', `${topic}/${partition}`);
  }

  all(): Partition[] {
    return [...this.partitions.values()].flat();
  }

  append(batch: AppendBatch): number {
    const place = this.#led(batch);
    const known = this.stored.get(batch);
    if (known === undefined && batch.records.length > this.#faults.maxBatchRecords) {
      throw new KitError('BATCH_TOO_LARGE', `${batch.records.length} records`);
    }
    const baseOffset = known ?? this.#store(place, batch);
    place.hidden = 0;
    for (const wake of [...place.waiting]) wake();
    if (this.#random.chance(this.#faults.storeAndFail)) {
      throw new KitError('APPEND_TIMEOUT', 'replicas are slow', { retriable: true, details: { maybeStored: true } });
    }
    return baseOffset;
  }

  listOffset({ at, ...where }: OffsetQuery): number {
    const place = this.#led(where);
    return at === 'earliest' ? 0 : shownEnd(place);
  }

  /** Answers when one of the positions has news, or after `maxWaitMs`. */
  fetch(
    leader: number | null,
    positions: readonly FetchPosition[],
    maxWaitMs: number,
    answer: Answer<PartitionBatch[]>,
  ): void {
    const places = positions.map((position) => this.#led(position, leader));
    for (const [index, { offset }] of positions.entries()) checkRange(places[index]!, offset);
    const read = () =>
      positions
        .map(({ offset }, index) => this.#read(places[index]!, offset))
        .filter(({ records }) => records.length > 0);
    const found = read();
    if (found.length > 0 || maxWaitMs === 0) {
      answer(null, found);
      return;
    }
    const end = (): void => {
      timer.cancelled = true;
      for (const { waiting } of places) waiting.delete(end);
      if (leader !== null && places.some((place) => place.leader !== leader)) answer(unavailable(false));
      else answer(null, read());
    };
    const timer = this.#scheduler.after(maxWaitMs, null, end);
    for (const { waiting } of places) waiting.add(end);
  }

  /** The partitions lose their leaders. @returns what gives them new ones */
  elect(places: readonly Partition[]): () => void {
    for (const place of places) {
      place.leader = -1;
      for (const wake of [...place.waiting]) wake();
    }
    return () => {
      for (const place of places) {
        place.leader = this.#node();
        place.hidden = this.#random.chance(0.5) ? this.#random.between(0, Math.min(3, place.records.length)) : 0;
        this.#scheduler.after(20, null, () => {
          place.hidden = 0;
          for (const wake of [...place.waiting]) wake();
        });
      }
    };
  }

  restartCoordinator(): void {
    this.coordinator.close();
    this.coordinator = this.#newCoordinator();
  }

  #newCoordinator(): GroupCoordinator {
    const scheduler = this.#scheduler;
    return new GroupCoordinator({
      store: this.#groups,
      clock: {
        now: () => EPOCH_MS + scheduler.nowMs,
        after: (delayMs, callback) => {
          const task = scheduler.after(delayMs, null, callback);
          return () => {
            task.cancelled = true;
          };
        },
      },
      initialRebalanceDelayMs: 0,
      minSessionTimeoutMs: 1,
      maxSessionTimeoutMs: 60_000,
      maxMembers: 100,
    });
  }

  #node(): number {
    return this.#random.between(1, this.#faults.nodes);
  }

  #led(at: TopicPartition, leader: number | null = null): Partition {
    const place = this.partition(at);
    if (place.leader < 0 || (leader !== null && place.leader !== leader)) throw unavailable(false);
    return place;
  }

  #store({ topic, partition, records }: Partition, batch: AppendBatch): number {
    const baseOffset = records.length;
    const added = batch.records.map((record, index) => ({ ...record, topic, partition, offset: baseOffset + index }));
    records.push(...added);
    this.stored.set(batch, baseOffset);
    this.onStored(added);
    return baseOffset;
  }

  #read(place: Partition, offset: number): PartitionBatch {
    const { topic, partition } = place;
    const end = shownEnd(place);
    const from = this.#random.chance(this.#faults.redeliver)
      ? Math.max(0, offset - this.#random.between(1, 3))
      : offset;
    const records = offset < end ? place.records.slice(from, Math.min(end, offset + this.#faults.fetchRecords)) : [];
    return { topic, partition, records, highWatermark: end };
  }
}

export function unavailable(maybeStored: boolean): KitError {
  return new KitError('LOG_UNAVAILABLE', 'no leader, or no answer', { retriable: true, details: { maybeStored } });
}

function shownEnd({ records, hidden }: Partition): number {
  return records.length - hidden;
}

function checkRange({ topic, partition, records }: Partition, offset: number): void {
  if (offset <= records.length) return;
  throw new KitError('OFFSET_OUT_OF_RANGE', `${topic}/${partition} ends at ${records.length}`, {
    details: { topic, partition, earliest: 0, latest: records.length },
  });
}
