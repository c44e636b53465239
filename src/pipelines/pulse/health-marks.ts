/** What happened between two looks at a log. Pure. */
import type { ClusterReport, PartitionHealth } from '../../kit/monitoring/cluster-report.ts';
import type { NewMark } from './pulse-report.ts';

const SHOWN = 3;
const LINK = '/cluster';

export function healthMarks(before: ClusterReport, now: ClusterReport): NewMark[] {
  const at = now.observed_at;
  return [
    ...brokerTexts(before, now).map((text) => ({ at, kind: 'broker' as const, text, link: LINK })),
    ...controllerTexts(before, now).map((text) => ({ at, kind: 'controller' as const, text, link: LINK })),
    ...leaderTexts(before, now).map((text) => ({ at, kind: 'leader' as const, text, link: LINK })),
    ...isrTexts(before, now).map((text) => ({ at, kind: 'isr' as const, text, link: LINK })),
  ];
}

function brokerTexts(before: ClusterReport, now: ClusterReport): string[] {
  const known = new Map(before.brokers.map(({ id, state }) => [id, state]));
  return now.brokers.flatMap(({ id, state, reason }) => {
    const was = known.get(id);
    // the first look of all is no event
    if (was === undefined) return before.brokers.length === 0 ? [] : [`Broker ${id} is new: ${state}`];
    return was === state ? [] : [`Broker ${id} is ${state}, was ${was}: ${reason}`];
  });
}

/** The embedded log has no controller; a report without answers knows of none. */
function controllerTexts(before: ClusterReport, now: ClusterReport): string[] {
  if (before.mode === 'embedded' || before.controller_id === now.controller_id) return [];
  if (now.controller_id < 0) return ['The cluster has no controller'];
  return [
    before.controller_id < 0
      ? `Broker ${now.controller_id} is the controller`
      : `Broker ${now.controller_id} is the controller, was ${before.controller_id}`,
  ];
}

function leaderTexts(before: ClusterReport, now: ClusterReport): string[] {
  const moved = changes(before, now, ({ leader }) => leader);
  if (moved.length === 0) return [];
  if (moved.length <= SHOWN)
    return moved.map(({ name, was, is }) =>
      is < 0 ? `${name} has no leader, was ${was}` : `${name} is led by ${is}, was ${was < 0 ? 'without' : was}`,
    );
  const ways = Map.groupBy(moved, ({ was, is }) => `${was < 0 ? 'none' : was} to ${is < 0 ? 'none' : is}`);
  return [`${moved.length} leaders moved: ${[...ways].map(([way, list]) => `${list.length} from ${way}`).join(', ')}`];
}

function isrTexts(before: ClusterReport, now: ClusterReport): string[] {
  const [was, is] = [before.under_replicated_partitions, now.under_replicated_partitions];
  if (was === is) return [];
  return [
    is === 0
      ? `All replicas are in sync again (${was} partitions were under-replicated)`
      : `${is} partitions are under-replicated, were ${was}`,
  ];
}

function changes(before: ClusterReport, now: ClusterReport, pick: (partition: PartitionHealth) => number) {
  const known = new Map<string, number>(
    before.topics.flatMap(({ name, partitions }) =>
      partitions.map((partition) => [`${name}/${partition.partition}`, pick(partition)] as const),
    ),
  );
  return now.topics.flatMap(({ name: topic, partitions }) =>
    partitions.flatMap((partition) => {
      const name = `${topic}/${partition.partition}`;
      const was = known.get(name);
      const is = pick(partition);
      return was === undefined || was === is ? [] : [{ name, was, is }];
    }),
  );
}
