/** kafkajs 2.2.4, which many services for Node are written with, against the embedded log. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import kafkajs, { CompressionTypes, Kafka, type KafkaMessage, logLevel, Partitioners } from 'kafkajs';
import { patiently } from '../../support/programs.ts';
import { type ServedLog, serveLog } from '../../support/served-log.ts';
import { readPartition } from '../../support/wire-records.ts';

const createPartitioner = Partitioners.DefaultPartitioner;

describe('kafkajs', { timeout: 240_000 }, () => {
  let served: ServedLog;
  let kafka: Kafka;
  before(async () => {
    served = await serveLog();
    kafka = new Kafka({ clientId: 'kafkajs', brokers: [served.bootstrap], logLevel: logLevel.NOTHING });
  });
  after(async () => {
    await served.close();
    assert.deepEqual(served.complaints, [], 'the broker found nothing to complain of');
  });

  test('admin: topics, their configs, partitions, offsets and records', async (t) => {
    const admin = kafka.admin({ retry: { retries: 2 } });
    await admin.connect();
    t.after(() => admin.disconnect());
    const topics = [
      { topic: 'made', numPartitions: 2, configEntries: [{ name: 'cleanup.policy', value: 'compact,delete' }] },
    ];
    assert.equal(await admin.createTopics({ topics, waitForLeaders: true }), true);
    assert.equal(await admin.createTopics({ topics }), false, 'it is there already');
    await assert.rejects(admin.createTopics({ topics: [{ topic: 'a/b' }] }), ({ errors }) => {
      return errors[0].type === 'INVALID_TOPIC_EXCEPTION';
    });
    assert.deepEqual(await admin.listTopics(), ['made']);
    await admin.createPartitions({ topicPartitions: [{ topic: 'made', count: 3 }] });
    const { topics: described } = await admin.fetchTopicMetadata({ topics: ['made'] });
    assert.deepEqual(
      described[0]!.partitions.map(({ partitionId, leader, isr }) => ({ partitionId, isr: isr.includes(leader) })),
      [0, 1, 2].map((partitionId) => ({ partitionId, isr: true })),
    );
    const { brokers, controller, clusterId } = await admin.describeCluster();
    assert.equal(`${brokers[0]!.host}:${brokers[0]!.port}`, served.bootstrap);
    assert.equal(controller, brokers[0]!.nodeId);
    assert.equal(clusterId, served.log.store.clusterId);

    const configOf = async (name: string): Promise<string | undefined> => {
      const { resources } = await admin.describeConfigs({
        includeSynonyms: true,
        resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: 'made', configNames: [name] }],
      });
      return resources[0]!.configEntries.find((entry) => entry.configName === name)?.configValue;
    };
    assert.equal(await configOf('cleanup.policy'), 'compact,delete');
    const configEntries = [{ name: 'retention.ms', value: '60000' }];
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: 'made', configEntries }],
    });
    assert.equal(await configOf('retention.ms'), '60000');
    assert.equal(await configOf('cleanup.policy'), 'delete', 'what is not named goes back to its default');

    const at = { topic: 'made', partition: 0 };
    const records = [1, 2, 3].map((n) => ({
      key: Buffer.from('k'),
      value: Buffer.from(String(n)),
      headers: [],
      timestamp: 1_700_000_000_000 + n * 1_000,
    }));
    await served.log.append({ ...at, records });
    await admin.deleteTopicRecords({ topic: 'made', partitions: [{ partition: 0, offset: '1' }] });
    const offsets = await admin.fetchTopicOffsets('made');
    assert.deepEqual(
      offsets.find(({ partition }) => partition === 0),
      { partition: 0, offset: '3', high: '3', low: '1' },
    );
    const byTime = await admin.fetchTopicOffsetsByTimestamp('made', 1_700_000_003_000);
    assert.equal(byTime.find(({ partition }) => partition === 0)!.offset, '2');

    await admin.setOffsets({ groupId: 'set-from-outside', topic: 'made', partitions: [{ partition: 0, offset: '2' }] });
    const [committed] = await admin.fetchOffsets({ groupId: 'set-from-outside', topics: ['made'] });
    assert.deepEqual(committed!.partitions.map(({ partition, offset }) => [partition, offset]).sort(), [
      [0, '2'],
      [1, '-1'],
      [2, '-1'],
    ]);
    assert.deepEqual(await admin.listGroups(), { groups: [{ groupId: 'set-from-outside', protocolType: 'consumer' }] });
    await admin.deleteGroups(['set-from-outside']);
    await admin.deleteTopics({ topics: ['made'] });
    assert.deepEqual(await admin.listTopics(), []);
    await assert.rejects(admin.fetchTopicMetadata({ topics: ['made'] }), /does not host this topic-partition/);
  });

  test('produces with each acks, compressed, idempotently; keys, headers, nulls and times survive', async (t) => {
    await served.log.createTopics([{ name: 'sent', partitions: 1 }]);
    const timestamp = String(1_700_000_000_000);
    const send = async (name: string, acks: number, compression: CompressionTypes, idempotent: boolean) => {
      const producer = kafka.producer({ createPartitioner, idempotent, maxInFlightRequests: 1 });
      await producer.connect();
      t.after(() => producer.disconnect());
      const messages = Array.from({ length: 20 }, (_, i) => ({
        key: i === 0 ? null : `key-${i}`,
        value: i === 1 ? null : `${name} ${i}`,
        headers: { by: name, twice: ['a', 'b'] },
        timestamp,
      }));
      return (await producer.send({ topic: 'sent', acks, compression, messages }))[0];
    };
    const leader = await send('leader', 1, CompressionTypes.None, false);
    assert.deepEqual(leader, {
      topicName: 'sent',
      partition: 0,
      errorCode: 0,
      baseOffset: '0',
      logAppendTime: '-1',
      logStartOffset: '0',
    });
    assert.equal((await send('all', -1, CompressionTypes.GZIP, false))!.baseOffset, '20');
    assert.equal((await send('idempotent', -1, CompressionTypes.GZIP, true))!.baseOffset, '40');
    await send('nobody', 0, CompressionTypes.None, false);
    const at = { topic: 'sent', partition: 0 };
    await patiently(() => served.log.store.offsets(at).end === 80, { what: 'records sent without acknowledgement' });
    const expected = ['leader', 'all', 'idempotent', 'nobody'].flatMap((name, part) =>
      Array.from({ length: 20 }, (_, i) => ({
        partition: 0,
        offset: part * 20 + i,
        key: i === 0 ? null : `key-${i}`,
        value: i === 1 ? null : `${name} ${i}`,
        headers: `by=${name},twice=a,twice=b`,
      })),
    );
    assert.deepEqual(await readPartition(served.log, at), expected);
    const { records } = await served.log.read({ ...at, offset: 0, maxRecords: 1 });
    assert.equal(String(records[0]!.timestamp), timestamp);
  });

  test('a record that is too large is refused with Kafka’s words', async (t) => {
    await served.log.createTopics([{ name: 'small', partitions: 1, config: { 'max.message.bytes': '1000' } }]);
    const producer = kafka.producer({ createPartitioner });
    await producer.connect();
    t.after(() => producer.disconnect());
    const messages = [{ value: 'x'.repeat(2_000) }];
    await assert.rejects(producer.send({ topic: 'small', messages }), { type: 'MESSAGE_TOO_LARGE' });
  });

  test('two consumers share a group; one leaves and the other goes on from what was committed', async (t) => {
    await served.log.createTopics([{ name: 'consumed', partitions: 4 }]);
    const producer = kafka.producer({ createPartitioner });
    await producer.connect();
    t.after(() => producer.disconnect());
    const send = (prefix: string) =>
      producer.send({
        topic: 'consumed',
        messages: Array.from({ length: 40 }, (_, i) => ({ value: `${prefix}${i}`, partition: i % 4 })),
      });
    const member = async () => {
      const seen: string[] = [];
      const consumer = kafka.consumer({
        groupId: 'kafkajs',
        sessionTimeout: 6_000,
        heartbeatInterval: 200,
        maxWaitTimeInMs: 100,
      });
      await consumer.connect();
      t.after(() => consumer.disconnect());
      await consumer.subscribe({ topic: 'consumed', fromBeginning: true });
      const eachMessage = async ({ message }: { message: KafkaMessage }): Promise<void> =>
        void seen.push(message.value!.toString());
      await consumer.run({ eachMessage, autoCommitInterval: 100 });
      return { consumer, seen };
    };
    const stableWith = (count: number) => () => {
      const { state, members } = served.log.coordinator.describe('kafkajs');
      return state === 'Stable' && members.length === count;
    };
    const one = await member();
    await send('early-');
    await patiently(() => one.seen.length === 40, { what: 'a member alone reads everything' });
    const two = await member();
    await patiently(stableWith(2), { what: 'two members' });
    await send('shared-');
    const shared = (seen: string[]) => seen.filter((value) => value.startsWith('shared-')).length;
    await patiently(() => shared(one.seen) === 20 && shared(two.seen) === 20, { what: 'each reads its half' });

    const admin = kafka.admin();
    await admin.connect();
    t.after(() => admin.disconnect());
    const { groups } = await admin.describeGroups(['kafkajs']);
    assert.equal(groups[0]!.state, 'Stable');
    assert.deepEqual(
      groups[0]!.members.map(({ clientId, clientHost }) => [clientId, clientHost]),
      [
        ['kafkajs', '/127.0.0.1'],
        ['kafkajs', '/127.0.0.1'],
      ],
    );
    await assert.rejects(admin.deleteGroups(['kafkajs']), /Error in DeleteGroups/);

    await one.consumer.disconnect();
    await patiently(stableWith(1), { what: 'one member' });
    await send('late-');
    await patiently(() => two.seen.filter((value) => value.startsWith('late-')).length === 40, {
      what: 'the other takes over',
    });
    assert.equal(new Set([...one.seen, ...two.seen]).size, one.seen.length + two.seen.length, 'none twice');
    await two.consumer.disconnect();
    const committed = await served.log.group('kafkajs').committed();
    assert.deepEqual(
      committed.map(({ offset }) => offset),
      [30, 30, 30, 30],
    );
  });

  test('a transactional producer fails at its first transaction', async (t) => {
    const producer = kafka.producer({
      createPartitioner,
      transactionalId: 'tx',
      idempotent: true,
      maxInFlightRequests: 1,
      retry: { retries: 1 },
    });
    t.after(() => producer.disconnect());
    await producer.connect();
    await assert.rejects(producer.transaction(), { message: 'Failed to find group coordinator' });
  });
});
