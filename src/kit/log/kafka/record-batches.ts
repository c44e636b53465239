/** From Kafka's record batches (format v2), which the library reads, to the port's records. */
import { IS_CONTROL, IS_TRANSACTIONAL, type RecordsBatch } from '@platformatic/kafka';
import type { LogRecord, TopicPartition } from '../event-log.ts';
import { recordsOfBatch } from '../library-records.ts';

export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: bigint;
}

export interface DecodedBatches {
  readonly records: LogRecord[];
  /** The offset after the last batch, control batches and aborted ones included; undefined without any. */
  readonly nextOffset: number | undefined;
}

/** Records at or after `fromOffset`, without control batches and without records of aborted transactions. */
export function decodeBatches(
  at: TopicPartition,
  batches: readonly RecordsBatch[],
  fromOffset: number,
  aborted: readonly AbortedTransaction[],
): DecodedBatches {
  const records: LogRecord[] = [];
  const waiting = [...aborted].sort((a, b) => Number(a.firstOffset - b.firstOffset));
  const abortedNow = new Set<bigint>();
  let nextOffset: number | undefined;
  for (const batch of batches) {
    const baseOffset = Number(batch.firstOffset);
    const lastOffset = baseOffset + batch.lastOffsetDelta;
    nextOffset = lastOffset + 1;
    while (waiting.length > 0 && Number(waiting[0]!.firstOffset) <= lastOffset) {
      abortedNow.add(waiting.shift()!.producerId);
    }
    if ((batch.attributes & IS_CONTROL) !== 0) {
      // A transaction's end, of either kind: what this producer writes next belongs to another.
      abortedNow.delete(batch.producerId);
      continue;
    }
    if ((batch.attributes & IS_TRANSACTIONAL) !== 0 && abortedNow.has(batch.producerId)) continue;
    for (const record of recordsOfBatch(at, batch)) if (record.offset >= fromOffset) records.push(record);
  }
  return { records, nextOffset };
}

const RECORD_OVERHEAD_BYTES = 16;

/** The first records up to the limits, at least one. */
export function limitRecords(
  records: readonly LogRecord[],
  maxBytes: number,
  maxRecords: number,
): readonly LogRecord[] {
  let bytes = 0;
  const end = records.findIndex(({ key, value, headers }, index) => {
    bytes += RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0);
    for (const [name, content] of headers) bytes += name.length + (content?.length ?? 0);
    return index > 0 && (index >= maxRecords || bytes > maxBytes);
  });
  return end < 0 ? records : records.slice(0, end);
}
