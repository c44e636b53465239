import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startCluster } from '../../src/cluster/cluster.ts';
import { freeBasePort } from '../../src/cluster/free-ports.ts';
import { stopCluster } from '../../src/cluster/remote-control.ts';
import { type ClusterReport, clusterStatus } from '../../src/cluster/report.ts';
import { startTime, waitUntil } from '../../src/cluster/supervisor.ts';
import { isKitError } from '../../src/kit/errors.ts';
import { KafkaLog } from '../../src/kit/log/kafka/kafka-log.ts';
import { KAFKA_COMPONENTS, startTestCluster, testCacheDirectory } from '../support/cluster.ts';
import { missing } from '../support/requirements.ts';

const LAUNCHER = fileURLToPath(new URL('support/launcher-process.ts', import.meta.url));

describe('cluster launcher', { skip: missing(...KAFKA_COMPONENTS, 'redis-server') ?? false }, () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'streamsocial-launcher-'));
  });
  after(async () => {
    await stopCluster(directory);
    await rm(directory, { recursive: true, force: true });
  });

  test('up, status, a second up, stop; data is there the next time', async () => {
    const cluster = await startTestCluster({ brokers: 1, redis: true, directory });
    const { servers, bootstrap, redis } = (await clusterStatus(directory))!;
    assert.deepEqual(bootstrap, cluster.bootstrap);
    assert.deepEqual(redis, cluster.redis);
    assert.deepEqual(
      servers.map(({ name, alive, answers }) => ({ name, alive, answers })),
      ['kafka-1', 'redis'].map((name) => ({ name, alive: true, answers: true })),
    );

    await assert.rejects(startTestCluster({ brokers: 1, redis: false, directory }), (error) => {
      assert.ok(isKitError(error, 'CLUSTER_RUNNING'));
      assert.match(error.message, new RegExp(`kafka-1 \\(port \\d+, pid ${servers[0]!.pid}\\)`));
      assert.deepEqual((error.details as unknown as ClusterReport).bootstrap, cluster.bootstrap);
      return true;
    });

    const log = await KafkaLog.connect({ bootstrap: cluster.bootstrap });
    await log.createTopics([{ name: 'kept', partitions: 2 }]);
    const { clusterId } = await log.describe();
    await log.close();
    await Promise.all([cluster.stop(), cluster.stop()]);
    assert.equal(await clusterStatus(directory), undefined);
    for (const { pid } of servers) assert.equal(await startTime(pid), undefined);

    const again = await startTestCluster({ brokers: 1, redis: false, directory });
    const logAgain = await KafkaLog.connect({ bootstrap: again.bootstrap });
    const described = await logAgain.describe(['kept']);
    assert.equal(described.topics[0]!.partitions.length, 2);
    assert.equal(described.clusterId, clusterId);
    await logAgain.close();
    await again.stop();
  });

  test('another process stops it', async () => {
    const launcher = spawn(process.execPath, [LAUNCHER, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
    const report = await reportOf(launcher);
    assert.equal(report.launcherPid, launcher.pid);
    const ended = once(launcher, 'exit');
    assert.equal(await stopCluster(directory), true);
    assert.equal(await startTime(report.servers[0]!.pid), undefined);
    assert.deepEqual(await ended, [0, null]);
    assert.equal(await stopCluster(directory), false);
  });

  test('the servers end when the launcher is killed, and the next up goes on', async () => {
    const launcher = spawn(process.execPath, [LAUNCHER, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
    const report = await reportOf(launcher);
    launcher.kill('SIGKILL');
    await once(launcher, 'exit');
    const cluster = await startTestCluster({ brokers: 1, redis: false, directory });
    assert.equal(await startTime(report.servers[0]!.pid), undefined);
    await cluster.stop();
  });

  test('a port in use is named, and nothing is left behind', async () => {
    const basePort = await freeBasePort(1);
    const blocker = createServer().listen(basePort, '127.0.0.1');
    await once(blocker, 'listening');
    const options = { directory, cacheDirectory: testCacheDirectory(), basePort, brokers: 1, redis: false };
    try {
      await assert.rejects(startCluster(options), (error) => {
        assert.ok(isKitError(error, 'PORT_IN_USE'));
        assert.equal(error.details.port, basePort);
        return true;
      });
    } finally {
      blocker.close();
    }
    assert.equal(await clusterStatus(directory), undefined);
    assert.ok(!(await readdir(directory)).includes('cluster.json'));
  });

  test('a broker that does not answer in time is reported with its log', async () => {
    const options = { directory, cacheDirectory: testCacheDirectory(), basePort: await freeBasePort(1), brokers: 1 };
    await assert.rejects(startCluster({ ...options, redis: false, startTimeoutMs: 1 }), (error) => {
      assert.ok(isKitError(error, 'CLUSTER_NOT_READY'));
      assert.equal(error.details.logFile, join(directory, 'logs', 'kafka-1.log'));
      return true;
    });
    assert.ok(await waitUntil(async () => (await clusterStatus(directory)) === undefined, 10_000));
  });
});

async function reportOf(launcher: ReturnType<typeof spawn>): Promise<ClusterReport> {
  let text = '';
  launcher.stdout!.setEncoding('utf8');
  for await (const chunk of launcher.stdout!) {
    text += chunk;
    if (text.includes('\n')) break;
  }
  return JSON.parse(text);
}
