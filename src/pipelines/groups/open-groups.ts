import type { Settings } from '../../config/settings.ts';
import { embeddedGroups } from '../../kit/log/embedded/embedded-groups.ts';
import { EmbeddedLog } from '../../kit/log/embedded/embedded-log.ts';
import type { EventLog } from '../../kit/log/event-log.ts';
import type { LogAdmin } from '../../kit/log/log-admin.ts';
import type { HealthSource } from '../../kit/monitoring/cluster-report.ts';
import type { Projection } from '../projection.ts';
import type { ProjectionStatus } from '../projection-status.ts';
import type { GroupWatch } from './group-watch.ts';
import { Groups } from './groups.ts';

export function openGroups({
  log,
  admin,
  watch,
  health,
  projections,
  projectionStatus,
  settings,
}: {
  readonly log: EventLog;
  readonly admin: () => Promise<LogAdmin> | null;
  readonly watch: GroupWatch;
  readonly health: Pick<HealthSource, 'report' | 'lookAgain'>;
  readonly projections: readonly Projection[];
  readonly projectionStatus: (projection: Projection) => Promise<ProjectionStatus>;
  readonly settings: Pick<Settings, 'kafkaGroupId'>;
}): Groups {
  // in this process it needs no broker in between, which may be switched off
  const embedded = log instanceof EmbeddedLog ? embeddedGroups(log.coordinator) : null;
  return new Groups({
    log,
    admin: () => embedded ?? admin(),
    watch,
    look: () => health.report(),
    lookAgain: () => health.lookAgain(),
    groupId: settings.kafkaGroupId,
    projectionStatus: (name) => projectionStatus(projections.find((one) => one.name === name)!),
  });
}
