import type { ConsumerMetrics } from '../kit/consumers/consumer-metrics.ts';
import { isKitError } from '../kit/errors.ts';
import type { EventLog } from '../kit/log/event-log.ts';

/** A consumer knows the log's ends as of its last fetch; records that came since are lag too. Without the log, what it knows counts. */
export async function withLogEnds(metrics: ConsumerMetrics, log: EventLog): Promise<ConsumerMetrics> {
  const ends = await latest(metrics, log);
  const partitions = metrics.partitions.map((progress, i) => {
    const end = Math.max(progress.end_offset, ends[i] ?? 0);
    return { ...progress, end_offset: end, lag: end - progress.position };
  });
  return { ...metrics, partitions, lag: partitions.reduce((sum, { lag }) => sum + lag, 0) };
}

async function latest({ partitions }: ConsumerMetrics, log: EventLog): Promise<readonly number[]> {
  try {
    return await log.listOffsets(partitions.map((at) => ({ ...at, at: 'latest' as const })));
  } catch (error) {
    if (!isKitError(error, 'LOG_UNAVAILABLE')) throw error;
    return [];
  }
}
