import { isKitError, KitError } from '../errors.ts';
import type { EventLog, LogRecord, PartitionOffset } from '../log/event-log.ts';

/**
 * @returns null when the log no longer has this record (retention, compaction)
 * @throws KitError LOG_UNAVAILABLE and what `read` throws, when that cannot be known now
 */
export async function readRecord(log: EventLog, at: PartitionOffset): Promise<LogRecord | null> {
  const { topic, partition, offset } = at;
  try {
    const { records, highWatermark } = await log.read({ topic, partition, offset, maxRecords: 1, maxWaitMs: 500 });
    const [record] = records;
    if (record !== undefined) return record.offset === offset ? record : null;
    if (highWatermark > offset) return null;
  } catch (error) {
    if (!isKitError(error, 'OFFSET_OUT_OF_RANGE')) throw error;
    const [earliest] = await log.listOffsets([{ topic, partition, at: 'earliest' }]);
    if (offset < earliest!) return null;
  }
  throw new KitError('LOG_UNAVAILABLE', `${topic}/${partition} ends before offset ${offset}`, { retriable: true });
}
