import { KitError } from '../kit/errors.ts';
import type { EventLog } from '../kit/log/event-log.ts';

/**
 * The topic's partitions, or the one that was named.
 *
 * @throws KitError UNKNOWN_TOPIC, UNKNOWN_PARTITION, LOG_UNAVAILABLE within seconds where no broker answers
 */
export async function assertPartition(
  log: Pick<EventLog, 'describe'>,
  topic: string,
  wanted: number | undefined,
): Promise<number[]> {
  const { topics } = await log.describe([topic]);
  const partitions = topics[0]!.partitions.map(({ partition }) => partition);
  if (wanted === undefined) return partitions;
  if (partitions.includes(wanted)) return [wanted];
  const bounds = partitions.length === 1 ? 'one partition, 0' : `partitions 0 to ${partitions.length - 1}`;
  throw new KitError('UNKNOWN_PARTITION', `${topic} has ${bounds}; there is no ${wanted}`, {
    details: { topic, partition: wanted },
  });
}
