/** Groups as the verbs print them. */
import type { TopicPartition } from '../kit/log/event-log.ts';
import type { GroupReport } from '../kit/log/group-report.ts';
import { table } from './output.ts';

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
