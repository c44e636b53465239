import { KitError } from '../kit/errors.ts';
import type { EventLog, LogRecord, TopicPartition } from '../kit/log/event-log.ts';

const WAIT_MS = 1_000;
/** Of reads in a row of a log that ends too early: a new leader may be behind for a moment. */
const MAX_WAITS = 30;

/**
 * A partition from `from` (default: its earliest record) to `end` (default: its end now), a batch at a time. What has no
 * records (compacted away, an aborted transaction, the mark of a transaction's end) is passed over, also at the end.
 *
 * @throws KitError LOG_UNAVAILABLE where the log does not reach as far for half a minute; those of `EventLog.read`
 */
export async function* recordsOf(
  log: Pick<EventLog, 'read' | 'listOffsets'>,
  { topic, partition }: TopicPartition,
  range: { readonly from?: number; readonly end?: number } = {},
): AsyncGenerator<readonly LogRecord[]> {
  const [earliest, latest] = await log.listOffsets([
    { topic, partition, at: 'earliest' },
    { topic, partition, at: 'latest' },
  ]);
  const until = range.end ?? latest!;
  let offset = Math.max(earliest!, range.from ?? 0);
  let waits = 0;
  while (offset < until) {
    const wait = waits === 0 ? {} : { maxWaitMs: WAIT_MS };
    const { records, highWatermark } = await log.read({ topic, partition, offset, ...wait });
    const last = records.at(-1);
    if (last === undefined) {
      // a read passes over what has no records: here there are none up to the end
      if (highWatermark >= until) return;
      if (++waits > MAX_WAITS) throw endsTooEarly({ topic, partition }, highWatermark, until);
      continue;
    }
    waits = 0;
    yield last.offset < until ? records : records.filter((record) => record.offset < until);
    offset = last.offset + 1;
  }
}

function endsTooEarly({ topic, partition }: TopicPartition, end: number, expected: number): KitError {
  return new KitError(
    'LOG_UNAVAILABLE',
    `${topic}/${partition} ends at offset ${end}, and was said to reach ${expected}: its leader may be behind; ask again later`,
    { retriable: true, details: { topic, partition, end, expected } },
  );
}
