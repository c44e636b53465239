import type { Command } from 'commander';
import type { HealthReport } from '../pipelines/platform.ts';
import { print, printJson, table } from './output.ts';
import { fraction, integer, keyValue, type VerbContext } from './verbs.ts';

type Topic = HealthReport['topics'][number];

export function topicVerbs(program: Command, context: VerbContext): void {
  const noun = program.command('topics').description('topics and partitions');

  context
    .verb(noun, 'list', 'every topic with its partitions and records')
    .option('--json', 'one JSON object a line')
    .action(async (flags: { json?: boolean }) => {
      await context.withClient({ consume: false }, async (client) => {
        const { topics } = await client.request<{ topics: Topic[] }>('GET', '/api/v1/topics');
        if (flags.json) return topics.forEach(printJson);
        if (topics.length === 0) return print('no topics yet');
        print(
          table(
            ['topic', 'partitions', 'end offsets, summed'],
            topics.map((topic) => [topic.name, topic.partitions.length, endOffsets(topic)]),
          ),
        );
      });
    });

  context
    .verb(noun, 'describe', 'leader, replicas and ends of every partition')
    .requiredOption('-t, --topic <name>', 'topic')
    .option('--json', 'print JSON')
    .action(async (flags: { topic: string; json?: boolean }) => {
      await context.withClient({ consume: false }, async (client) => {
        const topic = await client.request<Topic>('GET', `/api/v1/topics/${encodeURIComponent(flags.topic)}`);
        if (flags.json) return printJson(topic);
        print(
          table(
            ['topic', 'partition', 'leader', 'replicas', 'isr', 'end offset'],
            topic.partitions.map((partition) => [
              topic.name,
              partition.partition,
              partition.leader,
              partition.replicas.join(','),
              partition.isr.join(','),
              partition.end_offset,
            ]),
          ),
        );
      });
    });

  context
    .verb(noun, 'create', 'create a topic; one that exists is left as it is')
    .requiredOption('-t, --topic <name>', 'topic')
    .option('--partitions <n>', 'partitions', integer(1, 10_000), 1)
    .option('--replication-factor <n>', 'replicas of each partition, on Kafka', integer(1, 100))
    .option('--config <key=value...>', 'topic configuration, repeatable', keyValue, {})
    .option('--json', 'print JSON')
    .action(
      async (flags: {
        topic: string;
        partitions: number;
        replicationFactor?: number;
        config: Record<string, string>;
        json?: boolean;
      }) => {
        await context.withClient({ consume: false }, async (client) => {
          const created = await client.request<Topic>('POST', '/api/v1/topics', {
            body: {
              name: flags.topic,
              partitions: flags.partitions,
              ...(flags.replicationFactor === undefined ? {} : { replication_factor: flags.replicationFactor }),
              config: flags.config,
            },
          });
          if (flags.json) printJson(created);
          else print(`${flags.topic} is there, with ${flags.partitions} partition${flags.partitions === 1 ? '' : 's'}`);
        });
      },
    );

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

function endOffsets(topic: Topic): number {
  return topic.partitions.reduce((sum, partition) => sum + partition.end_offset, 0);
}
