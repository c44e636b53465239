/** When records came to the log, for an axis of time: counted by offsets, without reading what lies between. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { KitError } from '../kit/errors.ts';
import type { EventLog, OffsetQuery, TopicPartition } from '../kit/log/event-log.ts';
import { isCalendarMs } from '../kit/schemas/formats.ts';

export interface LogRange {
  /** Time of the first record and of the last, ms since the epoch; null in an empty log. */
  readonly first: number | null;
  readonly last: number | null;
  readonly records: number;
  /** What the buckets cover, from the beginning of the first to the end of the last. */
  readonly from: number;
  readonly to: number;
  readonly bucketMs: number;
  /** Records by bucket. */
  readonly counts: readonly number[];
  /** Partitions that were counted, of so many: of a log of very many a sample is, and `counts` and `records` are theirs. */
  readonly partitions: { readonly counted: number; readonly all: number };
}

export interface RangeRequest {
  readonly topics: readonly string[];
  /** Ms since the epoch. Default: all that the log holds. */
  readonly from?: number;
  readonly to?: number;
  /** At most so many. */
  readonly buckets: number;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Buckets begin at multiples of these, so that the same moment is in the same bucket whatever the view. */
const WIDTHS = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((count) => count * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((count) => count * MINUTE),
  ...[1, 2, 3, 6, 12].map((count) => count * HOUR),
  ...[1, 2, 7, 14, 28, 91, 182, 364, 1_820].map((count) => count * DAY),
];

/** Offsets that are looked up for one answer, and at a time: the embedded log unpacks a batch for each. */
const MAX_LOOKUPS = 6_000;
const LOOKUPS_AT_ONCE = 64;
const MIN_BUCKETS = 24;
/** What came before a time that is so long ago does not change any more, but for records that come very late. */
const SETTLED_MS = 2 * MINUTE;
const MAX_REMEMBERED = 4_096;

export class LogRanges {
  readonly #log: EventLog;
  /** How many offsets were below a time, of so many partitions; the one asked for last is the last. */
  readonly #below = new Map<string, number>();

  constructor(log: EventLog) {
    this.#log = log;
  }

  /**
   * @throws KitError INVALID_ARGUMENT where `from` is not before `to`; those of `EventLog.describe`, `listOffsets` and `read`; the
   *   signal's reason
   */
  async range(request: RangeRequest, signal: AbortSignal): Promise<LogRange> {
    const log = this.#log;
    const described = (await log.describe(request.topics)).topics;
    const all = described.flatMap(({ name, partitions }) =>
      partitions.map(({ partition }): TopicPartition => ({ topic: name, partition })),
    );
    const places = sampleOf(all, Math.floor(MAX_LOOKUPS / MIN_BUCKETS));
    const at = (time: OffsetQuery['at']) => places.map((place) => ({ ...place, at: time }));
    const [starts, ends] = await Promise.all([log.listOffsets(at('earliest')), log.listOffsets(at('latest'))]);
    const filled = places
      .map((place, index) => ({ ...place, start: starts[index]!, end: ends[index]! }))
      .filter(({ start, end }) => end > start);
    const times = await Promise.all(
      filled.flatMap(({ start, end, ...place }) => [
        timeAt(log, place, start, signal),
        timeAt(log, place, end - 1, signal),
      ]),
    );
    const known = times.filter((time) => time !== null);
    const first = known.length === 0 ? null : Math.min(...known);
    const last = known.length === 0 ? null : Math.max(...known);
    const { from = first ?? 0, to = Math.max(from, last ?? 0) + 1 } = request;
    if (from >= to) throw new KitError('INVALID_ARGUMENT', 'from: must be before to');

    const most = Math.max(1, Math.min(request.buckets, Math.floor(MAX_LOOKUPS / Math.max(1, filled.length)) - 1));
    const bucketMs = WIDTHS.find((width) => (to - from) / width <= most - 1) ?? WIDTHS.at(-1)!;
    const edges = [Math.floor(from / bucketMs) * bucketMs];
    while (edges.at(-1)! < to && edges.length <= most) edges.push(edges.at(-1)! + bucketMs);
    const sums = await this.#sums(filled, edges, signal);
    return {
      first,
      last,
      records: filled.reduce((sum, { start, end }) => sum + end - start, 0),
      from: edges[0]!,
      to: edges.at(-1)!,
      bucketMs,
      counts: edges.slice(1).map((_, index) => Math.max(0, sums[index + 1]! - sums[index]!)),
      partitions: { counted: places.length, all: all.length },
    };
  }

  /** For each of these times, how many offsets are below it, all partitions together. */
  async #sums(
    places: readonly (TopicPartition & { readonly start: number })[],
    times: readonly number[],
    signal: AbortSignal,
  ): Promise<number[]> {
    if (places.length === 0) return times.map(() => 0);
    // with where they begin: below a time are fewer records once retention has been there
    const scope = places.map(({ topic, partition, start }) => `${topic}/${partition}/${start}`).join();
    const settled = Date.now() - SETTLED_MS;
    const sums = new Map<number, number>();
    for (const time of times) {
      const known = this.#below.get(`${scope} ${time}`);
      if (known !== undefined) sums.set(time, known);
    }
    const unknown = times.filter((time) => !sums.has(time));
    const atOnce = Math.max(1, Math.floor(LOOKUPS_AT_ONCE / places.length));
    for (let index = 0; index < unknown.length; index += atOnce) {
      await nextTurn();
      signal.throwIfAborted();
      const some = unknown.slice(index, index + atOnce);
      const offsets = await this.#log.listOffsets(
        some.flatMap((time) => places.map(({ topic, partition }) => ({ topic, partition, at: Math.max(0, time) }))),
      );
      for (const [nth, time] of some.entries()) {
        const ofTime = offsets.slice(nth * places.length, (nth + 1) * places.length);
        const sum = ofTime.reduce((total, offset) => total + offset, 0);
        sums.set(time, sum);
        if (time < settled) this.#remember(`${scope} ${time}`, sum);
      }
    }
    return times.map((time) => sums.get(time)!);
  }

  #remember(what: string, sum: number): void {
    this.#below.set(what, sum);
    for (const oldest of this.#below.keys()) {
      if (this.#below.size <= MAX_REMEMBERED) return;
      this.#below.delete(oldest);
    }
  }
}

/** Null where the record has gone meanwhile, or its time is none that a calendar has. */
async function timeAt(
  log: EventLog,
  place: TopicPartition,
  offset: number,
  signal: AbortSignal,
): Promise<number | null> {
  try {
    const { topic, partition } = place;
    const { records } = await log.read({ topic, partition, offset, maxRecords: 1, maxBytes: 1, signal });
    const timestamp = records[0]?.timestamp;
    return timestamp !== undefined && isCalendarMs(timestamp) ? timestamp : null;
  } catch (error) {
    if (error instanceof KitError && error.code === 'OFFSET_OUT_OF_RANGE') return null;
    throw error;
  }
}

/** Evenly spread. */
function sampleOf(places: readonly TopicPartition[], max: number): readonly TopicPartition[] {
  if (places.length <= max) return places;
  const step = places.length / max;
  return Array.from({ length: max }, (_, index) => places[Math.floor(index * step)]!);
}
