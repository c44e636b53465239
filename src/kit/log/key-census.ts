/** How often each key occurs in a topic's newest records: counted exactly, because they are bounded in number and bytes. */
import { inTurns } from '../in-turns.ts';
import type { EventLog, LogRecord, TopicPartition } from './event-log.ts';
import type { OffsetRange } from './partition-cursor.ts';

export interface KeyCensus {
  /** Records that were read. */
  readonly records: number;
  /** Of them, those without a key. */
  readonly keyless: number;
  /** Records by key; keys are text, bytes that are not UTF-8 in it as replacement characters. */
  readonly keys: ReadonlyMap<string, number>;
  readonly partitions: readonly {
    readonly partition: number;
    readonly records: number;
    readonly distinctKeys: number;
  }[];
  /** Publish times of the first and the last of them, ms since the epoch; null without records. */
  readonly firstAt: number | null;
  readonly lastAt: number | null;
  /** Whether records were left out because of their bytes. */
  readonly cut: boolean;
}

export interface CensusOptions {
  /** Records that are read, the newest ones. */
  readonly maxRecords: number;
  /** Bytes of keys and values. Default 32 MiB. */
  readonly maxBytes?: number;
  readonly now: number;
  readonly signal?: AbortSignal;
}

type Log = Pick<EventLog, 'read' | 'listOffsets'>;

const MAX_BYTES = 32 * 1024 * 1024;
/** Small and few at a time: a log in this process decodes them between other work. */
const READ_BYTES = 128 * 1024;
const READ_RECORDS = 1_000;
const READS_AT_ONCE = 3;
/** Longer keys count by so many characters of them. */
const MAX_KEY_CHARS = 1_024;

/** @throws KitError UNKNOWN_TOPIC, LOG_UNAVAILABLE, CORRUPT_BATCH */
export async function keyCensus(
  log: Log,
  partitions: readonly TopicPartition[],
  { maxRecords, maxBytes = MAX_BYTES, now, signal }: CensusOptions,
): Promise<KeyCensus> {
  const ranges = await newestRanges(log, partitions, maxRecords, now);
  const keys = new Map<string, number>();
  const total = { records: 0, keyless: 0, bytes: 0, firstAt: Number.POSITIVE_INFINITY, lastAt: 0, cut: false };
  const byPartition = await inTurns(
    ranges,
    async ({ partition, from, to }) => {
      const own = new Set<string>();
      let records = 0;
      for (let at = from; at < to; ) {
        signal?.throwIfAborted();
        if (total.bytes >= maxBytes) {
          total.cut = true;
          break;
        }
        const { topic } = partitions[0]!;
        const request = {
          topic,
          partition,
          offset: at,
          maxBytes: READ_BYTES,
          maxRecords: Math.min(READ_RECORDS, to - at),
        };
        const batch = await log.read({ ...request, ...(signal && { signal }) });
        const found = batch.records.filter(({ offset }) => offset < to);
        for (const record of found) {
          const key = keyText(record);
          if (key === null) total.keyless += 1;
          else {
            keys.set(key, (keys.get(key) ?? 0) + 1);
            own.add(key);
          }
          total.bytes += (record.key?.length ?? 0) + (record.value?.length ?? 0);
          total.firstAt = Math.min(total.firstAt, record.timestamp);
          total.lastAt = Math.max(total.lastAt, record.timestamp);
        }
        records += found.length;
        const last = found.at(-1);
        if (last === undefined) break;
        at = last.offset + 1;
      }
      total.records += records;
      return { partition, records, distinctKeys: own.size };
    },
    READS_AT_ONCE,
  );
  const isEmpty = total.records === 0;
  return {
    records: total.records,
    keyless: total.keyless,
    keys,
    partitions: byPartition,
    firstAt: isEmpty ? null : total.firstAt,
    lastAt: isEmpty ? null : total.lastAt,
    cut: total.cut,
  };
}

/**
 * The newest `maxRecords` of all partitions: a stretch of time that holds at least as many, found by doubling it, of which
 * every partition gives its part. Partitions with more news so count for more, as they do in the topic.
 */
export async function newestRanges(
  log: Pick<EventLog, 'listOffsets'>,
  partitions: readonly TopicPartition[],
  maxRecords: number,
  now: number,
): Promise<OffsetRange[]> {
  const offsets = (at: 'earliest' | 'latest' | number) => log.listOffsets(partitions.map((one) => ({ ...one, at })));
  const [starts, ends] = await Promise.all([offsets('earliest'), offsets('latest')]);
  const held = ends.reduce((sum, end, index) => sum + end - starts[index]!, 0);
  let from = starts;
  if (held > maxRecords) {
    for (let windowMs = 1_000; windowMs < now; windowMs *= 2) {
      const found = await offsets(now - windowMs);
      if (ends.reduce((sum, end, index) => sum + Math.max(0, end - found[index]!), 0) < maxRecords) continue;
      from = found;
      break;
    }
  }
  const inWindow = ends.map((end, index) => Math.max(0, end - Math.max(starts[index]!, from[index]!)));
  const total = inWindow.reduce((sum, count) => sum + count, 0);
  const share = total > maxRecords ? maxRecords / total : 1;
  return partitions.map(({ partition }, index) => ({
    partition,
    from: ends[index]! - Math.floor(inWindow[index]! * share),
    to: ends[index]!,
  }));
}

function keyText({ key }: LogRecord): string | null {
  if (key === null) return null;
  return key.toString('utf8', 0, MAX_KEY_CHARS);
}
