/**
 * What the processes of a drill saw, one JSON object a line and one file a process: every publish, every transaction of
 * the projection store, every change of ownership. In the manner of Jepsen's histories: an operation without an end may
 * or may not have happened.
 *
 * Times are milliseconds of the machine's monotonic clock (CLOCK_MONOTONIC): comparable between its processes, and not
 * moved by whoever sets the wall clock.
 */
import type { TopicPartition } from '../../kit/log/event-log.ts';

interface Operation {
  /** The process that saw it, e.g. `load` or `consumer-2`. */
  readonly process: string;
  readonly invokedMs: number;
  /** Null where no end was seen: the process was killed, or the drill ended first. */
  readonly completedMs: number | null;
}

/** One call of `publish` or `send`. */
export interface PublishOperation extends Operation {
  readonly kind: 'publish';
  /** Ascending by call within a process: the order in which the caller sent its records. */
  readonly sequence: number;
  /** Null for a record that is no event (poison); it is then recognized by its key and value only. */
  readonly eventId: string | null;
  readonly topic: string;
  readonly key: string;
  /** `failed`: refused for certain (not in the log). `unknown`: an error that may have left it in the log, or no end. */
  readonly outcome: 'acked' | 'failed' | 'unknown';
  /** Where it is, for `acked`. */
  readonly partition: number | null;
  readonly offset: number | null;
  /** Error code, for the others. */
  readonly code: string | null;
}

/** One transaction of a projection store. */
export interface ApplyOperation extends Operation, TopicPartition {
  readonly kind: 'apply';
  readonly group: string;
  readonly epoch: number;
  readonly expect: number | null;
  readonly next: number;
  /** Offsets of the effects, in the order in which they were applied. */
  readonly offsets: readonly number[];
  /** Offsets newly parked, or parked again. */
  readonly parked: readonly number[];
  /** Offsets that left parking, as an effect or as dead. */
  readonly unparked: readonly number[];
  /** How many records were given to the dead letter queue. */
  readonly dead: number;
  /** `unknown`: an error of the store, or no end; it may have been applied. */
  readonly outcome: 'ok' | 'fenced' | 'mismatch' | 'unknown';
}

/** A member of a group got partitions, or gave them back. `lost`: the group had already gone on without it. */
export interface OwnershipOperation extends Operation {
  readonly kind: 'assigned' | 'revoked' | 'lost';
  readonly group: string;
  readonly memberId: string;
  readonly partitions: readonly TopicPartition[];
}

/** Something the drill did or saw, e.g. the fault itself: a mark in the plot. */
export interface Mark {
  readonly kind: 'mark';
  readonly process: string;
  readonly atMs: number;
  readonly label: string;
}

export type HistoryEntry = PublishOperation | ApplyOperation | OwnershipOperation | Mark;

/**
 * The end of an operation whose beginning is a line of its own, with `operation` beside the fields of its entry: so that
 * what a killed process had begun is known. A reader puts the two together.
 */
export interface OperationEnd {
  readonly kind: 'end';
  readonly operation: number;
  readonly completedMs: number;
  readonly outcome: ApplyOperation['outcome'] | PublishOperation['outcome'];
  /** The rest of what a publish is answered with. */
  readonly partition?: number | null;
  readonly offset?: number | null;
  readonly code?: string | null;
}

/** Milliseconds of CLOCK_MONOTONIC. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
