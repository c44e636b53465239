import { isKitError } from '../kit/errors.ts';
import type { EventLog } from '../kit/log/event-log.ts';
import type { HealthReport } from './platform.ts';
import { ends } from './reconciliation.ts';

/** What the log says of itself now; a log that does not answer is `down`, not an error. */
export async function healthOf(log: EventLog): Promise<HealthReport> {
  try {
    const { brokers, controllerId, topics } = await log.describe();
    const partitions = topics.flatMap((topic) => topic.partitions);
    const underReplicated = partitions.filter(({ isr, replicas }) => isr.length < replicas.length).length;
    const offline = partitions.some(({ leader }) => leader < 0);
    return {
      mode: log.kind,
      status: offline ? 'down' : underReplicated > 0 ? 'degraded' : 'healthy',
      broker_count: brokers.length,
      brokers,
      controller_id: controllerId,
      under_replicated_partitions: underReplicated,
      topics: await Promise.all(
        topics.map(async (topic) => {
          const latest = offline ? [] : await ends(log, topic.name, topic.partitions.length, 'latest');
          return {
            name: topic.name,
            partitions: topic.partitions.map((one) => ({ ...one, end_offset: latest[one.partition] ?? -1 })),
          };
        }),
      ),
      ...(offline ? { error: 'A partition has no leader.' } : {}),
    };
  } catch (error) {
    if (!isKitError(error)) throw error;
    return {
      mode: log.kind,
      status: 'down',
      broker_count: 0,
      brokers: [],
      controller_id: -1,
      under_replicated_partitions: 0,
      topics: [],
      error: error.message,
    };
  }
}
