/** Where a group stands: what it has committed, how far behind that is, and who reads what. */
import { isKitError } from '../kit/errors.ts';
import type { EventLog, PartitionOffset, TopicPartition } from '../kit/log/event-log.ts';
import type { GroupDescription, GroupMemberDescription, LogAdmin } from '../kit/log/log-admin.ts';
import { inTurns } from './in-turns.ts';
import { table } from './output.ts';
import { type Ends, endsOf, keyOf } from './topics-report.ts';

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
  const sorted = [...concerned.values()].sort((a, b) =>
    a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1,
  );
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

const NONE = '-';
const cell = (value: string | number | null): string => (value === null || value === '' ? NONE : String(value));

/** The columns of kafka-consumer-groups.sh --describe, and how long the oldest waits. */
export function offsetsTable({ group, partitions, members }: GroupReport): string {
  const idle = members.filter(({ assignment }) => assignment.length === 0);
  const rows = [
    ...partitions.map((one) => [
      group,
      one.topic,
      cell(one.partition),
      cell(one.current_offset),
      cell(one.log_end_offset),
      cell(one.lag),
      one.seconds_behind === null ? NONE : one.seconds_behind.toFixed(1),
      cell(one.member_id),
      cell(one.host),
      cell(one.client_id),
    ]),
    ...idle.map((one) => [
      group,
      NONE,
      NONE,
      NONE,
      NONE,
      NONE,
      NONE,
      one.member_id,
      cell(one.host),
      cell(one.client_id),
    ]),
  ];
  return table(
    [
      ...['GROUP', 'TOPIC', 'PARTITION', 'CURRENT-OFFSET', 'LOG-END-OFFSET', 'LAG', 'SECONDS-BEHIND'],
      ...['CONSUMER-ID', 'HOST', 'CLIENT-ID'],
    ],
    rows,
  );
}

/** As kafka-consumer-groups.sh --describe --members --verbose. */
export function membersTable({ group, members }: GroupReport): string {
  return table(
    ['GROUP', 'CONSUMER-ID', 'GROUP-INSTANCE-ID', 'HOST', 'CLIENT-ID', '#PARTITIONS', 'ASSIGNMENT'],
    members.map((one) => [
      group,
      one.member_id,
      cell(one.instance_id),
      cell(one.host),
      cell(one.client_id),
      String(one.assignment.length),
      assignmentText(one.assignment),
    ]),
  );
}

/** As kafka-consumer-groups.sh --describe --state, and the type. */
export function stateTable({ group, coordinator, assignor, state, type, members }: GroupReport): string {
  return table(
    ['GROUP', 'COORDINATOR (ID)', 'ASSIGNMENT-STRATEGY', 'STATE', 'TYPE', '#MEMBERS'],
    [[group, coordinator, cell(assignor), state, cell(type), String(members.length)]],
  );
}

export function totalsText({ partitions, members, lag, seconds_behind }: GroupReport): string {
  const behind = seconds_behind === null ? '' : `, ${seconds_behind.toFixed(1)} s behind at most`;
  const count = (n: number, noun: string) => `${n} ${noun}${n === 1 ? '' : 's'}`;
  return `total: lag ${lag.toLocaleString('en-US')}${behind}, ${count(partitions.length, 'partition')}, ${count(members.length, 'member')}`;
}

/** `orders:0,2;users:1` */
function assignmentText(partitions: readonly TopicPartition[]): string {
  if (partitions.length === 0) return NONE;
  return [...Map.groupBy(partitions, ({ topic }) => topic)]
    .map(
      ([topic, of]) =>
        `${topic}:${of
          .map(({ partition }) => partition)
          .sort((a, b) => a - b)
          .join(',')}`,
    )
    .sort()
    .join(';');
}
