/** What cannot be taken back: more partitions, and the end of a topic. Both only say what they would do until --execute. */
import type { Command } from 'commander';
import { SOCIAL_TOPICS } from '../domains/social/topics.ts';
import { KitError } from '../kit/errors.ts';
import { inTurns } from '../kit/in-turns.ts';
import type { LogAdmin } from '../kit/log/log-admin.ts';
import { reportTopics } from '../kit/log/topic-report.ts';
import { type LogAccess, withLog } from './log-access.ts';
import { print, printJson, table } from './output.ts';
import { collected, integer, type VerbContext } from './verbs.ts';

export function topicChangeVerbs(noun: Command, context: VerbContext): void {
  context
    .verb(noun, 'alter', 'add partitions to a topic; says what that means until --execute')
    .requiredOption('-t, --topic <name>', 'topic')
    .requiredOption('--partitions <n>', 'partitions to have, more than now', integer(1, 10_000))
    .option('--execute', 'do it')
    .option('--json', 'print JSON')
    .action((flags: AlterFlags) => withLog(context.loaded, (access) => alterTopic(access, flags)));

  context
    .verb(noun, 'delete', 'delete a topic with all its records; says what would be lost until --execute')
    .requiredOption('-t, --topic <name>', 'topic, repeatable', collected)
    .option('--execute', 'do it')
    .option('--force', "also one of the platform's own topics")
    .option('--json', 'one JSON object per topic')
    .action((flags: DeleteFlags) => withLog(context.loaded, (access) => deleteTopics(access, flags)));
}

interface AlterFlags {
  readonly topic: string;
  readonly partitions: number;
  readonly execute?: boolean;
  readonly json?: boolean;
}

async function alterTopic({ log, admin }: LogAccess, { topic, partitions, execute, json }: AlterFlags): Promise<void> {
  const { topics } = await log.describe([topic]);
  const before = topics[0]!.partitions.length;
  await admin.addPartitions(topic, partitions, { validateOnly: !execute });
  if (json) return printJson({ topic, partitions_before: before, partitions, executed: execute === true });
  print(`${topic}: ${before} -> ${partitions} partitions`);
  print(
    'Keys are spread anew: records of a key may come to another partition from now on, out of order with earlier ones.',
  );
  if (!execute) print('nothing was changed; --execute adds them');
}

interface DeleteFlags {
  readonly topic: readonly string[];
  readonly execute?: boolean;
  readonly force?: boolean;
  readonly json?: boolean;
}

interface Loss {
  readonly topic: string;
  readonly partitions: number;
  /** Null where they are not known. */
  readonly records: number | null;
  readonly bytes: number | null;
  /** Those that have committed offsets in it. */
  readonly groups: readonly string[];
}

async function deleteTopics(access: LogAccess, flags: DeleteFlags): Promise<void> {
  const names = [...new Set(flags.topic)];
  const own = names.find((name) => isPlatformTopic(name));
  if (flags.execute && own !== undefined && !flags.force) throw platformTopic(own);
  const losses = await lossesOf(access, names);
  if (flags.execute) await access.admin.deleteTopics(names);
  if (flags.json) {
    for (const loss of losses) printJson({ ...loss, executed: flags.execute === true });
    return;
  }
  print(
    table(
      ['topic', 'partitions', 'records', 'bytes', 'groups with offsets there'],
      losses.map((one) => [
        one.topic,
        one.partitions,
        one.records ?? '?',
        one.bytes ?? '?',
        one.groups.join(', ') || '(none)',
      ]),
    ),
  );
  if (own !== undefined && !flags.force) process.stderr.write(`warning: ${platformTopic(own).message}\n`);
  print(flags.execute ? `deleted ${names.join(', ')}` : 'nothing was deleted; --execute deletes');
}

async function lossesOf({ log, admin }: LogAccess, names: readonly string[]): Promise<Loss[]> {
  const reports = await reportTopics(log, (await log.describe(names)).topics);
  const readers = await groupsByTopic(admin);
  return await inTurns(reports, async ({ name, partitions, records }) => ({
    topic: name,
    partitions: partitions.length,
    records,
    bytes: await admin.bytesOf(name),
    groups: readers.get(name) ?? [],
  }));
}

async function groupsByTopic(admin: LogAdmin): Promise<ReadonlyMap<string, string[]>> {
  const groups = await admin.listGroups();
  const pairs = await inTurns(groups, async ({ groupId }) =>
    [...new Set((await admin.committed(groupId)).map(({ topic }) => topic))].map((topic) => ({ topic, groupId })),
  );
  const byTopic = new Map<string, string[]>();
  for (const { topic, groupId } of pairs.flat()) byTopic.set(topic, [...(byTopic.get(topic) ?? []), groupId]);
  return byTopic;
}

/** The three topics of events, and those named after them for retries and dead letters. */
function isPlatformTopic(name: string): boolean {
  return SOCIAL_TOPICS.some((topic) => [topic, `${topic}.dlq`, `${topic}.retry`].includes(name));
}

function platformTopic(name: string): KitError {
  return new KitError(
    'PLATFORM_TOPIC',
    `${name} belongs to the platform: it is the only place where these events are, and every projection is rebuilt ` +
      'from it. --force deletes it all the same',
    { details: { topic: name } },
  );
}
