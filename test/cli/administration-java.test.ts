/** What Kafka's own tools say of a cluster, beside what this command line says of it. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { unique } from '../../src/kit/log/contract-support.ts';
import type { GroupReport } from '../../src/kit/log/group-report.ts';
import { KafkaLog } from '../../src/kit/log/kafka/kafka-log.ts';
import { KAFKA_COMPONENTS, kafkaForTests, type TestKafka } from '../support/cluster.ts';
import { JavaTools } from '../support/java-tools.ts';
import { patiently } from '../support/programs.ts';
import { missing } from '../support/requirements.ts';
import { appendTexts } from '../support/wire-records.ts';
import { objectsOf, rowsOf, verb } from './support/verb.ts';

describe("administration beside Kafka's own tools", {
  skip: missing(...KAFKA_COMPONENTS) ?? false,
  timeout: 240_000,
  concurrency: true,
}, () => {
  let kafka: TestKafka;
  let log: KafkaLog;
  let tools: JavaTools;
  before(async () => {
    kafka = await kafkaForTests({ brokers: 3 });
    log = await KafkaLog.connect({ bootstrap: kafka.bootstrap });
    tools = await JavaTools.open(kafka.bootstrap.join(','));
  });
  after(async () => {
    await log?.close();
    await kafka?.stop();
  });
  const ours = (...args: string[]) => verb(...args, '-b', kafka.bootstrap.join(','));

  test('topics describe agrees with TopicCommand on leaders, replicas, in-sync replicas and configuration', async (t) => {
    const topic = unique('described');
    const config = { 'cleanup.policy': 'compact', 'max.message.bytes': '2000000' };
    await log.createTopics([{ name: topic, partitions: 5, replicationFactor: kafka.bootstrap.length, config }]);
    const text = (await ours('topics', 'describe', '-t', topic)).stdout;
    const { stdout } = await tools.run(t, 'kafka-topics', ['--describe', '--topic', topic]);
    const [head, ...lines] = stdout.split('\n').filter((line) => line.includes('Topic:'));
    const field = (line: string, name: string) => new RegExp(`\\b${name}: ?(\\S+)`).exec(line)?.[1];

    assert.deepEqual(
      rowsOf({ stdout: text }, 'partition').map((row) => [row.partition, row.leader, row.replicas, row.isr]),
      lines.map((line) => ['Partition', 'Leader', 'Replicas', 'Isr'].map((name) => field(line, name))),
    );
    assert.equal(lines.length, 5);
    for (const name of ['PartitionCount', 'ReplicationFactor'])
      assert.equal(field(text, name), field(head!, name), name);
    const configs = (line: string) => field(line, 'Configs')!.split(',').sort();
    assert.deepEqual(configs(text), configs(head!));
  });

  test('groups describe agrees with ConsumerGroupCommand, for both kinds of groups', async (t) => {
    const topic = unique('consumed');
    await log.createTopics([{ name: topic, partitions: 3 }]);
    const append = async () => {
      for (let partition = 0; partition < 3; partition++)
        await appendTexts(
          log,
          { topic, partition },
          Array.from({ length: 4 + partition }, (_, index) => `${index}`),
        );
    };
    await append();
    const group = { classic: unique('classic'), consumer: unique('consumer'), away: unique('away') };
    await log.group(group.away).commit([
      { topic, partition: 0, offset: 1 },
      { topic, partition: 2, offset: 6 },
    ]);
    for (const protocol of ['classic', 'consumer'] as const) {
      tools.launch(t, 'kafka-console-consumer', [
        ...['--topic', topic, '--group', group[protocol], '--from-beginning'],
        ...['group.protocol', 'client.id', 'auto.commit.interval.ms']
          .map((name, index) => `${name}=${[protocol, `client-${protocol}`, 100][index]}`)
          .flatMap((property) => ['--consumer-property', property]),
      ]);
    }
    const reports = async () =>
      objectsOf<GroupReport>(await ours('groups', 'describe', group.classic, group.consumer, group.away, '--json'));
    const running = await patiently(async () => {
      const found = await reports();
      const caughtUp = found.slice(0, 2).filter(({ state, lag, partitions, members }) => {
        return state === 'Stable' && lag === 0 && members.length === 1 && partitions.every((one) => one.lag === 0);
      });
      return caughtUp.length === 2 && found;
    });
    assert.deepEqual(
      running.map(({ type, assignor }) => [type, assignor]),
      [
        ['classic', 'range'],
        ['consumer', 'uniform'],
        ['classic', ''],
      ],
    );

    const { stdout } = await tools.run(t, 'kafka-consumer-groups', [
      '--describe',
      ...Object.values(group).flatMap((name) => ['--group', name]),
    ]);
    const theirs = stdout
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([name]) => (Object.values(group) as (string | undefined)[]).includes(name))
      .map((cells) => cells.join(' '));
    const text = await ours('groups', 'describe', ...Object.values(group));
    const mine = Object.values(group).flatMap((name) => {
      const table = text.stdout.slice(text.stdout.search(new RegExp(`GROUP .*\\n${name} `)));
      return rowsOf({ stdout: table }, 'GROUP')
        .filter((row) => row.GROUP === name)
        .map(({ 'SECONDS-BEHIND': _, ...row }) => Object.values(row).join(' '));
    });
    assert.equal(mine.length, 3 + 3 + 2);
    assert.deepEqual(mine.sort(), theirs.sort());
    assert.match(text.stderr, new RegExp(`Consumer group '${group.away}' has no active members\\.`));
    assert.match(text.stdout, /lag 3, \d+\.\d s behind at most, 2 partitions, 0 members/);
  });
});
