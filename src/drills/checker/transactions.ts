/** The transactions of the projection stores, a column a field. */
import type { TopicPartition } from '../../kit/log/event-log.ts';
import type { ApplyOperation } from '../history/history.ts';
import { Column } from './columns.ts';
import { Names } from './names.ts';
import { partitionText } from './partition-logs.ts';

/** As a position: before the first batch. */
export const START = -1;

/** Those that may have happened: what was fenced or did not match changed nothing, and is only counted. */
export class Transactions implements TopicPartition {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly epoch = new Column();
  /** `START` for null. */
  readonly expect = new Column();
  readonly next = new Column();
  readonly invokedMs = new Column();
  /** NaN without an end. */
  readonly completedMs = new Column();
  /** 1 for `ok`, 0 for `unknown`. */
  readonly ok = new Column(Int32Array);
  readonly process = new Column(Int32Array);
  readonly effects = new Lists();
  readonly parked = new Lists();
  readonly unparked = new Lists();
  readonly #processes: Names;

  constructor({ group, topic, partition }: TopicPartition & { readonly group: string }, processes = new Names()) {
    this.group = group;
    this.topic = topic;
    this.partition = partition;
    this.#processes = processes;
  }

  get size(): number {
    return this.epoch.length;
  }

  add(operation: ApplyOperation): void {
    this.epoch.push(operation.epoch);
    this.expect.push(operation.expect ?? START);
    this.next.push(operation.next);
    this.invokedMs.push(operation.invokedMs);
    this.completedMs.push(operation.completedMs ?? Number.NaN);
    this.ok.push(operation.outcome === 'ok' ? 1 : 0);
    this.process.push(this.#processes.numberOf(operation.process));
    this.effects.push(operation.offsets);
    this.parked.push(operation.parked);
    this.unparked.push(operation.unparked);
  }

  isOk(index: number): boolean {
    return this.ok.values[index] === 1;
  }

  processOf(index: number): string {
    return this.#processes.nameOf(this.process.values[index]!);
  }

  /** For people. */
  nameOf(index: number): string {
    const expect = this.expect.values[index]!;
    return `the transaction of ${this.processOf(index)} from ${expect === START ? 'the start' : expect} to ${this.next.values[index]} (epoch ${this.epoch.values[index]})`;
  }
}

/** A list of offsets for every transaction. */
class Lists {
  readonly #ends = new Column(Int32Array);
  readonly #values = new Column();

  push(offsets: readonly number[]): void {
    for (const offset of offsets) this.#values.push(offset);
    this.#ends.push(this.#values.length);
  }

  of(index: number): Float64Array | Int32Array {
    const start = index === 0 ? 0 : this.#ends.values[index - 1]!;
    return this.#values.values.subarray(start, this.#ends.values[index]!);
  }
}

/** By group and partition. */
export class Ledger {
  readonly #partitions = new Map<string, Transactions>();
  readonly #groups = new Set<string>();
  readonly #processes = new Names();
  size = 0;

  add(operation: ApplyOperation): void {
    this.size += 1;
    this.#groups.add(operation.group);
    if (operation.outcome !== 'ok' && operation.outcome !== 'unknown') return;
    const name = `${operation.group} ${partitionText(operation)}`;
    let transactions = this.#partitions.get(name);
    if (transactions === undefined) {
      transactions = new Transactions(operation, this.#processes);
      this.#partitions.set(name, transactions);
    }
    transactions.add(operation);
  }

  all(): Iterable<Transactions> {
    return this.#partitions.values();
  }

  of(group: string, place: TopicPartition): Transactions | undefined {
    return this.#partitions.get(`${group} ${partitionText(place)}`);
  }

  /** Whether anybody wrote down what this group did. */
  knows(group: string): boolean {
    return this.#groups.has(group);
  }
}
