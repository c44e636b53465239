import type { RecordsBatch } from '@platformatic/kafka';
import type { LogRecord, TopicPartition } from './event-log.ts';

/** Attribute bit 3: the broker's clock, written as the batch's largest timestamp, replaces the producers'. */
const LOG_APPEND_TIME = 0b1000;

/** The port's records of a batch that the library has read. */
export function recordsOfBatch({ topic, partition }: TopicPartition, batch: RecordsBatch): LogRecord[] {
  const base = Number(batch.firstOffset);
  const first = Number(batch.firstTimestamp);
  const appendTime = (batch.attributes & LOG_APPEND_TIME) !== 0 ? Number(batch.maxTimestamp) : null;
  return batch.records.map(({ key, value, headers, offsetDelta, timestampDelta }) => ({
    topic,
    partition,
    offset: base + offsetDelta,
    key,
    value,
    headers: headers.map(([name, content]) => [name?.toString() ?? '', content] as const),
    timestamp: appendTime ?? first + Number(timestampDelta),
  }));
}
