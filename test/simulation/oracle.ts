/**
 * What must hold, judged from the log and the store as they are, by bookkeeping of its own: after every append and every
 * transaction, and once more when the system has come to rest.
 */
import { readDeadLetter } from '../../src/kit/dlq/dead-letter.ts';
import type { LogRecord, TopicPartition } from '../../src/kit/log/event-log.ts';
import type { ApplyBatch } from '../../src/kit/projections/projection-store.ts';
import type { MemoryStoreData } from '../support/memory-store.ts';
import type { Broker } from './broker.ts';
import { type Catalogue, deltasOf, readIds } from './events.ts';
import { isDeadly, type Plan } from './plan.ts';
import type { Scheduler } from './scheduler.ts';

export interface Violation {
  readonly invariant: string;
  readonly message: string;
}

/** One call of `send`. */
export interface Send {
  readonly id: number;
  readonly eventId: string;
  readonly key: string | null;
  /** Which producer, and which call of it for this key. */
  readonly producer: string;
  outcome: 'open' | 'acknowledged' | 'not stored' | 'unknown';
  partition: number;
  offset: number;
}

interface Progress {
  epoch: number;
  next: number | null;
  readonly effects: Set<number>;
  readonly dead: Set<number>;
  readonly parked: Set<number>;
  /** Highest offset whose effect is stored, by key. */
  readonly lastEffect: Map<string, number>;
}

export const TOPIC = 'events';

export class Oracle {
  violation: Violation | null = null;
  readonly sends: Send[] = [];
  readonly #scheduler: Scheduler;
  readonly #plan: Plan;
  readonly #broker: Broker;
  readonly #data: MemoryStoreData;
  readonly #catalogue: Catalogue;
  readonly #lines: string[] | null;
  readonly #stored = new Map<number, LogRecord>();
  readonly #letters = new Set<string>();
  readonly #progress = new Map<number, Progress>();
  /** FNV-1a of every line. */
  #hash = 0x811c9dc5;

  constructor(deps: {
    scheduler: Scheduler;
    plan: Plan;
    broker: Broker;
    data: MemoryStoreData;
    catalogue: Catalogue;
    lines: string[] | null;
  }) {
    this.#scheduler = deps.scheduler;
    this.#plan = deps.plan;
    this.#broker = deps.broker;
    this.#data = deps.data;
    this.#catalogue = deps.catalogue;
    this.#lines = deps.lines;
    deps.broker.onStored = (records) => this.#recordsStored(records);
  }

  get hash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, '0');
  }

  trace(text: string): void {
    const line = `${this.#scheduler.nowMs.toFixed(3)} ${text}`;
    let hash = this.#hash;
    for (let i = 0; i < line.length; i++) hash = Math.imul(hash ^ line.charCodeAt(i), 0x01000193);
    this.#hash = hash;
    this.#lines?.push(line);
  }

  /** The first one ends the run. */
  violate(invariant: string, message: string): void {
    this.trace(`VIOLATION ${invariant}: ${message}`);
    this.violation ??= { invariant, message };
    this.#scheduler.stop();
  }

  acknowledged(send: Send, { topic, partition, offset }: TopicPartition & { readonly offset: number }): void {
    Object.assign(send, { outcome: 'acknowledged', partition, offset });
    const record = this.#broker.partition({ topic, partition }).records[offset];
    if (record === undefined || readIds(record).sendId !== send.id) {
      this.violate(
        'acknowledged-is-stored',
        `send ${send.id} was acknowledged at ${partition}/${offset}, where it is not`,
      );
    }
  }

  /** The store was emptied: everything is to be applied once more. */
  storeLost(): void {
    for (const [partition, { epoch }] of this.#progress) this.#progress.set(partition, newProgress(epoch));
  }

  claimed({ partition }: TopicPartition, epoch: number): void {
    const progress = this.#of(partition);
    if (epoch <= progress.epoch) this.violate('fence', `partition ${partition} was claimed with epoch ${epoch}, again`);
    progress.epoch = epoch;
    this.trace(`claimed ${partition} epoch ${epoch} next ${progress.next}`);
  }

  /** A transaction that the store took. */
  applied(batch: ApplyBatch, duplicates: readonly number[]): void {
    const { partition, epoch, expect, next, effects, park, unpark } = batch;
    const progress = this.#of(partition);
    this.trace(
      `applied ${partition} epoch ${epoch} ${expect}..${next} effects ${effects.map(({ offset }) => offset)} ` +
        `duplicates ${duplicates} park ${park.map(({ offset }) => offset)} unpark ${unpark} dead ${batch.dead}`,
    );
    const where = `partition ${partition}, ${expect}..${next}`;
    if (epoch !== progress.epoch) {
      this.violate('fence', `${where}: applied with epoch ${epoch} when ${progress.epoch} was the owner's`);
    }
    if (expect !== progress.next || next < (expect ?? 0))
      this.violate('position', `${where}: it was at ${progress.next}`);
    this.#checkOrder(partition, progress, batch);
    const settled = this.#settle(partition, progress, batch);
    if (settled !== batch.dead)
      this.violate('dead-letters', `${where}: ${batch.dead} dead, ${settled} without an effect`);
    progress.next = next;
    this.#checkBalance(partition, progress);
  }

  /** Effects follow the log's order within a key, and none overtakes an earlier event of its key that is parked. */
  #checkOrder(partition: number, progress: Progress, { expect, effects, unpark }: ApplyBatch): void {
    const leaving = new Set(unpark);
    for (const { offset } of effects) {
      if (offset < (expect ?? 0) && !leaving.has(offset)) {
        this.violate('position', `${partition}/${offset} was applied at position ${expect} and had not been parked`);
      }
      if (progress.effects.has(offset)) this.violate('applied-once', `${partition}/${offset} had its effect twice`);
      progress.effects.add(offset);
      const key = this.#keyAt(partition, offset);
      const last = progress.lastEffect.get(key) ?? -1;
      if (offset < last)
        this.violate('order-of-effects', `${partition}/${offset} of key ${key} was applied after ${last}`);
      progress.lastEffect.set(key, offset);
      for (const parked of progress.parked) {
        if (parked >= offset || leaving.has(parked) || this.#keyAt(partition, parked) !== key) continue;
        this.violate('order-of-effects', `${partition}/${offset} of key ${key} was applied while ${parked} was parked`);
      }
    }
  }

  /** Every offset that is passed, or leaves parking, has one fate. @returns how many of them are dead */
  #settle(partition: number, progress: Progress, { expect, next, effects, park, unpark }: ApplyBatch): number {
    const fates = new Set(effects.map(({ offset }) => offset));
    let dead = 0;
    const bury = (offset: number) => {
      dead++;
      progress.dead.add(offset);
      if (!this.#letters.has(`${partition}/${offset}`)) {
        this.violate('dead-letters', `${partition}/${offset} was given up before its dead letter was in the log`);
      }
    };
    for (const offset of unpark) {
      if (!progress.parked.delete(offset))
        this.violate('parking', `${partition}/${offset} left parking, where it was not`);
      if (!fates.has(offset)) bury(offset);
    }
    for (const { offset } of park) {
      if (fates.has(offset)) this.violate('parking', `${partition}/${offset} was parked and applied`);
      if (offset < (expect ?? 0) && !progress.parked.has(offset)) {
        this.violate('parking', `${partition}/${offset} was parked again after it had been settled`);
      }
      progress.parked.add(offset);
    }
    for (let offset = expect ?? 0; offset < next; offset++) {
      if (!fates.has(offset) && !progress.parked.has(offset) && !progress.dead.has(offset)) bury(offset);
    }
    return dead;
  }

  #checkBalance(partition: number, progress: Progress): void {
    const state = this.#data.partitions.get(`${TOPIC}/${partition}`)!;
    const { applied, duplicates, dead, parked, next } = state;
    if (applied + duplicates + dead + parked.size !== next) {
      const sum = `${applied} applied + ${duplicates} duplicates + ${parked.size} parked + ${dead} dead`;
      this.violate('balance', `partition ${partition}: ${sum} is not ${next}`);
    }
    const { maxPerKey, maxPerPartition } = this.#plan.consumer.parking!;
    const perKey = new Map<string, number>();
    for (const { key } of parked.values()) perKey.set(key, (perKey.get(key) ?? 0) + 1);
    if (parked.size > maxPerPartition || Math.max(0, ...perKey.values()) > maxPerKey) {
      this.violate(
        'bounds',
        `partition ${partition}: ${parked.size} parked, ${Math.max(...perKey.values())} of one key`,
      );
    }
    if (parked.size !== progress.parked.size)
      this.violate('parking', `partition ${partition}: parked records were lost`);
  }

  #recordsStored(records: readonly LogRecord[]): void {
    const [first] = records;
    this.trace(`stored ${first!.topic}/${first!.partition} ${first!.offset} +${records.length}`);
    for (const record of records) {
      if (record.topic !== TOPIC) {
        this.#letterStored(record);
        continue;
      }
      const { sendId } = readIds(record);
      const earlier = this.#stored.get(sendId);
      if (earlier !== undefined) {
        const { partition, offset } = record;
        this.violate(
          'stored-once',
          `send ${sendId} is at ${earlier.partition}/${earlier.offset} and ${partition}/${offset}`,
        );
      }
      this.#stored.set(sendId, record);
    }
  }

  #letterStored(record: LogRecord): void {
    const entry = readDeadLetter(record);
    const original = entry && this.#broker.partition(entry).records[entry.offset];
    if (entry === null || original?.value?.equals(record.value!) !== true) {
      this.violate('dead-letters', `${record.topic}/${record.partition}/${record.offset} is no faithful dead letter`);
      return;
    }
    this.#letters.add(`${entry.partition}/${entry.offset}`);
  }

  /** Null when every record has its fate and nothing is parked; else what is still to come. */
  unrest(): string | null {
    const open = this.sends.filter(({ outcome }) => outcome === 'open').length;
    if (open > 0) return `${open} sends have no outcome`;
    for (const { topic, partition, records } of this.#broker.partitions.get(TOPIC)!) {
      const state = this.#data.partitions.get(`${topic}/${partition}`);
      const next = state?.next ?? 0;
      if (next < records.length) return `partition ${partition} stands at ${next} of ${records.length}`;
      if (state !== undefined && state.parked.size > 0) return `partition ${partition} has ${state.parked.size} parked`;
    }
    return null;
  }

  /** The system is at rest: nothing lost, nothing twice, everything in order, counted as an independent fold counts. */
  checkAtRest(): void {
    this.#checkSends();
    const documents = new Map<string, Record<string, number | string>>();
    for (const { partition, records } of this.#broker.partitions.get(TOPIC)!) {
      const counted = new Set<string>();
      const expected = { applied: 0, duplicates: 0, dead: 0 };
      for (const record of records) {
        const { id } = readIds(record);
        const { fate, key } = this.#catalogue.get(id)!;
        if (isDeadly(fate, this.#plan.retry.attempts)) {
          expected.dead++;
          if (!this.#letters.has(`${partition}/${record.offset}`)) {
            this.violate('dead-letters', `${partition}/${record.offset} has no dead letter`);
          }
        } else if (counted.has(id)) {
          expected.duplicates++;
        } else {
          expected.applied++;
          counted.add(id);
          for (const delta of deltasOf({ id, key })) merge(documents, delta.key, delta.add, delta.max);
        }
      }
      const { applied = 0, duplicates = 0, dead = 0 } = this.#data.partitions.get(`${TOPIC}/${partition}`) ?? {};
      if (applied !== expected.applied || duplicates !== expected.duplicates || dead !== expected.dead) {
        const found = JSON.stringify({ applied, duplicates, dead });
        this.violate('counted-once', `partition ${partition}: ${found}, not ${JSON.stringify(expected)}`);
      }
    }
    for (const letter of this.#letters) this.#checkLetter(letter);
    const found = Object.fromEntries(
      [...this.#data.documents].map(([key, fields]) => [key, Object.fromEntries(fields)]),
    );
    if (canonical(found) !== canonical(Object.fromEntries(documents))) {
      this.violate(
        'counted-once',
        `documents are ${canonical(found)}, not ${canonical(Object.fromEntries(documents))}`,
      );
    }
  }

  #checkLetter(letter: string): void {
    const [partition, offset] = letter.split('/').map(Number) as [number, number];
    const { id } = readIds(this.#broker.partition({ topic: TOPIC, partition }).records[offset]!);
    if (isDeadly(this.#catalogue.get(id)!.fate, this.#plan.retry.attempts)) return;
    this.violate('dead-letters', `${letter} was applied, and has a dead letter too`);
  }

  #checkSends(): void {
    const last = new Map<string, Send>();
    for (const send of this.sends) {
      const stored = this.#stored.get(send.id);
      if (send.outcome === 'not stored' && stored !== undefined) {
        this.violate('refused-is-not-stored', `send ${send.id} failed for certain, and lies at ${stored.offset}`);
      }
      if (send.outcome !== 'acknowledged') continue;
      if (stored === undefined || stored.partition !== send.partition || stored.offset !== send.offset) {
        this.violate('acknowledged-is-stored', `send ${send.id} was acknowledged and is gone`);
      }
      if (send.key === null) continue;
      const name = `${send.producer} ${send.key}`;
      const before = last.get(name);
      if (before !== undefined && before.offset > send.offset) {
        this.violate(
          'order-of-records',
          `${name}: send ${before.id} at ${before.offset}, ${send.id} at ${send.offset}`,
        );
      }
      last.set(name, send);
    }
  }

  /** Whether the record at this place has been settled durably. */
  isSettled(partition: number, offset: number): boolean {
    const { next, parked } = this.#of(partition);
    return (next ?? 0) > offset && !parked.has(offset);
  }

  #keyAt(partition: number, offset: number): string {
    return String(this.#broker.partition({ topic: TOPIC, partition }).records[offset]!.key);
  }

  #of(partition: number): Progress {
    let progress = this.#progress.get(partition);
    if (progress === undefined) {
      progress = newProgress(0);
      this.#progress.set(partition, progress);
    }
    return progress;
  }
}

function newProgress(epoch: number): Progress {
  return { epoch, next: null, effects: new Set(), dead: new Set(), parked: new Set(), lastEffect: new Map() };
}

function merge(
  documents: Map<string, Record<string, number | string>>,
  key: string,
  add: Readonly<Record<string, number>> = {},
  max: Readonly<Record<string, string>> = {},
): void {
  const document = documents.get(key) ?? {};
  documents.set(key, document);
  for (const [name, count] of Object.entries(add)) document[name] = Number(document[name] ?? 0) + count;
  for (const [name, text] of Object.entries(max)) if (text > String(document[name] ?? '')) document[name] = text;
}

function canonical(value: Record<string, object>): string {
  const sorted = (object: object) => Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
  return JSON.stringify(
    sorted(Object.fromEntries(Object.entries(value).map(([key, fields]) => [key, sorted(fields)]))),
  );
}
