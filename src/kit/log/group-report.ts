/** Where a group stands: what it has committed, how far behind that is, and who reads what. */
import { isKitError } from '../errors.ts';
import { inTurns } from '../in-turns.ts';
import type { EventLog, PartitionOffset, TopicPartition } from './event-log.ts';
import type { GroupDescription, GroupMemberDescription, LogAdmin } from './log-admin.ts';
import { byPlace } from './partition-choice.ts';
import { type Ends, endsOf, keyOf } from './topic-report.ts';

export interface GroupPartition extends TopicPartition {
  /** Null where nothing is committed. */
  readonly current_offset: number | null;
  /** Null where the leader does not answer, or the topic is gone. */
  readonly log_end_offset: number | null;
  readonly lag: number | null;
  /** Age of the first record that is not consumed yet, by its timestamp; 0 without any; null where it is not known. */
  readonly seconds_behind: number | null;
  readonly member_id: string | null;
  readonly host: string | null;
  readonly client_id: string | null;
}

export interface GroupReport {
  readonly group: string;
  readonly state: string;
  readonly type: string;
  readonly assignor: string;
  /** `host:port (id)` */
  readonly coordinator: string;
  readonly members: readonly (Omit<GroupMemberDescription, 'memberId' | 'instanceId' | 'clientId'> & {
    readonly member_id: string;
    readonly instance_id: string | null;
    readonly client_id: string;
  })[];
  /** Those that are committed or assigned. */
  readonly partitions: readonly GroupPartition[];
  /** Of the partitions where it is known. */
  readonly lag: number;
  readonly seconds_behind: number | null;
}

/** @throws KitError UNKNOWN_GROUP, GROUP_TYPE_UNSUPPORTED, LOG_UNAVAILABLE */
export async function reportGroup(
  { log, admin }: { readonly log: EventLog; readonly admin: LogAdmin },
  groupId: string,
  now = Date.now(),
): Promise<GroupReport> {
  const [description, committed, { brokers }] = await Promise.all([
    admin.describeGroup(groupId),
    admin.committed(groupId),
    log.describe([]),
  ]);
  const partitions = await partitionsOf(log, description, committed, now);
  const broker = brokers.find(({ id }) => id === description.coordinator);
  const { state, type, assignor } = description;
  return {
    group: groupId,
    state,
    type,
    assignor,
    coordinator: `${broker === undefined ? '?' : `${broker.host}:${broker.port}`} (${description.coordinator})`,
    members: description.members.map(({ memberId, instanceId, clientId, host, assignment }) => ({
      member_id: memberId,
      instance_id: instanceId,
      client_id: clientId,
      host,
      assignment,
    })),
    partitions,
    lag: partitions.reduce((sum, { lag }) => sum + (lag ?? 0), 0),
    seconds_behind: partitions.reduce<number | null>(
      (most, { seconds_behind: one }) => (one === null ? most : Math.max(most ?? 0, one)),
      null,
    ),
  };
}

async function partitionsOf(
  log: EventLog,
  { members }: GroupDescription,
  committed: readonly PartitionOffset[],
  now: number,
): Promise<GroupPartition[]> {
  const owners = new Map(members.flatMap((member) => member.assignment.map((at) => [keyOf(at), member] as const)));
  const offsets = new Map(committed.map((at) => [keyOf(at), at.offset]));
  const concerned = new Map(
    [...committed, ...members.flatMap(({ assignment }) => assignment)].map((at) => [keyOf(at), at]),
  );
  const sorted = [...concerned.values()].sort(byPlace);
  const ends = await endsOf(log, sorted);
  return await inTurns(sorted, async ({ topic, partition }) => {
    const at = { topic, partition };
    const offset = offsets.get(keyOf(at)) ?? null;
    const known = ends.get(keyOf(at));
    const owner = owners.get(keyOf(at));
    return {
      ...at,
      current_offset: offset,
      log_end_offset: known?.end ?? null,
      lag: offset === null || known === undefined ? null : known.end - offset,
      seconds_behind: offset === null || known === undefined ? null : await secondsBehind(log, at, offset, known, now),
      member_id: owner?.memberId ?? null,
      host: owner?.host ?? null,
      client_id: owner?.clientId ?? null,
    };
  });
}

async function secondsBehind(
  log: EventLog,
  at: TopicPartition,
  offset: number,
  { start, end }: Ends,
  now: number,
): Promise<number | null> {
  if (offset >= end) return 0;
  try {
    const { records } = await log.read({ ...at, offset: Math.max(offset, start), maxBytes: 1, maxRecords: 1 });
    return records[0] === undefined ? 0 : Math.max(0, now - records[0].timestamp) / 1000;
  } catch (error) {
    // removed by retention meanwhile, its leader gone, or a batch that cannot be read: its age is not known
    if (isKitError(error)) return null;
    throw error;
  }
}
