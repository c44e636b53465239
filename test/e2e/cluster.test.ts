import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freeBasePort, freePort } from '../../src/cluster/free-ports.ts';
import type { ClusterReport } from '../../src/cluster/report.ts';
import { KAFKA_COMPONENTS } from '../support/cluster.ts';
import { missing } from '../support/requirements.ts';
import { dataDirectory, type Finished, launch, run } from '../support/streamsocial.ts';
import { until } from '../support/until.ts';

const skip = missing(...KAFKA_COMPONENTS, 'redis-server') ?? false;

test('a cluster outlives its servers, and another terminal brings them back', { skip }, async (t) => {
  const directory = await dataDirectory(t);
  const ports = ['--base-port', String(await freeBasePort(1)), '--redis-port', String(await freePort())];
  const upArguments = ['cluster', 'up', '--brokers', '1', '--data-dir', directory, ...ports];
  const cluster = (...args: string[]): Promise<Finished> => run(['cluster', ...args, '--data-dir', directory]);
  const up = launch(t, upArguments);
  const told = (text: RegExp): Promise<true> => {
    return until(() => text.test(up.output()) || undefined, { timeoutMs: 120_000, what: `${text} from cluster up` });
  };
  await told(/Ctrl-C stops it/);

  assert.equal((await cluster('kill', 'redis')).code, 0);
  await told(/redis was ended by SIGKILL[\s\S]*redis\.log[\s\S]*streamsocial cluster start redis/);
  const status = await cluster('status', '--json');
  assert.equal(status.code, 1);
  const { servers } = JSON.parse(status.stdout) as ClusterReport;
  assert.deepEqual(
    servers.map(({ name, answers, ended }) => ({ name, answers, ended })),
    [
      { name: 'kafka-1', answers: true, ended: null },
      { name: 'redis', answers: false, ended: 'was ended by SIGKILL' },
    ],
  );
  assert.equal((await cluster('resume', 'redis')).code, 6);

  const healed = await run(upArguments);
  assert.deepEqual([healed.code, healed.stdout], [0, 'healed: redis runs again\n'], healed.stderr);
  await told(/redis runs\n/);
  const refused = await run(upArguments);
  assert.equal(refused.code, 6);
  assert.match(refused.stderr, /CLUSTER_RUNNING/);

  assert.equal((await cluster('pause', '1')).stdout, 'kafka-1 is paused\n');
  assert.match((await cluster('status')).stdout, /kafka-1 .* paused/);
  assert.equal((await cluster('resume', 'kafka-1')).code, 0);
  assert.match((await cluster('log', '1', '--lines', '1')).stdout, /^.+\n$/);
  assert.equal((await cluster('kill', '7')).code, 5);
  assert.equal((await cluster('kill', 'zookeeper')).code, 2);

  assert.equal((await cluster('kill', '1', '--signal', 'TERM')).code, 0);
  assert.equal((await cluster('kill', 'redis')).code, 0);
  assert.equal(await up.ended, 1);
  assert.match(up.output(), /kafka-1 was ended by SIGTERM[\s\S]*CLUSTER_ENDED/);
  assert.equal((await cluster('start', '1')).code, 3);
});
