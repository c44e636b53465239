/** Looking through a topic's partitions as one list by publish time, within bounds, and where to go on. */
import { type Clock, steadyClock } from '../clock.ts';
import { inTurns } from '../in-turns.ts';
import type { EventLog, LogRecord } from './event-log.ts';
import { type OffsetRange, type Order, PartitionCursor } from './partition-cursor.ts';

export interface BrowseRequest<T> {
  readonly log: Pick<EventLog, 'read'>;
  readonly topic: string;
  readonly ranges: readonly OffsetRange[];
  readonly order: Order;
  /** Items that are wanted. */
  readonly max: number;
  /** See `CursorOptions.keep`. */
  readonly keep: (record: LogRecord) => T | null;
  readonly limits?: Partial<BrowseLimits>;
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
}

export interface BrowseLimits {
  /** Records that are looked at. Default 10,000. */
  readonly maxScanned: number;
  /** Bytes that are read. Default 32 MiB. */
  readonly maxBytes: number;
  /** Default 2,000. */
  readonly maxMs: number;
}

export interface Browsed<T> {
  readonly items: readonly T[];
  /** Records that were looked at. */
  readonly scanned: number;
  /** Bytes of keys and values that were read for it, and somewhat ahead. */
  readonly scannedBytes: number;
  /** `page`: as many as were wanted; `scan`: a limit; `end`: all was looked at. */
  readonly stoppedBy: 'page' | 'scan' | 'end';
  /** What was not looked at, in the order of the request's ranges. */
  readonly rest: readonly OffsetRange[];
}

const LIMITS: BrowseLimits = { maxScanned: 10_000, maxBytes: 32 * 1024 * 1024, maxMs: 2_000 };
const MAX_READ_BYTES = 1024 * 1024;
const MIN_READ_BYTES = 64 * 1024;

/**
 * Partitions are merged by their records' timestamps; within a partition the order is that of the offsets, whatever the
 * timestamps say.
 *
 * @throws KitError those of `EventLog.read`
 */
export async function browse<T>(request: BrowseRequest<T>): Promise<Browsed<T>> {
  const { ranges, order, max, log, topic, keep, signal, clock = steadyClock } = request;
  const limits = { ...LIMITS, ...request.limits };
  const endMs = clock.now() + limits.maxMs;
  let scannedBytes = 0;
  const cursors = ranges.map(
    (range) =>
      new PartitionCursor(range, {
        log,
        topic,
        order,
        keep,
        maxBytes: Math.max(MIN_READ_BYTES, Math.floor(MAX_READ_BYTES / ranges.length)),
        onRead: (bytes) => {
          scannedBytes += bytes;
        },
        ...(signal && { signal }),
      }),
  );
  await inTurns(cursors, (cursor) => cursor.read());

  const items: T[] = [];
  let scanned = 0;
  const isSpent = () => scanned >= limits.maxScanned || scannedBytes >= limits.maxBytes || clock.now() >= endMs;
  let stoppedBy: Browsed<T>['stoppedBy'] | null = null;
  while (stoppedBy === null) {
    const next = nextOf(cursors, order);
    if (next === undefined) stoppedBy = 'end';
    else {
      const { item } = next.take();
      scanned += 1;
      if (item !== null) items.push(item);
      if (items.length >= max) stoppedBy = 'page';
      else if (next.isDry) {
        if (isSpent()) stoppedBy = 'scan';
        else await next.read();
      } else if (scanned >= limits.maxScanned) stoppedBy = 'scan';
    }
  }
  const rest = cursors.map((cursor) => cursor.rest);
  if (rest.every(({ from, to }) => from >= to)) stoppedBy = 'end';
  return { items, scanned, scannedBytes, stoppedBy, rest };
}

/** The latest, or the earliest, of the partitions' next records; of equal times that of the first partition. */
function nextOf<T>(cursors: readonly PartitionCursor<T>[], order: Order): PartitionCursor<T> | undefined {
  let best: PartitionCursor<T> | undefined;
  for (const cursor of cursors) {
    const time = cursor.head?.timestamp;
    if (time === undefined) continue;
    const bestTime = best?.head?.timestamp;
    if (bestTime === undefined || (order === 'newest' ? time > bestTime : time < bestTime)) best = cursor;
  }
  return best;
}
