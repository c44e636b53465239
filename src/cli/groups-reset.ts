import { readFile } from 'node:fs/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { isKitError, KitError } from '../kit/errors.ts';
import type { PartitionOffset, TopicPartition } from '../kit/log/event-log.ts';
import { effectOf, isInactive, planResetOf, type Reset, type ResetTarget } from '../kit/log/offset-reset.ts';
import { notOfProjection } from '../pipelines/groups/group-owner.ts';
import { oneGroup, partitionsNamed } from './groups-arguments.ts';
import { asCsv, durationMs, fromCsv } from './groups-reset-text.ts';
import { type LogAccess, withLog } from './log-access.ts';
import { moment } from './moment.ts';
import { print, printJson, table } from './output.ts';
import { collected, integer, type VerbContext } from './verbs.ts';

/** Exactly one of them; commander's names. */
const TARGETS = [
  'toEarliest',
  'toLatest',
  'toCurrent',
  'toOffset',
  'toDatetime',
  'byDuration',
  'shiftBy',
  'fromFile',
] as const;

interface ResetFlags {
  readonly group?: string;
  readonly topic?: readonly string[];
  readonly allTopics?: boolean;
  readonly toEarliest?: boolean;
  readonly toLatest?: boolean;
  readonly toCurrent?: boolean;
  readonly toOffset?: number;
  readonly toDatetime?: number;
  readonly byDuration?: number;
  readonly shiftBy?: number;
  readonly fromFile?: string;
  readonly create?: boolean;
  readonly execute?: boolean;
  readonly export?: boolean;
  readonly json?: boolean;
}

export function groupResetVerb(noun: Command, context: VerbContext): void {
  context
    .verb(noun, 'reset-offsets [group]', 'set where a group goes on; says what would change until --execute')
    .option('-g, --group <id>', 'group, instead of the argument')
    .option('-t, --topic <name>', 'topic, or topic:0,2 for some partitions; repeatable', collected)
    .option('--all-topics', 'every topic that the group has offsets in')
    .option('--to-earliest', 'to the first record')
    .option('--to-latest', 'to the end')
    .option('--to-current', 'to where it is, moved into the log where it lies outside')
    .option('--to-offset <n>', 'to this offset', integer(0, Number.MAX_SAFE_INTEGER))
    .option(
      '--to-datetime <time>',
      'to the first record at or after this time: 2026-05-27T14:00:00Z, 14:00, or -2h',
      moment,
    )
    .option('--by-duration <duration>', 'to the first record of the last so long, e.g. PT1H30M', duration)
    .option(
      '--shift-by <n>',
      'so many records ahead, or back with a negative number',
      integer(-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
    )
    .option('--from-file <csv>', 'to the offsets of a file, a line each: topic,partition,offset')
    .option('--create', 'also for a group that does not exist yet')
    .option('--execute', 'do it')
    .option('--export', 'print the new offsets as CSV, for --from-file')
    .addOption(new Option('--dry-run', 'what happens without --execute').conflicts('execute'))
    .option('--json', 'one JSON object per partition')
    .addHelpText('after', EXAMPLES)
    .action(async (named: string | undefined, flags: ResetFlags) => {
      const group = oneGroup(named, flags.group);
      const target = await targetOf(flags);
      notOfProjection(group, context.loaded.settings.kafkaGroupId);
      await withLog(context.loaded, (access) => resetOffsets(access, group, target, flags));
    });
}

const EXAMPLES = `
Examples:
  streamsocial groups reset-offsets billing -t orders --to-earliest            what would change
  streamsocial groups reset-offsets billing -t orders --to-earliest --execute
  streamsocial groups reset-offsets billing -t orders:0,2 --to-datetime 14:00 --execute`;

async function resetOffsets(access: LogAccess, group: string, target: ResetTarget, flags: ResetFlags): Promise<void> {
  const { log, admin } = access;
  const state = await stateOf(access, group, flags.create === true);
  if (!isInactive(state))
    throw new KitError(
      'GROUP_ACTIVE',
      `Assignments can only be reset if the group '${group}' is inactive, but the current state is ${state}. Stop its members first.`,
      { details: { group, state } },
    );
  const committed = await admin.committed(group);
  const partitions = await partitionsOf(access, target, committed, flags);
  const { resets, warnings } = await planResetOf(log, partitions, target, committed);
  for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
  const offsets = resets.map(({ topic, partition, to }) => ({ topic, partition, offset: to }));
  if (flags.execute) await log.group(group).commit(offsets);
  if (flags.export) {
    if (offsets.length > 0) print(asCsv(offsets));
    return;
  }
  if (flags.json) {
    for (const { topic, partition, from, to } of resets)
      printJson({ group, topic, partition, old_offset: from, new_offset: to, executed: flags.execute === true });
    return;
  }
  if (resets.length === 0) return print(`'${group}' has no offsets to reset`);
  print(
    table(
      ['GROUP', 'TOPIC', 'PARTITION', 'OLD-OFFSET', 'NEW-OFFSET', 'EFFECT'],
      resets.map((one) => [
        group,
        one.topic,
        String(one.partition),
        one.from === null ? '-' : String(one.from),
        String(one.to),
        effectText(one),
      ]),
    ),
  );
  print(flags.execute ? 'reset' : 'nothing was changed; --execute resets');
}

async function stateOf({ admin }: LogAccess, group: string, create: boolean): Promise<string> {
  try {
    return (await admin.describeGroup(group)).state;
  } catch (error) {
    if (!isKitError(error, 'UNKNOWN_GROUP')) throw error;
    if (create) return 'Dead';
    throw new KitError('UNKNOWN_GROUP', `${error.message} --create makes it, with these offsets.`, {
      cause: error,
      details: error.details,
    });
  }
}

async function partitionsOf(
  { log }: LogAccess,
  target: ResetTarget,
  committed: readonly PartitionOffset[],
  { topic = [], allTopics }: ResetFlags,
): Promise<TopicPartition[]> {
  const named = (offsets: readonly PartitionOffset[]) => offsets.map((at) => `${at.topic}:${at.partition}`);
  if (target.to === 'plan') {
    if (topic.length > 0 || allTopics)
      throw new KitError('USAGE', '--from-file has the topics; leave out -t and --all-topics');
    return await partitionsNamed(log, named(target.offsets));
  }
  if (topic.length > 0 === (allTopics === true))
    throw new KitError('USAGE', 'Say which topics: -t TOPIC, -t TOPIC:0,2 or --all-topics');
  return await partitionsNamed(log, allTopics ? named(committed) : topic);
}

/** @throws KitError USAGE, FILE_NOT_FOUND */
async function targetOf(flags: ResetFlags): Promise<ResetTarget> {
  const given = TARGETS.filter((name) => flags[name] !== undefined);
  if (given.length !== 1)
    throw new KitError(
      'USAGE',
      'Say where to, once: --to-earliest, --to-latest, --to-current, --to-offset N, --to-datetime TIME, --by-duration PT1H, ' +
        '--shift-by N or --from-file CSV',
    );
  if (flags.toOffset !== undefined) return { to: 'offset', offset: flags.toOffset };
  if (flags.shiftBy !== undefined) return { to: 'shift', by: flags.shiftBy };
  if (flags.toDatetime !== undefined) return { to: 'time', timeMs: flags.toDatetime };
  if (flags.byDuration !== undefined) return { to: 'time', timeMs: Date.now() - flags.byDuration };
  if (flags.fromFile !== undefined) return { to: 'plan', offsets: fromCsv(await textOf(flags.fromFile)) };
  return { to: flags.toEarliest ? 'earliest' : flags.toLatest ? 'latest' : 'current' };
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new KitError('FILE_NOT_FOUND', `There is no readable file ${file}`, { cause });
  }
}

function effectText(reset: Reset): string {
  const { kind, records } = effectOf(reset);
  return records === 0 ? kind : `${records.toLocaleString('en-US')} record${records === 1 ? '' : 's'} ${kind}`;
}

function duration(text: string): number {
  const ms = durationMs(text);
  if (ms === null) throw new InvalidArgumentError('It must be an ISO 8601 duration such as PT1H30M or P2DT12H.');
  return ms;
}
