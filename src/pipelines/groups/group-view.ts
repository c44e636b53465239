/** A consumer group as people see it: what its coordinator says, and where our handlers really are. Null: not known. */
import type { PartitionProgress } from '../../kit/consumers/consumer-metrics.ts';
import type { TopicPartition } from '../../kit/log/event-log.ts';
import type { GroupMemberDescription } from '../../kit/log/log-admin.ts';
import { byPlace } from '../../kit/log/partition-choice.ts';
import { keyOf } from '../../kit/monitoring/cluster-facts.ts';
import type { GroupPartitionLag } from '../../kit/monitoring/cluster-report.ts';
import type { GroupLook } from '../../kit/monitoring/group-look.ts';
import { maxOrNull, sumOrNull } from '../../kit/monitoring/rates.ts';
import type { ProjectionStatus } from '../projection-status.ts';
import type { GroupOwner } from './group-owner.ts';

export interface GroupPartitionView extends TopicPartition {
  /** The first offset that is kept, and the one that the next record gets. */
  readonly start: number | null;
  readonly end: number | null;
  /** In the log; for a handler of ours a hint, written once a second. */
  readonly committed: number | null;
  /** Of a handler of ours, from what it has stored: where it goes on. */
  readonly position: number | null;
  /** Records from the position, where there is one, else from the committed offset, to the end. */
  readonly lag: number | null;
  /** How long the first of them has been waiting; 0 without any. */
  readonly lag_seconds: number | null;
  readonly member_id: string | null;
}

export interface GroupView {
  readonly group: string;
  /** In Kafka's words. */
  readonly state: string | null;
  /** `classic` or `consumer` (KIP-848). */
  readonly type: string | null;
  readonly assignor: string | null;
  readonly generation: number | null;
  /** Node id of the broker that coordinates it. */
  readonly coordinator: number | null;
  readonly owner: GroupOwner;
  readonly members: readonly GroupMemberDescription[];
  readonly partitions: readonly GroupPartitionView[];
  /** Of the partitions where it is known; null where it is of none. */
  readonly lag: number | null;
  /** Partitions where it is not: nothing is committed yet, or their leader does not answer. */
  readonly lag_unknown: number;
  readonly lag_seconds: number | null;
}

/** @param positions of a handler of ours */
export function groupView(
  { health, description }: GroupLook['groups'][number],
  look: Pick<GroupLook, 'atMs' | 'starts' | 'ends'>,
  owner: GroupOwner,
  positions: readonly PartitionProgress[],
): GroupView {
  const members = description?.members ?? [];
  const owners = new Map(members.flatMap(({ memberId, assignment }) => assignment.map((at) => [keyOf(at), memberId])));
  const committed = new Map(health.partitions.map((one) => [keyOf(one), one]));
  const known = new Map(positions.map((one) => [keyOf(one), one]));
  const places = [...health.partitions, ...positions, ...members.flatMap(({ assignment }) => assignment)];
  const once = new Map(places.map(({ topic, partition }) => [keyOf({ topic, partition }), { topic, partition }]));
  const partitions = [...once.values()].sort(byPlace).map((at): GroupPartitionView => {
    const key = keyOf(at);
    const start = look.starts.get(key) ?? null;
    const end = look.ends.get(key) ?? null;
    const hint = committed.get(key);
    const progress = known.get(key);
    const ends = { start: start === null || start < 0 ? null : start, end: end === null || end < 0 ? null : end };
    return {
      ...at,
      ...ends,
      committed: hint?.committed_offset ?? null,
      position: progress?.position ?? null,
      ...lagOf(progress, hint, ends.end, look.atMs),
      member_id: owners.get(key) ?? null,
    };
  });
  return {
    group: health.group,
    state: health.state,
    type: description?.type ?? null,
    assignor: description?.assignor || null,
    generation: description?.generation ?? null,
    coordinator: description?.coordinator ?? null,
    owner,
    members,
    partitions,
    ...totalsOf(partitions),
  };
}

/** The same with where a projection is by its store, whoever moves it; the handlers of this process only know of their own partitions. */
export function withStored(view: GroupView, status: Pick<ProjectionStatus, 'partitions'>): GroupView {
  const stored = new Map(status.partitions.map((one) => [keyOf(one), one]));
  const seen = new Map(view.partitions.map((one) => [keyOf(one), one]));
  const partitions = [...new Set([...seen.keys(), ...stored.keys()])].map((key): GroupPartitionView => {
    const [before, now] = [seen.get(key), stored.get(key)];
    if (now === undefined) return before!;
    const { topic, partition, end, position, lag } = now;
    const { start = null, committed = null, member_id = null, lag_seconds = null } = before ?? {};
    const waiting = lag === 0 ? 0 : lag_seconds || null;
    return { topic, partition, start, end, committed, position, lag, lag_seconds: waiting, member_id };
  });
  return { ...view, partitions: partitions.sort(byPlace), ...totalsOf(partitions) };
}

function totalsOf(partitions: readonly GroupPartitionView[]): Pick<GroupView, 'lag' | 'lag_unknown' | 'lag_seconds'> {
  const lags = partitions.map(({ lag }) => lag).filter((lag) => lag !== null);
  return {
    lag: sumOrNull(lags),
    lag_unknown: partitions.length - lags.length,
    lag_seconds: maxOrNull(partitions.map((one) => one.lag_seconds)),
  };
}

/** The age of a record that no member has at hand is that of the one at the committed offset, a second behind at most. */
function lagOf(
  progress: PartitionProgress | undefined,
  hint: GroupPartitionLag | undefined,
  end: number | null,
  atMs: number,
): Pick<GroupPartitionView, 'lag' | 'lag_seconds'> {
  if (progress === undefined || end === null) return { lag: hint?.lag ?? null, lag_seconds: hint?.lag_seconds ?? null };
  const lag = Math.max(0, end - progress.position);
  if (lag === 0) return { lag, lag_seconds: 0 };
  const since = progress.waiting_since;
  return { lag, lag_seconds: since === null ? hint?.lag_seconds || null : Math.max(0, atMs - since) / 1_000 };
}
