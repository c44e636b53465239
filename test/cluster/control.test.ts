import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Cluster } from '../../src/cluster/cluster.ts';
import { healCluster, signalServer, startServer, stopCluster } from '../../src/cluster/remote-control.ts';
import { clusterStatus, type ServerReport } from '../../src/cluster/report.ts';
import { startTime } from '../../src/cluster/supervisor.ts';
import { KafkaLog } from '../../src/kit/log/kafka/kafka-log.ts';
import { KAFKA_COMPONENTS, startTestCluster } from '../support/cluster.ts';
import { missing } from '../support/requirements.ts';
import { until } from '../support/until.ts';

const TOPIC = 'kept';
const PARTITIONS = 6;

describe('control of a running cluster', { skip: missing(...KAFKA_COMPONENTS, 'redis-server') ?? false }, () => {
  let directory: string;
  let cluster: Cluster;
  let log: KafkaLog;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'streamsocial-control-'));
    cluster = await startTestCluster({ brokers: 3, redis: true, directory });
    log = await KafkaLog.connect({ bootstrap: cluster.bootstrap });
    await log.createTopics([{ name: TOPIC, partitions: PARTITIONS }]);
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const record = { key: null, value: Buffer.from('kept'), headers: [], timestamp: Date.now() };
      await log.append({ topic: TOPIC, partition, records: [record] });
    }
  });
  after(async () => {
    await log?.close();
    await cluster?.stop();
    await rm(directory, { recursive: true, force: true });
  });

  const server = async (name: string): Promise<ServerReport> => {
    const { servers } = (await clusterStatus(directory))!;
    return servers.find((candidate) => candidate.name === name)!;
  };
  const dataOf = (name: string): string => join(directory, 'data-3', name);

  test('a server that is killed is gone, and one that is started answers', async () => {
    const pid = cluster.pid('kafka-1');
    assert.ok(pid !== null);
    await cluster.kill('kafka-1');
    assert.equal(cluster.pid('kafka-1'), null);
    assert.equal(await startTime(pid), undefined);
    const { alive, answers, ended } = await server('kafka-1');
    assert.deepEqual({ alive, answers, ended }, { alive: false, answers: false, ended: 'was ended by SIGKILL' });
    await assert.rejects(cluster.kill('kafka-1'), { code: 'SERVER_NOT_RUNNING' });
    assert.throws(() => cluster.pause('kafka-1'), { code: 'SERVER_NOT_RUNNING' });
    await assert.rejects(signalServer(directory, 'kafka-1', 'SIGKILL'), { code: 'SERVER_NOT_RUNNING' });

    await Promise.all([cluster.start('kafka-1'), cluster.start('kafka-1')]);
    assert.notEqual(cluster.pid('kafka-1'), pid);
    assert.equal((await log.describe([])).brokers.length, 3);
    await assert.rejects(cluster.start('kafka-1'), { code: 'SERVER_RUNNING' });
    await assert.rejects(cluster.start('kafka-4'), {
      code: 'UNKNOWN_SERVER',
      message: /kafka-1, kafka-2, kafka-3, redis/,
    });
    assert.throws(() => cluster.pid('kafka-4'), { code: 'UNKNOWN_SERVER' });
  });

  test('a paused server is alive and does not answer; another terminal lets it go on', async () => {
    cluster.pause('kafka-2');
    // a process of many threads stops when the last one has noticed
    const { alive, answers } = await until(async () => server('kafka-2').then((it) => it.paused && it), {
      what: 'kafka-2 to be paused',
    });
    assert.deepEqual({ alive, answers }, { alive: true, answers: false });
    await signalServer(directory, 'kafka-2', 'SIGCONT');
    await until(async () => !(await server('kafka-2')).paused, { what: 'kafka-2 to go on' });
    cluster.pause('redis');
    await cluster.kill('redis', 'SIGTERM');
    assert.equal(cluster.pid('redis'), null);
    await cluster.start('redis');
  });

  test('a broker whose data is gone begins anew and catches up', async () => {
    await signalServer(directory, 'kafka-2', 'SIGTERM');
    await rm(dataOf('kafka-2'), { recursive: true });
    const progress: string[] = [];
    await startServer(directory, 'kafka-2', { waitIsr: true, onProgress: (text) => progress.push(text) });
    assert.deepEqual(progress, ['starting kafka-2']);
    const { topics } = await log.describe([TOPIC]);
    for (const { isr } of topics[0]!.partitions) assert.deepEqual(isr.toSorted(), [1, 2, 3]);
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const segment = join(dataOf('kafka-2'), `${TOPIC}-${partition}`, '00000000000000000000.log');
      assert.match(await readFile(segment, 'latin1'), /kept/);
    }
  });

  test('a half-dead cluster is healed from another terminal', async () => {
    await Promise.all([cluster.kill('kafka-1'), cluster.kill('kafka-3'), cluster.kill('redis')]);
    assert.deepEqual(await healCluster(directory), ['kafka-1', 'kafka-3', 'redis']);
    const { servers } = (await clusterStatus(directory))!;
    assert.ok(servers.every(({ answers }) => answers));
    assert.deepEqual(await healCluster(directory), []);
  });

  test('what keeps a broker from starting is named', async () => {
    await cluster.kill('kafka-3');
    const blocker = createServer().listen((await server('kafka-3')).port, '127.0.0.1');
    await once(blocker, 'listening');
    const owner = process.platform === 'linux' ? { pid: process.pid } : {};
    await assert.rejects(startServer(directory, 'kafka-3'), (error: { code: string; details: { pid?: number } }) => {
      assert.equal(error.code, 'PORT_IN_USE');
      assert.equal(error.details.pid, owner.pid);
      return true;
    });
    blocker.close();
    await once(blocker, 'close');

    const properties = join(dataOf('kafka-3'), 'meta.properties');
    const own = await readFile(properties, 'utf8');
    await writeFile(properties, own.replace(/^cluster\.id=.*$/m, 'cluster.id=AAAAAAAAAAAAAAAAAAAAAA'));
    await assert.rejects(cluster.start('kafka-3'), { code: 'CLUSTER_ID_MISMATCH', message: /AAAAAAAAAAAAAAAAAAAAAA/ });
    await writeFile(properties, own);
    await cluster.start('kafka-3');
  });

  test('it stops with a paused server in it, from another terminal too', async () => {
    const pids = cluster.servers.map((name) => cluster.pid(name)!);
    cluster.pause('kafka-2');
    cluster.pause('redis');
    assert.equal(await stopCluster(directory), true);
    for (const pid of pids) assert.equal(await startTime(pid), undefined);
    assert.equal(typeof (await cluster.ended), 'string');
    await assert.rejects(startServer(directory, 'kafka-1'), { code: 'UNREACHABLE' });
    await assert.rejects(cluster.start('kafka-1'), { code: 'CLUSTER_STOPPED' });
  });
});
