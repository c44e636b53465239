import { type Command, InvalidArgumentError } from 'commander';
import { isKitError, KitError } from '../kit/errors.ts';
import { type GroupReport, reportGroup } from '../kit/log/group-report.ts';
import { groupsNamed, oneGroup, partitionsNamed } from './groups-arguments.ts';
import { membersTable, offsetsTable, stateTable, totalsText } from './groups-report.ts';
import { groupResetVerb } from './groups-reset.ts';
import { type LogAccess, withLog } from './log-access.ts';
import { print, printJson, table } from './output.ts';
import { collected, type VerbContext } from './verbs.ts';

export function groupVerbs(program: Command, context: VerbContext): void {
  const noun = program.command('groups').description('consumer groups: where they stand, and where they go on');

  context
    .verb(noun, 'list', 'every group with its state')
    .option('--state <names>', 'only in these states, e.g. Stable or Empty,Dead', statesOf)
    .option('--json', 'one JSON object a line')
    .action(async ({ state: wanted, json }: { state?: readonly string[]; json?: boolean }) => {
      const all = await withLog(context.loaded, ({ admin }) => admin.listGroups());
      const groups = all.filter(({ state }) => wanted === undefined || wanted.includes(state));
      if (json) {
        for (const { groupId: group, state, type, protocolType: protocol_type } of groups)
          printJson({ group, state, type, protocol_type });
        return;
      }
      if (groups.length === 0) return print(all.length === 0 ? 'no groups yet' : `no group is ${wanted?.join(' or ')}`);
      print(
        table(
          ['GROUP', 'STATE', 'TYPE', 'PROTOCOL'],
          groups.map(({ groupId, state, type, protocolType }) => [groupId, state, type || '-', protocolType || '-']),
        ),
      );
    });

  context
    .verb(noun, 'describe [group...]', 'offsets, lag and members of groups, running or not')
    .option('-g, --group <id>', 'group, instead of the argument; repeatable', collected)
    .option('--all-groups', 'every group')
    .option('--members', 'a line per member instead of one per partition')
    .option('--state', 'coordinator, strategy and state instead')
    .option('--json', 'one JSON object per group, with all of it')
    .action(async (named: string[], flags: DescribeFlags) => {
      if (flags.members && flags.state) throw new KitError('USAGE', 'Only one of --members and --state at a time');
      await withLog(context.loaded, (access) =>
        describeGroups(access, groupsNamed(named, flags, '--all-groups'), flags),
      );
    });

  groupResetVerb(noun, context);

  context
    .verb(noun, 'delete [group...]', 'delete groups with their offsets; says what would be lost until --execute')
    .option('-g, --group <id>', 'group, instead of the argument; repeatable', collected)
    .option('--execute', 'do it')
    .option('--json', 'one JSON object per group')
    .action((named: string[], flags: DeleteFlags) =>
      withLog(context.loaded, (access) => deleteGroups(access, groupsNamed(named, flags), flags)),
    );

  context
    .verb(noun, 'delete-offsets [group]', "delete a group's offsets of a topic; says which until --execute")
    .option('-g, --group <id>', 'group, instead of the argument')
    .requiredOption('-t, --topic <name>', 'topic, or topic:0,2 for some partitions; repeatable', collected)
    .option('--execute', 'do it')
    .option('--json', 'one JSON object per partition')
    .action((named: string | undefined, flags: DeleteOffsetsFlags) =>
      withLog(context.loaded, (access) => deleteOffsets(access, oneGroup(named, flags.group), flags)),
    );
}

/** Of all kinds of groups. Source: Apache Kafka, `org.apache.kafka.common.GroupState`. */
const STATES = [
  'Stable',
  'Empty',
  'PreparingRebalance',
  'CompletingRebalance',
  'Assigning',
  'Reconciling',
  'NotReady',
  'Dead',
];

function statesOf(text: string): string[] {
  return text.split(',').map((name) => {
    const state = STATES.find((one) => one.toLowerCase() === name.trim().toLowerCase());
    if (state === undefined)
      throw new InvalidArgumentError(`There is no state "${name}"; there are ${STATES.join(', ')}.`);
    return state;
  });
}

interface DescribeFlags {
  readonly group?: readonly string[];
  readonly allGroups?: boolean;
  readonly members?: boolean;
  readonly state?: boolean;
  readonly json?: boolean;
}

async function describeGroups(access: LogAccess, named: readonly string[] | null, flags: DescribeFlags): Promise<void> {
  const groups = named ?? (await access.admin.listGroups()).filter(isOfConsumers).map(({ groupId }) => groupId);
  if (groups.length === 0 && !flags.json) return print('no groups yet');
  let shown = 0;
  for (const group of groups) {
    const report = await reportGroup(access, group).catch((error: unknown) => {
      if (named === null && isKitError(error, 'UNKNOWN_GROUP')) return null;
      throw error;
    });
    // deleted since it was listed
    if (report === null) continue;
    if (flags.json) printJson(report);
    else printReport(report, flags, shown++ > 0);
  }
}

function printReport(report: GroupReport, flags: DescribeFlags, isLater: boolean): void {
  if (isLater) print('');
  const note = stateNote(report);
  if (note !== null) process.stderr.write(`${note}\n`);
  if (flags.state) print(stateTable(report));
  else if (!flags.members) print(`${offsetsTable(report)}\n${totalsText(report)}`);
  else if (report.members.length > 0) print(membersTable(report));
}

/** Groups of other kinds hold no offsets of this sort. */
function isOfConsumers({ protocolType, type }: { readonly protocolType: string; readonly type: string }): boolean {
  return ['', 'consumer'].includes(protocolType) && ['', 'classic', 'consumer'].includes(type);
}

/** In the words of kafka-consumer-groups.sh. */
function stateNote({ group, state }: GroupReport): string | null {
  if (state === 'Stable') return null;
  if (state === 'Empty') return `Consumer group '${group}' has no active members.`;
  return `Warning: Consumer group '${group}' is rebalancing.`;
}

interface DeleteFlags {
  readonly group?: readonly string[];
  readonly execute?: boolean;
  readonly json?: boolean;
}

async function deleteGroups({ admin }: LogAccess, named: readonly string[] | null, flags: DeleteFlags): Promise<void> {
  const doomed = [];
  for (const group of named ?? []) {
    const { state, members } = await admin.describeGroup(group);
    if (members.length > 0 || state !== 'Empty')
      throw new KitError(
        'GROUP_ACTIVE',
        `Group '${group}' could not be deleted: the group is not empty (${state}). Stop its members first.`,
      );
    doomed.push({ group, state, partitions: (await admin.committed(group)).length });
  }
  for (const { group, state, partitions } of doomed) {
    if (flags.execute) await admin.deleteGroup(group);
    if (flags.json) printJson({ group, state, partitions_with_offsets: partitions, executed: flags.execute === true });
  }
  if (flags.json) return;
  print(
    table(
      ['GROUP', 'STATE', 'PARTITIONS WITH OFFSETS'],
      doomed.map((one) => [one.group, one.state, String(one.partitions)]),
    ),
  );
  print(flags.execute ? 'deleted' : 'nothing was deleted; --execute deletes');
}

interface DeleteOffsetsFlags {
  readonly group?: string;
  readonly topic: readonly string[];
  readonly execute?: boolean;
  readonly json?: boolean;
}

async function deleteOffsets({ log, admin }: LogAccess, group: string, flags: DeleteOffsetsFlags): Promise<void> {
  const { members } = await admin.describeGroup(group);
  const partitions = await partitionsNamed(log, flags.topic);
  const topics = new Set(partitions.map(({ topic }) => topic));
  const reader = members.find(({ assignment }) => assignment.some(({ topic }) => topics.has(topic)));
  if (reader !== undefined)
    throw new KitError(
      'GROUP_SUBSCRIBED',
      `The consumer group '${group}' is subscribed to the topic: ${reader.memberId} reads it. Stop its members first.`,
    );
  const committed = new Map((await admin.committed(group)).map((at) => [`${at.topic}:${at.partition}`, at.offset]));
  const doomed = partitions.flatMap((at) => {
    const offset = committed.get(`${at.topic}:${at.partition}`);
    return offset === undefined ? [] : [{ ...at, offset }];
  });
  if (flags.execute && doomed.length > 0) await admin.deleteOffsets(group, doomed);
  if (flags.json) {
    for (const one of doomed) printJson({ group, ...one, executed: flags.execute === true });
    return;
  }
  if (doomed.length === 0) return print(`'${group}' has no offsets there`);
  print(
    table(
      ['GROUP', 'TOPIC', 'PARTITION', 'OFFSET'],
      doomed.map((one) => [group, one.topic, String(one.partition), String(one.offset)]),
    ),
  );
  print(flags.execute ? 'deleted' : 'nothing was deleted; --execute deletes');
}
