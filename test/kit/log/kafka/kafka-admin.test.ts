/** The same cases for Kafka and for the embedded log's broker: both are administered by one protocol. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { unique } from '../../../../src/kit/log/contract-support.ts';
import type { GroupMember } from '../../../../src/kit/log/event-log.ts';
import { KafkaAdmin } from '../../../../src/kit/log/kafka/kafka-admin.ts';
import { KafkaLog } from '../../../../src/kit/log/kafka/kafka-log.ts';
import { KAFKA_COMPONENTS, kafkaForTests } from '../../../support/cluster.ts';
import { missing } from '../../../support/requirements.ts';
import { serveLog } from '../../../support/served-log.ts';
import { until } from '../../../support/until.ts';

interface Opened {
  readonly bootstrap: readonly string[];
  /** Node id of a broker. */
  readonly broker: string;
  close(): Promise<void>;
}

describe('administration by the protocol', { concurrency: true }, () => {
  administers('the embedded log', false, async () => {
    const served = await serveLog();
    return { bootstrap: [served.bootstrap], broker: '1', close: () => served.close() };
  });
  administers('Kafka', missing(...KAFKA_COMPONENTS) ?? false, async () => {
    const kafka = await kafkaForTests();
    return { bootstrap: kafka.bootstrap, broker: '1', close: () => kafka.stop() };
  });
});

function administers(name: string, skip: string | false, open: () => Promise<Opened>): void {
  describe(name, { skip, timeout: 120_000 }, () => {
    let opened: Opened;
    let log: KafkaLog;
    let admin: KafkaAdmin;
    before(async () => {
      opened = await open();
      log = await KafkaLog.connect({ bootstrap: opened.bootstrap, clientId: 'reader' });
      admin = new KafkaAdmin({ bootstrap: opened.bootstrap });
    });
    after(async () => {
      await admin?.close();
      await log?.close();
      await opened?.close();
    });

    const topicOf = async (partitions = 1): Promise<string> => {
      const topic = unique('admin');
      await log.createTopics([{ name: topic, partitions }]);
      return topic;
    };
    const member = (group: string, topic: string): Promise<GroupMember> =>
      log.group(group).join({
        topics: [topic],
        onAssigned: async () => [],
        onRecords: async () => {},
        onRevoked: async () => {},
      });

    test('deletes topics, and all but the one that is not there', async () => {
      const [one, other] = [await topicOf(), await topicOf()];
      await assert.rejects(admin.deleteTopics([one, 'nowhere', other]), {
        code: 'UNKNOWN_TOPIC',
        details: { topic: 'nowhere', deleted: [one, other], kafkaError: 'UNKNOWN_TOPIC_OR_PARTITION' },
      });
      await assert.rejects(log.describe([one]), { code: 'UNKNOWN_TOPIC' });
      await assert.rejects(log.describe([other]), { code: 'UNKNOWN_TOPIC' });
    });

    test('adds partitions, and asks whether it could without doing it', async () => {
      const topic = await topicOf(2);
      const count = async () => (await log.describe([topic])).topics[0]!.partitions.length;
      await admin.addPartitions(topic, 4, { validateOnly: true });
      assert.equal(await count(), 2);
      await admin.addPartitions(topic, 4);
      assert.equal(await count(), 4);
      await assert.rejects(admin.addPartitions(topic, 4), { code: 'INVALID_PARTITIONS' });
      await assert.rejects(admin.addPartitions('nowhere', 4), { code: 'UNKNOWN_TOPIC' });
    });

    test('knows how much room a topic takes', async () => {
      const topic = await topicOf();
      assert.equal(await admin.bytesOf(topic), 0);
      const record = { key: null, value: Buffer.alloc(1_000), headers: [], timestamp: Date.now() };
      await log.append({ topic, partition: 0, records: [record] });
      assert.ok((await admin.bytesOf(topic))! > 1_000);
    });

    test('describes and alters the configuration of a topic', async () => {
      const topic = await topicOf();
      const resource = { type: 'topic', name: topic } as const;
      const retention = async () => {
        const entry = (await admin.describeConfigs(resource)).find(({ name: one }) => one === 'retention.ms');
        return [entry?.value, entry?.source];
      };
      const initial = await retention();
      assert.equal(initial[1], 'DEFAULT_CONFIG');
      await admin.alterConfigs(resource, { 'retention.ms': '60000' }, { validateOnly: true });
      assert.deepEqual(await retention(), initial);
      await admin.alterConfigs(resource, { 'retention.ms': '60000' });
      assert.deepEqual(await retention(), ['60000', 'DYNAMIC_TOPIC_CONFIG']);
      await admin.alterConfigs(resource, { 'retention.ms': null });
      assert.deepEqual(await retention(), initial);
      for (const changes of [{ 'retention.ms': 'soon' }, { 'no.such.config': '1' }]) {
        await assert.rejects(admin.alterConfigs(resource, changes), { code: 'INVALID_CONFIG' });
      }
      await assert.rejects(admin.describeConfigs({ type: 'topic', name: 'nowhere' }), { code: 'UNKNOWN_TOPIC' });
    });

    test('describes the configuration of a broker', async () => {
      const entries = await admin.describeConfigs({ type: 'broker', name: opened.broker });
      const names = entries.map(({ name: one }) => one);
      assert.deepEqual(names, names.toSorted());
      assert.equal(entries.find(({ name: one }) => one === 'node.id')?.value, opened.broker);
      await assert.rejects(admin.describeConfigs({ type: 'broker', name: '77' }), { code: 'UNKNOWN_BROKER' });
    });

    test('sees a group with members, empty, and gone', async () => {
      const [topic, group] = [await topicOf(2), unique('group')];
      await assert.rejects(admin.describeGroup(group), { code: 'UNKNOWN_GROUP' });
      const joined = await member(group, topic);
      await until(() => joined.assignment().length === 2);
      const at = [
        { topic, partition: 0, offset: 0 },
        { topic, partition: 1, offset: 0 },
      ];
      await joined.commit(at);
      const running = await until(async () => {
        const now = await admin.describeGroup(group);
        return now.state === 'Stable' && now;
      });
      assert.deepEqual(
        running.members.map(({ clientId, instanceId, assignment }) => ({ clientId, instanceId, assignment })),
        [{ clientId: 'reader', instanceId: null, assignment: at.map(({ partition }) => ({ topic, partition })) }],
      );
      assert.match(running.members[0]!.host, /127\.0\.0\.1/);
      assert.deepEqual([running.type, running.protocolType, running.assignor], ['classic', 'consumer', 'roundrobin']);
      await assert.rejects(admin.deleteGroup(group), { code: 'GROUP_ACTIVE' });
      await assert.rejects(admin.deleteOffsets(group, [{ topic, partition: 0 }]), { code: 'GROUP_SUBSCRIBED' });

      await joined.leave();
      const empty = (await admin.listGroups()).find(({ groupId }) => groupId === group);
      assert.deepEqual(empty, { groupId: group, protocolType: 'consumer', state: 'Empty', type: 'classic' });
      assert.equal((await admin.describeGroup(group)).members.length, 0);
      await admin.deleteOffsets(group, [{ topic, partition: 0 }]);
      assert.deepEqual(await admin.committed(group), [at[1]]);
      await assert.rejects(admin.deleteOffsets(group, [{ topic: 'nowhere', partition: 0 }]), { code: 'UNKNOWN_TOPIC' });
      await admin.deleteGroup(group);
      await assert.rejects(admin.describeGroup(group), { code: 'UNKNOWN_GROUP' });
      await assert.rejects(admin.deleteGroup(group), { code: 'UNKNOWN_GROUP' });
      assert.deepEqual(await admin.committed(group), []);
    });

    test('says that there are no access rules', async () => {
      await assert.rejects(admin.accessRules(), { code: 'ACLS_NOT_SUPPORTED', message: /everybody who can connect/ });
    });
  });
}

test('a cluster that nobody runs is said to be unreachable', async () => {
  const admin = new KafkaAdmin({ bootstrap: ['127.0.0.1:1'], requestTimeoutMs: 200 });
  await assert.rejects(admin.listGroups(), { code: 'LOG_UNAVAILABLE' });
  await admin.close();
  assert.throws(() => new KafkaAdmin({ bootstrap: ['nonsense'] }), { code: 'INVALID_BOOTSTRAP' });
});
