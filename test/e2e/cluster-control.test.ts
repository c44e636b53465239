/** What the page does to the servers of a real cluster, through the API of a server that is connected to it. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { ClusterControlReport, ClusterServer } from '../../src/api/cluster.ts';
import { LaunchedControl } from '../../src/cli/cluster-control.ts';
import type { Cluster } from '../../src/cluster/cluster.ts';
import { startTime } from '../../src/cluster/supervisor.ts';
import { loadSettings } from '../../src/config/settings.ts';
import type { HealthReport } from '../../src/pipelines/platform.ts';
import { KAFKA_COMPONENTS, startTestCluster } from '../support/cluster.ts';
import { missing } from '../support/requirements.ts';
import { getJson, type Server, up } from '../support/streamsocial.ts';
import { until } from '../support/until.ts';

/** What the dashboard promises from a click to the new state. */
const SEEN_MS = 2_000;

describe('control of a cluster through the API', {
  skip: missing(...KAFKA_COMPONENTS, 'redis-server') ?? false,
  timeout: 240_000,
}, () => {
  let directory: string;
  let cluster: Cluster;
  let server: Server;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'streamsocial-control-'));
    cluster = await startTestCluster({ brokers: 3, redis: true, directory: join(directory, 'cluster') });
  });
  after(async () => {
    await cluster?.stop();
    await rm(directory, { recursive: true, force: true });
  });

  const look = () => getJson<ClusterControlReport>(`${server.url}/api/v1/cluster`);
  const serverNamed = async (name: string) => (await look()).servers.find((one) => one.name === name)!;
  const brokerState = async (id: number) => {
    const { brokers } = await getJson<HealthReport>(`${server.url}/api/v1/health/kafka`);
    return brokers.find((broker) => broker.id === id)?.state;
  };
  const act = async (name: string, action: string) => {
    const answer = await fetch(`${server.url}/api/v1/cluster/servers/${name}/${action}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ confirm: name }),
    });
    return { status: answer.status, body: (await answer.json()) as ClusterServer & { code?: string } };
  };
  const connected = (bootstrap: string, dataDir = directory) =>
    new LaunchedControl(
      loadSettings({ flags: { dataDir, log: 'kafka', bootstrap, redisPort: String(cluster.redis!.port) }, env: {} }),
    );

  test('a cluster that is not the one this server is connected to is not controlled, and it says why', async () => {
    const [first] = cluster.bootstrap;
    const ours = connected(`${first},${cluster.bootstrap[2]}`);
    assert.equal((await ours.look()).controllable, true);
    const cases: [LaunchedControl, RegExp][] = [
      [connected('127.0.0.1:1'), /listens on .*; this server is connected to 127\.0\.0\.1:1/],
      [connected(`${first},127.0.0.1:1`), /is connected to/],
      [connected(first!, join(directory, 'elsewhere')), /were not started by streamsocial cluster up/],
    ];
    for (const [control, reason] of cases) {
      const { controllable, reason: told, servers, commands } = await control.look();
      assert.deepEqual([controllable, servers], [false, []]);
      assert.match(told!, reason);
      assert.match(commands[0]!, /^streamsocial cluster up --data-dir /);
      await assert.rejects(control.act('kafka-1', 'kill'), { code: 'NOT_CONTROLLABLE' });
    }
    assert.notEqual(cluster.pid('kafka-1'), null);
  });

  test('a broker is killed, and everybody sees it within two seconds; started again, it comes back', async (t) => {
    const flags = ['--log', 'kafka', '-b', cluster.bootstrap.join(','), '--redis-port', String(cluster.redis!.port)];
    server = await up(t, directory, ['--no-demo', ...flags]);
    await until(async () => (await brokerState(2)) === 'RUNNING', { timeoutMs: 30_000, what: 'a running broker' });
    const { controllable, servers } = await look();
    assert.equal(controllable, true);
    assert.deepEqual(
      servers.map(({ name, kind, node_id, pid, state, in_use }) => [name, kind, node_id, pid, state, in_use]),
      [
        ...[1, 2, 3].map((id) => [`kafka-${id}`, 'broker', id, cluster.pid(`kafka-${id}`), 'running', true]),
        ['redis', 'redis', null, cluster.pid('redis'), 'running', true],
      ],
    );
    assert.ok(servers.every(({ since }) => Date.now() - Date.parse(since!) < 240_000));

    const { pid } = servers[1]!;
    const killedMs = performance.now();
    const killed = await act('kafka-2', 'kill');
    assert.deepEqual([killed.status, killed.body.state], [202, 'ended']);
    assert.deepEqual([killed.body.action!.action, killed.body.action!.state], ['kill', 'DONE']);
    assert.equal(await startTime(pid), undefined);
    await until(async () => (await brokerState(2)) === 'FAILED', {
      timeoutMs: 20_000,
      what: 'the broker to have failed',
    });
    const seenMs = performance.now() - killedMs;
    assert.ok(seenMs < SEEN_MS, `seen after ${Math.round(seenMs)} ms`);
    await until(async () => (await serverNamed('kafka-2')).ended === 'was ended by SIGKILL', { what: 'how it ended' });
    assert.ok(Date.now() - Date.parse((await serverNamed('kafka-2')).since!) < 20_000);
    for (const action of ['kill', 'pause', 'resume', 'stop']) {
      const refused = await act('kafka-2', action);
      assert.deepEqual([refused.status, refused.body.code], [409, 'SERVER_NOT_RUNNING']);
    }

    const started = await act('kafka-2', 'start');
    assert.equal(started.status, 202);
    if (started.body.action!.state === 'RUNNING') {
      const busy = await act('kafka-2', 'stop');
      assert.ok(busy.body.code === 'SERVER_BUSY' || busy.body.code === 'SERVER_NOT_RUNNING', busy.body.code);
    }
    await until(async () => (await serverNamed('kafka-2')).action!.state === 'DONE', {
      timeoutMs: 120_000,
      everyMs: 200,
      what: 'the start',
    });
    assert.notEqual((await serverNamed('kafka-2')).pid, pid);
    await until(async () => (await brokerState(2)) === 'RUNNING', { timeoutMs: 60_000, what: 'the broker to be back' });
    const again = await act('kafka-2', 'start');
    assert.deepEqual([again.status, again.body.code], [409, 'SERVER_RUNNING']);

    const paused = await act('redis', 'pause');
    assert.equal(paused.body.state, 'paused');
    assert.ok(Date.now() - Date.parse(paused.body.since!) < 20_000);
    const resumed = await act('redis', 'resume');
    assert.equal(resumed.body.state, 'running');
    const stopped = await act('kafka-3', 'stop');
    assert.equal(stopped.status, 202);
    await until(async () => (await serverNamed('kafka-3')).state === 'ended', { timeoutMs: 40_000, what: 'its end' });
    assert.equal((await act('kafka-9', 'kill')).body.code, 'UNKNOWN_SERVER');
    assert.equal(await server.end('SIGTERM'), 0);
  });

  test('with its launcher gone there is nothing to control', async () => {
    const ours = connected(cluster.bootstrap[0]!);
    await cluster.stop();
    const { controllable, reason } = await ours.look();
    assert.equal(controllable, false);
    assert.match(reason!, /were not started by/);
  });
});
