import type { Settings } from '../config/settings.ts';
import { SOCIAL_TOPICS } from '../domains/social/topics.ts';
import { embeddedGroups } from '../kit/log/embedded/embedded-groups.ts';
import { EmbeddedLog } from '../kit/log/embedded/embedded-log.ts';
import type { EventLog } from '../kit/log/event-log.ts';
import type { BrokerTelemetry } from '../kit/monitoring/broker-telemetry.ts';
import type { ClusterReport, HealthSource } from '../kit/monitoring/cluster-report.ts';
import { EmbeddedHealth } from '../kit/monitoring/embedded-health.ts';
import type { OnGroups } from '../kit/monitoring/group-look.ts';

/** Who tells how the log is, and of its groups: those of the projections, `groups`, and all others. */
export async function healthSource(
  log: EventLog,
  settings: Settings,
  groups: readonly string[],
  { telemetry, onGroups }: { readonly telemetry: BrokerTelemetry | undefined; readonly onGroups?: OnGroups },
): Promise<HealthSource> {
  if (log.kind === 'kafka') {
    const { ClusterHealth } = await import('../kit/monitoring/cluster-health.ts');
    return new ClusterHealth({ bootstrap: settings.kafkaBootstrap, telemetry, onGroups });
  }
  const known = log instanceof EmbeddedLog ? { admin: embeddedGroups(log.coordinator) } : {};
  return new EmbeddedHealth({ log, groups, ...known, onGroups });
}

const SHOWN = 3;

/**
 * Whether every event can be acknowledged: each partition has a leader that answers, and with it as many in-sync replicas that answer as
 * an acknowledgement takes. What metadata says is not enough: without a quorum nobody is left who would change it. Null: they can.
 */
export function notWritableBecause({ brokers, topics, error }: ClusterReport): string | null {
  const answering = new Set(brokers.filter(({ answers }) => answers).map(({ id }) => id));
  if (answering.size === 0) return error ?? 'the log does not answer';
  const ours = topics.filter(({ name }) => (SOCIAL_TOPICS as readonly string[]).includes(name));
  if (ours.length === 0) return error ?? 'the topics cannot be seen';
  const blocked = ours.flatMap(({ name, min_insync_replicas, partitions }) =>
    partitions
      .filter(
        ({ offline, isr }) => offline || isr.filter((id) => answering.has(id)).length < (min_insync_replicas ?? 1),
      )
      .map(({ partition }) => `${name}-${partition}`),
  );
  if (blocked.length === 0) return null;
  const shown = blocked.slice(0, SHOWN).join(', ');
  return `too few brokers answer for ${blocked.length} of the partitions (${shown}${blocked.length > SHOWN ? ', …' : ''})`;
}
