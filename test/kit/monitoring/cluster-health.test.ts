import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { KafkaLog } from '../../../src/kit/log/kafka/kafka-log.ts';
import { ClusterHealth } from '../../../src/kit/monitoring/cluster-health.ts';
import { KAFKA_COMPONENTS, kafkaForTests, type TestKafka } from '../../support/cluster.ts';
import { missing } from '../../support/requirements.ts';
import { until } from '../../support/until.ts';

test('a cluster that is not there is down, not an error', async () => {
  const health = new ClusterHealth({ bootstrap: ['127.0.0.1:1'] });
  const report = await health.report();
  health.close();
  assert.deepEqual([report.status, report.broker_count, report.controller_id], ['down', 0, -1]);
  assert.match(report.error!, /no broker answers.*127\.0\.0\.1:1/);
});

test('a broker that hangs costs a look no more than three seconds, and all who ask share it', async (t) => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const health = new ClusterHealth({ bootstrap: [`127.0.0.1:${(server.address() as AddressInfo).port}`] });
  const startedAt = performance.now();
  const reports = await Promise.all(Array.from({ length: 50 }, () => health.report()));
  const elapsedMs = performance.now() - startedAt;
  assert.equal(new Set(reports).size, 1);
  assert.equal(await health.report(), reports[0], 'kept for a moment');
  health.close();
  assert.equal(sockets.length, 1);
  assert.equal(reports[0]!.status, 'down');
  assert(elapsedMs <= 3_000, `${elapsedMs} ms`);
});

test('an address that is none is refused at once', () => {
  assert.throws(() => new ClusterHealth({ bootstrap: ['nowhere'] }), { code: 'INVALID_BOOTSTRAP' });
});

describe('on Kafka', { skip: missing(...KAFKA_COMPONENTS) ?? false }, () => {
  let kafka: TestKafka;
  let log: KafkaLog;
  let health: ClusterHealth;
  const topic = `health-${process.pid}`;
  const group = `${topic}-group`;

  before(async () => {
    kafka = await kafkaForTests();
    log = await KafkaLog.connect({ bootstrap: kafka.bootstrap });
    health = new ClusterHealth({ bootstrap: kafka.bootstrap, maxAgeMs: 0 });
    await log.createTopics([{ name: topic, partitions: 3 }]);
  });
  after(async () => {
    health?.close();
    await log?.close();
    await kafka?.stop();
  });

  async function append(partition: number, timestamps: readonly number[]): Promise<void> {
    const records = timestamps.map((timestamp) => ({ key: null, value: Buffer.alloc(1_000), headers: [], timestamp }));
    await log.append({ topic, partition, records });
  }

  test('brokers, quorum, partitions and totals', async () => {
    await append(0, [Date.now(), Date.now()]);
    // A machine under load may let one look time out.
    const report = await until(
      async () => {
        const seen = await health.report();
        return seen.incomplete.length === 0 && seen.brokers.every(({ state }) => state === 'RUNNING') && seen;
      },
      { what: 'a whole look at brokers that run' },
    );
    assert.equal(report.broker_count, report.brokers.length);
    const { brokers } = report;
    assert.equal(brokers.filter(({ role }) => role === 'controller_leader').length, 1);
    assert.equal(brokers.find(({ role }) => role === 'controller_leader')!.id, report.controller_id);
    assert(report.controller_epoch! >= 1);
    assert.equal(report.controller_elections, 0);
    for (const broker of brokers) {
      assert(kafka.bootstrap.includes(`${broker.host}:${broker.port}`));
      assert(broker.usable_bytes! > 0 && broker.metadata_lag !== null);
    }
    const found = report.topics.find(({ name }) => name === topic)!;
    assert.deepEqual(
      [found.internal, found.min_insync_replicas],
      [false, Math.min(2, Math.max(1, brokers.length - 1))],
    );
    assert.deepEqual(
      found.partitions.map(({ end_offset, start_offset }) => [end_offset, start_offset]),
      [
        [2, 0],
        [0, 0],
        [0, 0],
      ],
    );
    for (const { leader, replicas, isr, preferred, offline } of found.partitions) {
      assert.deepEqual([leader, isr.length, preferred, offline], [replicas[0], replicas.length, true, false]);
    }
  });

  test('a group: lag in records and in seconds, and its members', async () => {
    const now = Date.now();
    await append(1, [now - 60_000, now - 30_000, now]);
    await log.group(group).commit([{ topic, partition: 1, offset: 1 }]);
    const seen = async () => (await health.report()).groups.find((one) => one.group === group);
    // on a shared cluster others lag more, and are looked up first
    const aged = async () => {
      const one = await seen();
      return one !== undefined && one.lag_seconds !== null && one;
    };
    const before = await until(aged, { what: 'the group and its age' });
    assert.deepEqual([before.state, before.members, before.lag], ['Empty', 0, 2]);
    assert(before.lag_seconds! >= 30 && before.lag_seconds! < 45, `${before.lag_seconds}`);
    assert.equal(before.partitions[0]!.committed_offset, 1);

    const member = await log.group(group).join({
      topics: [topic],
      onAssigned: async () => [],
      onRecords: async () => {},
      onRevoked: async () => {},
    });
    await until(async () => (await seen())?.members === 1, { what: 'its member' });
    await member.leave();
    await log.group(group).commit([{ topic, partition: 1, offset: 3 }]);
    const done = await until(async () => {
      const one = await seen();
      return one?.lag === 0 && one;
    });
    assert.equal(done.lag_seconds, 0);
  });

  test('rates are what came in between two looks', async () => {
    await health.report();
    const startedAt = Date.now();
    await append(
      2,
      Array.from({ length: 500 }, () => startedAt),
    );
    const report = await health.report();
    // Others may write to a shared cluster: no less than ours, in no less than the time it took.
    const atLeast = (500 * 1_000) / (Date.now() - startedAt + 1_000);
    assert(report.messages_in_per_second! >= atLeast, `${report.messages_in_per_second}`);
    const { leader } = report.topics.find(({ name }) => name === topic)!.partitions[2]!;
    const broker = report.brokers.find(({ id }) => id === leader)!;
    assert(broker.messages_in_per_second! >= atLeast);
    assert(broker.bytes_in_per_second! >= atLeast * 1_000, `${broker.bytes_in_per_second}`);
    assert.deepEqual(broker.request_latency_p99_ms, { produce: null, fetch: null }, 'not told by the protocol');
  });
});
