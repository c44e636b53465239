import { setImmediate as nextTurn } from 'node:timers/promises';
import { KitError } from '../../src/kit/errors.ts';
import type { PartitionOffset, TopicPartition } from '../../src/kit/log/event-log.ts';
import { applyEffects, type Change, type DocumentAccess, shapeConflict } from '../../src/kit/projections/changes.ts';
import { checkEffect } from '../../src/kit/projections/check-effect.ts';
import { checkKeys, compareBytes, type Fields, greatest, toDocument } from '../../src/kit/projections/deltas.ts';
import {
  type ApplyBatch,
  type ApplyOutcome,
  DEFAULT_WINDOW,
  type Document,
  type Effect,
  type KeyPage,
  type KeyQuery,
  type ParkedRecord,
  type PartitionClaim,
  type PartitionState,
  type ProjectionStore,
} from '../../src/kit/projections/projection-store.ts';

interface Partition extends TopicPartition {
  epoch: number;
  next: number | null;
  applied: number;
  duplicates: number;
  dead: number;
  readonly seen: Map<string, number>;
  readonly parked: Map<number, ParkedRecord>;
}

/** `before`: the call fails and nothing was done. `after`: it was done, and the answer is lost. */
export type StoreFault = 'before' | 'after' | null;

/** What one or more `MemoryStore`s hold together. */
export class MemoryStoreData {
  readonly partitions = new Map<string, Partition>();
  readonly documents = new Map<string, Fields>();
  /** Of the documents that are not plain. */
  readonly shapes = new Map<string, string>();
  /** Effects in the order they were applied, duplicates left out. */
  readonly history: PartitionOffset[] = [];
  /** Never falls, not even when everything is lost. */
  epochs = 0;

  /** Loses everything, as a Redis that was restarted without persistence. */
  lose(): void {
    this.partitions.clear();
    this.documents.clear();
    this.shapes.clear();
    this.history.length = 0;
  }
}

/** A projection store in memory that can be made to fail. Passes the contract suite. */
export class MemoryStore implements ProjectionStore {
  readonly name: string;
  readonly data: MemoryStoreData;
  readonly #window: typeof DEFAULT_WINDOW;
  /** Asked at every call of `claim`, `apply` and `partitions`. */
  fault: (method: 'claim' | 'apply' | 'partitions') => StoreFault = () => null;
  applies = 0;
  #closed = false;

  constructor(name = 'memory', data = new MemoryStoreData(), window = DEFAULT_WINDOW) {
    this.name = name;
    this.data = data;
    this.#window = window;
  }

  claim({ topic, partition }: TopicPartition): Promise<PartitionClaim> {
    return this.#call('claim', () => {
      const name = `${topic}/${partition}`;
      let state = this.data.partitions.get(name);
      if (state === undefined) {
        state = {
          topic,
          partition,
          epoch: 0,
          next: null,
          applied: 0,
          duplicates: 0,
          dead: 0,
          seen: new Map(),
          parked: new Map(),
        };
        this.data.partitions.set(name, state);
      }
      state.epoch = ++this.data.epochs;
      const parked = [...state.parked.values()].sort((a, b) => a.offset - b.offset);
      return { epoch: state.epoch, next: state.next, parked };
    });
  }

  apply(batch: ApplyBatch): Promise<ApplyOutcome> {
    this.applies++;
    return this.#call('apply', () => this.#apply(batch));
  }

  #apply(batch: ApplyBatch): ApplyOutcome {
    const state = this.data.partitions.get(`${batch.topic}/${batch.partition}`);
    if (state === undefined || state.epoch !== batch.epoch) return { status: 'fenced', epoch: state?.epoch ?? 0 };
    if (state.next !== batch.expect) return { status: 'mismatch', next: state.next };
    const duplicates: number[] = [];
    const applied: PartitionOffset[] = [];
    const fresh = new Set<string>();
    const counted: Effect[] = [];
    for (const effect of batch.effects) {
      checkEffect(effect);
      const { eventId, offset } = effect;
      const seenAt = eventId === null ? undefined : state.seen.get(eventId);
      const known = seenAt !== undefined && seenAt > batch.now - this.#window.windowMs;
      if (eventId !== null && (known || fresh.has(eventId))) {
        duplicates.push(offset);
        continue;
      }
      if (eventId !== null) fresh.add(eventId);
      applied.push({ topic: state.topic, partition: state.partition, offset });
      counted.push(effect);
    }
    const transaction = new Transaction(this.data);
    applyEffects(counted, transaction);
    transaction.commit();
    for (const id of fresh) {
      state.seen.delete(id);
      state.seen.set(id, batch.now);
    }
    for (const id of state.seen.keys()) {
      if (state.seen.size <= this.#window.maxIdsPerPartition) break;
      state.seen.delete(id);
    }
    for (const offset of batch.unpark) state.parked.delete(offset);
    for (const record of batch.park) state.parked.set(record.offset, record);
    state.applied += batch.effects.length - duplicates.length;
    state.duplicates += duplicates.length;
    state.dead += batch.dead;
    state.next = batch.next;
    this.data.history.push(...applied);
    return { status: 'ok', duplicates };
  }

  async get(key: string): Promise<Document | null> {
    const fields = this.data.documents.get(key);
    return fields === undefined ? null : toDocument(fields);
  }

  async getMany(keys: readonly string[]): Promise<(Document | null)[]> {
    checkKeys(keys);
    return Promise.all(keys.map((key) => this.get(key)));
  }

  async keys({ prefix, limit, cursor = '' }: KeyQuery): Promise<KeyPage> {
    const sorted = [...this.data.documents.keys()].filter((key) => key.startsWith(prefix)).sort(compareBytes);
    const keys = sorted.filter((key) => cursor === '' || compareBytes(key, cursor) > 0).slice(0, limit);
    return { keys, cursor: keys.length < limit ? null : keys.at(-1)! };
  }

  async parked({ topic, partition }: TopicPartition): Promise<readonly ParkedRecord[]> {
    const parked = this.data.partitions.get(`${topic}/${partition}`)?.parked;
    return [...(parked?.values() ?? [])].sort((a, b) => a.offset - b.offset);
  }

  partitions(): Promise<PartitionState[]> {
    return this.#call('partitions', () =>
      [...this.data.partitions.values()]
        .sort((a, b) => (a.topic === b.topic ? a.partition - b.partition : compareBytes(a.topic, b.topic)))
        .map(({ topic, partition, epoch, next, applied, duplicates, dead, parked }) => ({
          topic,
          partition,
          epoch,
          next,
          parked: parked.size,
          tallies: { applied, duplicates, dead },
        })),
    );
  }

  async *documents(): AsyncGenerator<readonly [string, Document]> {
    for (const key of [...this.data.documents.keys()].sort(compareBytes)) {
      yield [key, toDocument(this.data.documents.get(key)!)];
    }
  }

  async clear(): Promise<void> {
    this.data.documents.clear();
    this.data.shapes.clear();
    for (const state of this.data.partitions.values()) {
      Object.assign(state, { next: null, applied: 0, duplicates: 0, dead: 0 });
      state.seen.clear();
      state.parked.clear();
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  async #call<T>(method: 'claim' | 'apply' | 'partitions', answer: () => T): Promise<T> {
    if (this.#closed) throw unavailable();
    const fault = this.fault(method);
    if (fault === 'before') throw unavailable();
    const result = answer();
    if (fault === 'after') {
      await nextTurn();
      throw unavailable();
    }
    return result;
  }
}

/** Documents as a transaction changes them, of which the store knows nothing before `commit`. */
class Transaction implements DocumentAccess {
  readonly #data: MemoryStoreData;
  readonly #documents = new Map<string, Fields>();
  readonly #shapes = new Map<string, string>();

  constructor(data: MemoryStoreData) {
    this.#data = data;
  }

  read(key: string): Fields {
    return new Map(this.#documents.get(key) ?? this.#data.documents.get(key));
  }

  countFields(key: string): number {
    return this.read(key).size;
  }

  write(change: Change): void {
    const { key, shape, keep } = change;
    const stored = this.read(key);
    if (stored.size > 0 && shape !== (this.#shapes.get(key) ?? this.#data.shapes.get(key) ?? '')) {
      throw shapeConflict(key);
    }
    const fields = change.mergedInto(stored);
    this.#documents.set(key, keep === undefined ? fields : new Map(greatest(fields, keep)));
    if (shape !== '') this.#shapes.set(key, shape);
  }

  commit(): void {
    for (const [key, fields] of this.#documents) this.#data.documents.set(key, fields);
    for (const [key, shape] of this.#shapes) this.#data.shapes.set(key, shape);
  }
}

function unavailable(): KitError {
  return new KitError('STORE_UNAVAILABLE', 'scripted outage', { retriable: true });
}
