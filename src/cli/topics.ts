import type { Command } from 'commander';
import { isKitError, KitError } from '../kit/errors.ts';
import { inTurns } from '../kit/in-turns.ts';
import type { ConfigEntry, LogAdmin } from '../kit/log/log-admin.ts';
import { TopicManager } from '../kit/log/topic-manager.ts';
import { type PartitionReport, reportTopics, type TopicReport } from '../kit/log/topic-report.ts';
import { type LogAccess, withLog } from './log-access.ts';
import { print, printJson, table } from './output.ts';
import { topicChangeVerbs } from './topics-change.ts';
import { fraction, integer, keyValue, type VerbContext } from './verbs.ts';

export function topicVerbs(program: Command, context: VerbContext): void {
  const noun = program.command('topics').description('topics and partitions');

  context
    .verb(noun, 'list', 'every topic with its partitions and records')
    .option('--json', 'one JSON object a line')
    .action(async (flags: { json?: boolean }) => {
      const topics = await withLog(context.loaded, async ({ log }) => reportTopics(log, (await log.describe()).topics));
      if (flags.json) return topics.forEach(printJson);
      if (topics.length === 0) return print('no topics yet');
      print(
        table(
          ['topic', 'partitions', 'replication factor', 'records'],
          topics.map((one) => [one.name, one.partition_count, one.replication_factor, one.records ?? '?']),
        ),
      );
    });

  context
    .verb(noun, 'describe', 'leader, replicas, in-sync replicas and ends of every partition, and what is configured')
    .option('-t, --topic <name>', 'this topic (default: all)')
    .option('--under-replicated', 'only partitions with fewer in-sync replicas than replicas')
    .option('--unavailable', 'only partitions without a leader')
    .option('--json', 'one JSON object per topic')
    .action(async (flags: DescribeFlags) => {
      const described = await withLog(context.loaded, (access) => describeTopics(access, flags));
      if (flags.json) return described.forEach(printJson);
      if (described.length === 0) return print(nothingFound(flags));
      print(described.map(asText).join('\n\n'));
    });

  context
    .verb(noun, 'create', 'create a topic; one that exists is left as it is, and that is said')
    .requiredOption('-t, --topic <name>', 'topic')
    .option('--partitions <n>', 'partitions', integer(1, 10_000), 1)
    .option(
      '--replication-factor <n>',
      'replicas of each partition (default: what the brokers are set to)',
      integer(1, 100),
    )
    .option('--config <key=value...>', 'topic configuration, repeatable', keyValue)
    .option('--json', 'one JSON object')
    .addHelpText(
      'after',
      '\nExample:\n  streamsocial topics create -t orders --partitions 3 --config retention.ms=86400000',
    )
    .action((flags: CreateFlags) => withLog(context.loaded, (access) => createTopic(access, flags)));

  topicChangeVerbs(noun, context);

  context
    .verb(noun, 'plan', 'how many partitions a target needs: max(int(target / consumer * safety), 1)')
    .requiredOption('--target-rps <n>', 'events per second to carry', integer(1, Number.MAX_SAFE_INTEGER))
    .option('--consumer-rps <n>', 'what one consumer handles (default 50,000)', integer(1, Number.MAX_SAFE_INTEGER))
    .option('--safety <factor>', 'head room (default 1.5)', fraction)
    .option('--json', 'print JSON')
    .action(async (flags: { targetRps: number; consumerRps?: number; safety?: number; json?: boolean }) => {
      const { PartitionCalculator } = await import('../kit/log/partition-calculator.ts');
      const partitions = new PartitionCalculator({
        ...(flags.consumerRps === undefined ? {} : { consumerRps: flags.consumerRps }),
        ...(flags.safety === undefined ? {} : { safety: flags.safety }),
      }).partitionsFor(flags.targetRps);
      if (flags.json) printJson({ target_rps: flags.targetRps, partitions });
      else
        print(
          `${partitions.toLocaleString('en-US')} partitions for ${flags.targetRps.toLocaleString('en-US')} events/s`,
        );
    });
}

interface CreateFlags {
  readonly topic: string;
  readonly partitions: number;
  readonly replicationFactor?: number;
  readonly config?: Readonly<Record<string, string>>;
  readonly json?: boolean;
}

async function createTopic({ log, admin }: LogAccess, flags: CreateFlags): Promise<void> {
  const { topic: name, partitions, replicationFactor, config = {} } = flags;
  const spec = { name, partitions, config, ...(replicationFactor === undefined ? {} : { replicationFactor }) };
  const { created, warnings } = await new TopicManager(log).ensure([spec]);
  const isNew = created.length > 0;
  const warn = (what: string) => process.stderr.write(`warning: ${name} ${what}\n`);
  for (const { actual, expected } of warnings) warn(`has a replication factor of ${actual}, not ${expected}`);
  if (!isNew) await warnOfConfigs(admin, name, config, warn);
  if (flags.json) {
    const [report] = await reportTopics(log, (await log.describe([name])).topics);
    return printJson({ ...report, created: isNew });
  }
  const what = `${partitions} partition${partitions === 1 ? '' : 's'}`;
  print(isNew ? `created ${name} with ${what}` : `${name} exists already with ${what}; it was left as it is`);
}

async function warnOfConfigs(
  admin: LogAdmin,
  topic: string,
  wanted: Readonly<Record<string, string>>,
  warn: (what: string) => void,
): Promise<void> {
  if (Object.keys(wanted).length === 0) return;
  const present = new Map((await admin.describeConfigs({ type: 'topic', name: topic })).map((one) => [one.name, one]));
  for (const [name, value] of Object.entries(wanted)) {
    const actual = present.get(name)?.value;
    if (actual !== value)
      warn(`has ${name}=${actual ?? '(nothing)'}, not ${value}; streamsocial configs alter changes it`);
  }
}

interface DescribeFlags {
  readonly topic?: string;
  readonly underReplicated?: boolean;
  readonly unavailable?: boolean;
  readonly json?: boolean;
}

interface DescribedTopic extends TopicReport {
  /** Those that were set for the topic or its brokers: without Kafka's defaults. */
  readonly configs: Readonly<Record<string, string | null>>;
}

async function describeTopics({ log, admin }: LogAccess, flags: DescribeFlags): Promise<DescribedTopic[]> {
  if (flags.underReplicated && flags.unavailable)
    throw new KitError('USAGE', 'Only one of --under-replicated and --unavailable at a time');
  const { topics } = await log.describe(flags.topic === undefined ? undefined : [flags.topic]);
  const isShown = (one: Pick<PartitionReport, 'leader' | 'isr' | 'replicas'>) =>
    flags.unavailable ? one.leader < 0 : !flags.underReplicated || one.isr.length < one.replicas.length;
  const shown = topics.filter(({ partitions }) => partitions.some(isShown));
  const reports = await reportTopics(log, shown);
  const described = await inTurns(reports, async (report) => {
    const configs = await admin.describeConfigs({ type: 'topic', name: report.name }).catch((error: unknown) => {
      if (flags.topic === undefined && isKitError(error, 'UNKNOWN_TOPIC')) return null;
      throw error;
    });
    // deleted since it was listed
    if (configs === null) return [];
    return [{ ...report, partitions: report.partitions.filter(isShown), configs: setConfigs(configs) }];
  });
  return described.flat();
}

function nothingFound({ underReplicated, unavailable }: DescribeFlags): string {
  if (unavailable) return 'every partition has a leader';
  return underReplicated ? 'every partition has all its replicas in sync' : 'no topics yet';
}

function setConfigs(entries: readonly ConfigEntry[]): Record<string, string | null> {
  const set = entries.filter(({ source }) => source !== 'DEFAULT_CONFIG');
  return Object.fromEntries(set.map(({ name, value }) => [name, value]));
}

/** The first line has the words of kafka-topics.sh. */
function asText({ name, partitions, partition_count, replication_factor, configs }: DescribedTopic): string {
  const set = Object.entries(configs).map(([key, value]) => `${key}=${value ?? '(secret)'}`);
  const head = [
    `Topic: ${name}`,
    `PartitionCount: ${partition_count}`,
    `ReplicationFactor: ${replication_factor}`,
    `Configs: ${set.join(',')}`,
  ];
  const rows = partitions.map((one) => [
    one.partition,
    one.leader < 0 ? 'none' : String(one.leader),
    one.replicas.join(','),
    one.isr.join(','),
    one.start_offset ?? '?',
    one.end_offset ?? '?',
  ]);
  return `${head.join('  ').trimEnd()}\n${table(['partition', 'leader', 'replicas', 'isr', 'start offset', 'end offset'], rows)}`;
}
