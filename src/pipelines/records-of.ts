import type { EventLog, LogRecord, TopicPartition } from '../kit/log/event-log.ts';

/** A partition from `from` (default: its earliest record) to `end` (default: its end now), a batch at a time. */
export async function* recordsOf(
  log: EventLog,
  { topic, partition }: TopicPartition,
  range: { readonly from?: number; readonly end?: number } = {},
): AsyncGenerator<readonly LogRecord[]> {
  const [earliest, latest] = await log.listOffsets([
    { topic, partition, at: 'earliest' },
    { topic, partition, at: 'latest' },
  ]);
  const until = range.end ?? latest!;
  let offset = Math.max(earliest!, range.from ?? 0);
  while (offset < until) {
    const { records } = await log.read({ topic, partition, offset, maxWaitMs: 1000 });
    const last = records.at(-1);
    if (last === undefined) continue;
    yield last.offset < until ? records : records.filter((record) => record.offset < until);
    offset = last.offset + 1;
  }
}
