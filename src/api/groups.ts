/** Consumer groups, ours and others': where they stand, and how they came there. */
import Type from 'typebox';
import { byPlace } from '../kit/log/partition-choice.ts';
import { sumOrNull } from '../kit/monitoring/rates.ts';
import type { Rebalance } from '../kit/monitoring/rebalances.ts';
import type { GroupView } from '../pipelines/groups/group-view.ts';
import type { GroupWatch } from '../pipelines/groups/group-watch.ts';
import type { Platform } from '../pipelines/platform.ts';
import { Group, GroupHistory, GroupList, GroupParams, type GroupSummary, type RebalanceSeen } from './group-schemas.ts';
import { json, problems } from './schemas.ts';
import type { Api } from './typed.ts';

const TAGS = { tags: ['groups'] };
const HISTORY_SECONDS = 600;
const RECENT_STEP_MS = 10_000;

export function groupRoutes(app: Api, { groups, log, broker }: Platform): void {
  const observedAt = () => timeOf(groups.watch.observedAtMs);

  app.get(
    '/api/v1/groups',
    {
      schema: {
        ...TAGS,
        summary: "Every consumer group with its lag, the platform's own and others'",
        description:
          "At most about a second old. Groups of other kinds (Connect's workers, share and streams groups) have no such offsets and are " +
          'not listed. At most 200.',
        response: { 200: json('Groups.', GroupList), ...problems('LOG_UNAVAILABLE') },
      },
    },
    async () => {
      const list = await groups.list();
      return {
        observed_at: observedAt(),
        groups: list.map((view) => summaryOf(view, groups.watch)),
        incomplete: groups.watch.incomplete,
        bootstrap: log.kind === 'kafka' ? await bootstrapOf() : broker,
      };
    },
  );

  async function bootstrapOf(): Promise<string | null> {
    const { brokers } = await log.describe([]);
    return brokers.length === 0 ? null : brokers.map(({ host, port }) => `${host}:${port}`).join(',');
  }

  app.get(
    '/api/v1/groups/:group',
    {
      schema: {
        ...TAGS,
        summary: 'One group: its members, what each reads, and how far each partition is',
        params: GroupParams,
        response: {
          200: json('The group.', Group),
          ...problems('INVALID_ARGUMENT', 'UNKNOWN_GROUP', 'LOG_UNAVAILABLE'),
        },
      },
    },
    async ({ params: { group } }) => {
      const { view, projection } = await groups.detail(group);
      const { members, assignor, generation, coordinator, partitions } = view;
      const { recent_lag: _, rebalances: __, ...summary } = summaryOf(view, groups.watch);
      const lagOf = new Map(Map.groupBy(partitions, ({ member_id }) => member_id));
      return {
        ...summary,
        observed_at: observedAt(),
        assignor,
        generation,
        coordinator,
        members: members.map(({ memberId, instanceId, clientId, host, assignment }) => ({
          member_id: memberId,
          instance_id: instanceId,
          client_id: clientId,
          host,
          assignment: [...Map.groupBy([...assignment].sort(byPlace), ({ topic }) => topic)].map(([topic, of]) => ({
            topic,
            partitions: of.map(({ partition }) => partition),
          })),
          lag: sumOrNull((lagOf.get(memberId) ?? []).map(({ lag }) => lag).filter((lag) => lag !== null)),
        })),
        partitions,
        projection: projection === null ? null : countsOf(projection),
      };
    },
  );

  app.get(
    '/api/v1/groups/:group/history',
    {
      schema: {
        ...TAGS,
        summary: "A group's lag over the last ten minutes, and its rebalances",
        description: 'Kept about once a second while somebody watches the platform, in the memory of this process.',
        params: GroupParams,
        querystring: Type.Object(
          { seconds: Type.Optional(Type.Integer({ minimum: 1, maximum: HISTORY_SECONDS })) },
          { additionalProperties: false },
        ),
        response: {
          200: json('What is remembered.', GroupHistory),
          ...problems('INVALID_ARGUMENT', 'LOG_UNAVAILABLE'),
        },
      },
    },
    async ({ params: { group }, query: { seconds = HISTORY_SECONDS } }) => {
      await groups.list();
      const { watch } = groups;
      const sinceMs = (watch.observedAtMs ?? 0) - seconds * 1_000;
      const { times, lag, lagSeconds, perSecond, topics } = watch.history(group, sinceMs);
      const [fromMs = null] = times;
      return {
        group,
        from: timeOf(fromMs),
        seconds: times.map((time) => (time - fromMs!) / 1_000),
        lag,
        lag_seconds: lagSeconds,
        per_second: perSecond,
        topics: [...topics].map(([topic, values]) => ({ topic, lag: values })),
        rebalances: watch
          .rebalances(group)
          .filter(({ atMs }) => atMs >= sinceMs)
          .map(rebalanceSeen),
      };
    },
  );
}

function summaryOf(view: GroupView, watch: GroupWatch): GroupSummary {
  const { group, owner, state, type, members, partitions, lag, lag_unknown, lag_seconds } = view;
  const untilMs = watch.observedAtMs ?? 0;
  const sinceMs = untilMs - HISTORY_SECONDS * 1_000;
  return {
    group,
    owner,
    state,
    type,
    members: members.length,
    topics: [...new Set(partitions.map(({ topic }) => topic))],
    partitions: partitions.length,
    lag,
    lag_unknown,
    lag_seconds,
    per_second: watch.perSecond(group),
    recent_lag: watch.recentLag(group, RECENT_STEP_MS, HISTORY_SECONDS * 1_000),
    rebalances: watch.rebalances(group).filter(({ atMs }) => atMs >= sinceMs).length,
  };
}

function countsOf({ name, applied, duplicates, parked, dead }: NonNullable<Group['projection']>) {
  return { name, applied, duplicates, parked, dead };
}

function rebalanceSeen({ atMs, tookMs, moved, ...rest }: Rebalance): RebalanceSeen {
  const { generation, members, text } = rest;
  return {
    at: new Date(atMs).toISOString(),
    took_ms: tookMs,
    generation,
    members,
    joined: [...rest.joined],
    left: [...rest.left],
    moved_partitions: moved,
    text,
  };
}

function timeOf(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
