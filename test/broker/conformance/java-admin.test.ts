/** Kafka's administrative tools against the embedded log. Each is a JVM of its own, so what is independent runs at once. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { KAFKA_COMPONENTS } from '../../support/cluster.ts';
import { type JavaTool, JavaTools } from '../../support/java-tools.ts';
import { missing } from '../../support/requirements.ts';
import { type ServedLog, serveLog } from '../../support/served-log.ts';
import { appendTexts } from '../../support/wire-records.ts';

describe('Kafka’s administrative tools', { skip: missing(...KAFKA_COMPONENTS) ?? false, timeout: 240_000 }, () => {
  let served: ServedLog;
  let tools: JavaTools;
  before(async () => {
    served = await serveLog();
    tools = await JavaTools.open(served.bootstrap);
  });
  after(async () => {
    await served.close();
    assert.deepEqual(served.complaints, [], 'the broker found nothing to complain of');
  });

  const said = async (t: TestContext, tool: JavaTool, line: string, code: number | null = 0): Promise<string> => {
    const { stdout, stderr } = await tools.run(t, tool, line.split(' '), { code });
    return `${stdout}\n${stderr}`;
  };

  test('kafka-topics creates, lists, describes, grows and deletes', async (t) => {
    const topics = (line: string, code: number | null = 0) => said(t, 'kafka-topics', line, code);
    const [created, compacted, tooMany] = await Promise.all([
      topics('--create --topic plain --partitions 3 --replication-factor 1'),
      topics('--create --topic kept-by-key --config cleanup.policy=compact --config retention.ms=60000'),
      topics('--create --topic three-copies --replication-factor 3', 1),
    ]);
    assert.match(created, /Created topic plain\./);
    assert.match(compacted, /Created topic kept-by-key\./);
    assert.match(tooMany, /replication factor of 3/i);

    const [listed, described, again, grown, shrunk, unknown] = await Promise.all([
      topics('--list'),
      topics('--describe --topic kept-by-key'),
      topics('--create --topic plain', 1),
      topics('--alter --topic plain --partitions 5'),
      topics('--alter --topic kept-by-key --partitions 0', 1),
      topics('--create --topic plain-but --config retention.minutes=1', 1),
    ]);
    assert.deepEqual(
      listed.split('\n').filter((line) => line !== ''),
      ['kept-by-key', 'plain'],
    );
    assert.match(described, /Topic: kept-by-key\s+TopicId: \S{22}\s+PartitionCount: 1\s+ReplicationFactor: 1/);
    assert.match(described, /Configs: \S*cleanup\.policy=compact/);
    assert.match(described, /retention\.ms=60000/);
    assert.match(described, /Partition: 0\s+Leader: (\d+)\s+Replicas: \1\s+Isr: \1/);
    assert.match(again, /Topic ["']plain["'] (already exists|exists already)/);
    assert.ok(!/error/i.test(grown), grown);
    assert.match(shrunk, /Error while executing topic command/);
    assert.match(unknown, /retention\.minutes/);
    assert.deepEqual((await served.log.describe(['plain'])).topics[0]!.partitions.length, 5);

    await topics('--delete --topic plain');
    assert.match(await topics('--describe --topic plain', 1), /Topic 'plain' does not exist as expected/);
    assert.deepEqual(
      (await served.log.describe()).topics.map(({ name }) => name),
      ['kept-by-key'],
    );
  });

  test('kafka-configs alters and describes', async (t) => {
    await served.log.createTopics([{ name: 'configured', partitions: 1, config: { 'segment.bytes': '10485760' } }]);
    const configs = (line: string, code: number | null = 0) => said(t, 'kafka-configs', line, code);
    const ofTopic = '--entity-type topics --entity-name configured';
    const add = '--alter --add-config';
    const [altered, wrong, ofBroker] = await Promise.all([
      configs(`${ofTopic} ${add} retention.ms=1000,cleanup.policy=[compact,delete],max.message.bytes=2000`),
      configs(`${ofTopic} ${add} cleanup.policy=shred`, 1),
      configs('--describe --all --entity-type brokers --entity-name 1'),
    ]);
    assert.match(altered, /Completed updating config for topic configured\./);
    assert.match(wrong, /cleanup\.policy/);
    assert.match(wrong, /shred/);
    assert.match(ofBroker, /All configs for broker 1 are:/);
    const deleted = await configs(`${ofTopic} --alter --delete-config retention.ms`);
    assert.match(deleted, /Completed updating config/);
    const [changed, all] = await Promise.all([
      configs(`--describe ${ofTopic}`),
      configs(`--describe --all ${ofTopic}`),
    ]);
    assert.match(changed, /Dynamic configs for topic configured are:/);
    assert.match(changed, /cleanup\.policy=compact,delete sensitive=false synonyms=\{DYNAMIC_TOPIC_CONFIG:cleanup/);
    assert.match(changed, /max\.message\.bytes=2000/);
    assert.match(changed, /segment\.bytes=10485760/);
    assert.doesNotMatch(changed, /retention\.ms/);
    assert.match(all, /retention\.ms=-1 sensitive=false/);
    assert.match(all, /compression\.type=producer/);
  });

  test('kafka-get-offsets, kafka-delete-records and kafka-log-dirs', async (t) => {
    await served.log.createTopics([{ name: 'measured', partitions: 2 }]);
    const start = 1_700_000_000_000;
    await appendTexts(served.log, { topic: 'measured', partition: 0 }, ['a', 'b', 'c', 'd', 'e'], (i) =>
      i === 1 ? start + 9_000 : start + i * 1_000,
    );
    const offsets = async (time: string): Promise<string[]> =>
      (await said(t, 'kafka-get-offsets', `--topic measured --time ${time}`)).split('\n').filter((line) => line !== '');
    const file = join(served.directory, 'delete.json');
    const partitions = [
      { topic: 'measured', partition: 0, offset: 2 },
      { topic: 'measured', partition: 1, offset: -1 },
    ];
    await writeFile(file, JSON.stringify({ version: 1, partitions }));

    const [latest, last, byTime, directories] = await Promise.all([
      offsets('latest'),
      offsets('max-timestamp'),
      offsets(String(start + 3_000)),
      said(t, 'kafka-log-dirs', '--describe --topic-list measured'),
    ]);
    assert.deepEqual(latest, ['measured:0:5', 'measured:1:0']);
    assert.deepEqual(last, ['measured:0:1']);
    assert.deepEqual(byTime, ['measured:0:1']);
    const described = JSON.parse(directories.split('\n').find((line) => line.startsWith('{'))!);
    const [directory] = described.brokers[0].logDirs;
    assert.deepEqual(directory.partitions.map(({ partition }: { partition: string }) => partition).sort(), [
      'measured-0',
      'measured-1',
    ]);
    assert.ok(directory.partitions.some(({ size }: { size: number }) => size > 100));

    const deleted = await said(t, 'kafka-delete-records', `--offset-json-file ${file}`);
    assert.match(deleted, /partition: measured-0\s+low_watermark: 2/);
    assert.match(deleted, /partition: measured-1\s+low_watermark: 0/);
    assert.deepEqual(await offsets('earliest'), ['measured:0:2', 'measured:1:0']);
    assert.deepEqual(await served.log.listOffsets([{ topic: 'measured', partition: 0, at: 'earliest' }]), [2]);
  });

  test('kafka-broker-api-versions knows everything that is offered', async (t) => {
    const versions = await said(t, 'kafka-broker-api-versions', '');
    assert.match(versions, new RegExp(`${served.bootstrap} \\(id: \\d+ rack: null`));
    assert.match(versions, /Produce\(0\): 0 to \d+ \[usable: 1[23]\]/);
    assert.match(versions, /TxnOffsetCommit\(28\): UNSUPPORTED/);
    assert.doesNotMatch(versions, /UNKNOWN/);
  });
});
