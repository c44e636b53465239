import type { Settings } from '../config/settings.ts';
import { SOCIAL_TOPICS } from '../domains/social/topics.ts';
import { isKitError } from '../kit/errors.ts';
import type { EventLog } from '../kit/log/event-log.ts';
import type { BrokerTelemetry } from '../kit/monitoring/broker-telemetry.ts';
import { ClusterHealth } from '../kit/monitoring/cluster-health.ts';
import type { HealthSource } from '../kit/monitoring/cluster-report.ts';
import { EmbeddedHealth } from '../kit/monitoring/embedded-health.ts';

/** Who tells how the log is. `groups` are those of the projections: a cluster knows of all groups, the embedded log is asked for these. */
export function healthSource(
  log: EventLog,
  settings: Settings,
  groups: readonly string[],
  telemetry: BrokerTelemetry | undefined,
): HealthSource {
  if (log.kind === 'embedded') return new EmbeddedHealth({ log, groups });
  return new ClusterHealth({ bootstrap: settings.kafkaBootstrap, telemetry });
}

const READY_LIMIT_MS = 2_500;

/** Whether events can be published, as the log's metadata has it: one question about our topics, no offsets. Null: they can. */
export async function logNotReadyBecause(log: EventLog): Promise<string | null> {
  const late = Promise.withResolvers<string>();
  const timer = setTimeout(() => late.resolve(`the log did not answer within ${READY_LIMIT_MS} ms`), READY_LIMIT_MS);
  try {
    return await Promise.race([missingLeader(log), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function missingLeader(log: EventLog): Promise<string | null> {
  try {
    const { topics } = await log.describe(SOCIAL_TOPICS);
    const without = topics.flatMap(({ name, partitions }) =>
      partitions.filter(({ leader }) => leader < 0).map(({ partition }) => `${name}-${partition}`),
    );
    return without.length === 0
      ? null
      : `no leader: ${without.slice(0, 3).join(', ')}${without.length > 3 ? ', …' : ''}`;
  } catch (error) {
    if (!isKitError(error)) throw error;
    return error.message;
  }
}
