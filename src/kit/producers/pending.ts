import type { NewRecord } from '../log/event-log.ts';

/** Where a record came to lie. */
export interface Sent {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** The records of which `flush` waits for the last. */
export interface FlushGroup {
  outstanding: number;
  /** Set once `flush` was called: no record joins any more. */
  whenEmpty: (() => void) | null;
}

/** A record between `send` and its outcome. In a list while it waits, in none while the log has it. */
export class Pending {
  readonly topic: string;
  readonly wantedPartition: number | undefined;
  readonly record: NewRecord;
  /** Of key, value, header names and header values. */
  readonly bytes: number;
  readonly startedAtMs: number;
  readonly group: FlushGroup;
  readonly resolve: (sent: Sent) => void;
  readonly reject: (error: unknown) => void;
  cancelAckTimer: (() => void) | null = null;
  list: PendingList | null = null;
  previous: Pending | null = null;
  next: Pending | null = null;

  constructor(
    fields: Pick<
      Pending,
      'topic' | 'wantedPartition' | 'record' | 'bytes' | 'startedAtMs' | 'group' | 'resolve' | 'reject'
    >,
  ) {
    this.topic = fields.topic;
    this.wantedPartition = fields.wantedPartition;
    this.record = fields.record;
    this.bytes = fields.bytes;
    this.startedAtMs = fields.startedAtMs;
    this.group = fields.group;
    this.resolve = fields.resolve;
    this.reject = fields.reject;
  }
}

/** First in, first out, and out of the middle in constant time: a caller that gives up takes its record along. */
export class PendingList {
  head: Pending | null = null;
  size = 0;
  bytes = 0;
  #tail: Pending | null = null;

  push(entry: Pending): void {
    this.#insert(entry, this.#tail, null);
  }

  unshift(entry: Pending): void {
    this.#insert(entry, null, this.head);
  }

  shift(): Pending | null {
    const entry = this.head;
    if (entry !== null) this.remove(entry);
    return entry;
  }

  remove(entry: Pending): void {
    if (entry.previous === null) this.head = entry.next;
    else entry.previous.next = entry.next;
    if (entry.next === null) this.#tail = entry.previous;
    else entry.next.previous = entry.previous;
    entry.previous = null;
    entry.next = null;
    entry.list = null;
    this.size -= 1;
    this.bytes -= entry.bytes;
  }

  takeAll(): Pending[] {
    const entries: Pending[] = [];
    for (let entry = this.shift(); entry !== null; entry = this.shift()) entries.push(entry);
    return entries;
  }

  #insert(entry: Pending, previous: Pending | null, next: Pending | null): void {
    entry.previous = previous;
    entry.next = next;
    entry.list = this;
    if (previous === null) this.head = entry;
    else previous.next = entry;
    if (next === null) this.#tail = entry;
    else next.previous = entry;
    this.size += 1;
    this.bytes += entry.bytes;
  }
}
