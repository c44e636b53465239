/**
 * The parked events of one partition. An event that failed waits for its next attempt, and the later events of its
 * key wait behind it, in offset order; other keys go on. No I/O and no clock: the same calls give the same state.
 */
import type { ParkedRecord } from '../projections/projection-store.ts';

export interface ParkingLimits {
  readonly maxPerKey: number;
  readonly maxPerPartition: number;
}

export const DEFAULT_PARKING_LIMITS: ParkingLimits = { maxPerKey: 1_000, maxPerPartition: 10_000 };

export class Parking {
  readonly #limits: ParkingLimits;
  readonly #queues = new Map<string, ParkedRecord[]>();
  /** Heads of all queues, ascending by (dueAt, offset). */
  readonly #heads: ParkedRecord[] = [];
  #size = 0;

  constructor(limits: ParkingLimits = DEFAULT_PARKING_LIMITS, records: readonly ParkedRecord[] = []) {
    this.#limits = limits;
    for (const record of records.toSorted((a, b) => a.offset - b.offset)) this.park(record);
  }

  get size(): number {
    return this.#size;
  }

  holds(key: string): boolean {
    return this.#queues.has(key);
  }

  /** The offset that the others of this key wait for; -1 where nothing of it is parked. */
  headOf(key: string): number {
    return this.#queues.get(key)?.[0]?.offset ?? -1;
  }

  /** False: the partition has to pause before a further event of this key. */
  admits(key: string): boolean {
    return this.#size < this.#limits.maxPerPartition && this.#waiting(key) < this.#limits.maxPerKey;
  }

  /** After a pause: enough room again to be worth going on, so that a full partition does not flutter. */
  hasRoom(key: string): boolean {
    return this.#size <= this.#limits.maxPerPartition / 2 && this.#waiting(key) <= this.#limits.maxPerKey / 2;
  }

  /** Adds behind the others of its key; offsets of one key must ascend. */
  park(record: ParkedRecord): void {
    const queue = this.#queues.get(record.key);
    if (queue === undefined) {
      this.#queues.set(record.key, [record]);
      this.#insertHead(record);
    } else {
      queue.push(record);
    }
    this.#size++;
  }

  /** The head that has been due longest, or undefined. */
  due(now: number): ParkedRecord | undefined {
    const head = this.#heads[0];
    return head !== undefined && head.dueAt <= now ? head : undefined;
  }

  nextDueAt(): number | undefined {
    return this.#heads[0]?.dueAt;
  }

  /** Puts the head of its key off to the record's new `dueAt`. */
  postpone(record: ParkedRecord): void {
    const queue = this.#queueOf(record);
    this.#removeHead(queue[0]!);
    queue[0] = record;
    this.#insertHead(record);
  }

  /** The head leaves; the next of its key takes its place. */
  release(head: ParkedRecord): void {
    const queue = this.#queueOf(head);
    this.#removeHead(head);
    queue.shift();
    this.#size--;
    const follower = queue[0];
    if (follower === undefined) this.#queues.delete(head.key);
    else this.#insertHead(follower);
  }

  #waiting(key: string): number {
    return this.#queues.get(key)?.length ?? 0;
  }

  #queueOf(head: ParkedRecord): ParkedRecord[] {
    const queue = this.#queues.get(head.key);
    if (queue?.[0]?.offset !== head.offset) throw new Error(`offset ${head.offset} is not the head of its key`);
    return queue;
  }

  #insertHead(record: ParkedRecord): void {
    this.#heads.splice(this.#rank(record), 0, record);
  }

  #removeHead(record: ParkedRecord): void {
    this.#heads.splice(this.#rank(record), 1);
  }

  /** How many heads come before this one. */
  #rank(record: ParkedRecord): number {
    let low = 0;
    let high = this.#heads.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const head = this.#heads[middle]!;
      const before = head.dueAt - record.dueAt || head.offset - record.offset;
      if (before < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The clock that set `dueAt` may have been ahead of this one: no record waits longer now than since its first failure. */
export function dueInTime(record: ParkedRecord, now: number): ParkedRecord {
  const latest = now + record.dueAt - record.firstFailedAt;
  return record.dueAt <= latest ? record : { ...record, dueAt: latest };
}
