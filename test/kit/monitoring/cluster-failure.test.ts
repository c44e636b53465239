/** What a look says while brokers die and come back. One cluster, one story after the other. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Cluster } from '../../../src/cluster/cluster.ts';
import { clusterTelemetry } from '../../../src/cluster/telemetry.ts';
import { KafkaLog } from '../../../src/kit/log/kafka/kafka-log.ts';
import { ClusterHealth } from '../../../src/kit/monitoring/cluster-health.ts';
import type { BrokerHealth, BrokerState, ClusterReport } from '../../../src/kit/monitoring/cluster-report.ts';
import { KAFKA_COMPONENTS, startTestCluster } from '../../support/cluster.ts';
import { missing } from '../../support/requirements.ts';
import { until } from '../../support/until.ts';

/** Two at once: one has Kafka's protocol alone, one the launcher's word as well. */
const WAYS = ['protocol', 'launcher'] as const;
const LIMIT_MS = 3_000;

describe('the health of a cluster that loses brokers', { skip: missing(...KAFKA_COMPONENTS) ?? false }, () => {
  let cluster: Cluster;
  let log: KafkaLog;
  let ways: Record<(typeof WAYS)[number], ClusterHealth>;
  /** States of each broker in the order in which they were seen, since the last `forget`. */
  const seen = { protocol: new Map<number, BrokerState[]>(), launcher: new Map<number, BrokerState[]>() };

  before(async () => {
    cluster = await startTestCluster({ brokers: 3, redis: false });
    const { bootstrap } = cluster;
    log = await KafkaLog.connect({ bootstrap });
    await log.createTopics([{ name: 'survivors', partitions: 6 }]);
    const { directory } = await cluster.describe();
    ways = {
      protocol: new ClusterHealth({ bootstrap, maxAgeMs: 0 }),
      launcher: new ClusterHealth({ bootstrap, maxAgeMs: 0, telemetry: clusterTelemetry(directory, bootstrap) }),
    };
  });
  after(async () => {
    for (const way of WAYS) ways?.[way].close();
    await log?.close();
    await cluster?.stop();
  });

  async function look(way: (typeof WAYS)[number]): Promise<ClusterReport> {
    const startedAt = performance.now();
    const report = await ways[way].report();
    const elapsedMs = performance.now() - startedAt;
    assert(elapsedMs <= LIMIT_MS, `a look took ${elapsedMs} ms`);
    for (const { id, state } of report.brokers) {
      const states = seen[way].get(id) ?? [];
      if (states.at(-1) !== state) seen[way].set(id, [...states, state]);
    }
    return report;
  }

  /** Both looks, until both are as they should be. */
  async function untilSeen(what: string, expected: (report: ClusterReport) => boolean): Promise<ClusterReport> {
    let last: ClusterReport[] = [];
    return until(
      async () => {
        last = await Promise.all(WAYS.map(look));
        return last.every(expected) && last[0];
      },
      { timeoutMs: 60_000, everyMs: 200, what },
    ).catch((cause: Error) => {
      throw new Error(
        `${cause.message}; last: ${JSON.stringify(last.map(({ status, brokers }) => ({ status, brokers })))}`,
      );
    });
  }

  function forget(): void {
    for (const way of WAYS) seen[way].clear();
  }

  const brokerIn = (report: ClusterReport, id: number): BrokerHealth => report.brokers.find((one) => one.id === id)!;
  const isHealthy = ({ status, broker_count }: ClusterReport): boolean => status === 'healthy' && broker_count === 3;

  test('the launcher\u2019s brokers tell of themselves through JMX', async () => {
    await untilSeen('a healthy cluster', isHealthy);
    const records = [{ key: null, value: Buffer.alloc(2_000), headers: [], timestamp: Date.now() }];
    await log.append({ topic: 'survivors', partition: 0, records });
    await log.read({ topic: 'survivors', partition: 0, offset: 0 });
    const report = await until(
      async () => {
        for (let partition = 0; partition < 6; partition += 1)
          await log.append({ topic: 'survivors', partition, records: [...records] });
        const seen = await look('launcher');
        return seen.brokers.every(({ telemetry }) => telemetry === 'jmx') && seen;
      },
      { what: 'figures of every broker' },
    );
    assert(report.messages_in_per_second! > 0 && report.bytes_in_per_second! > report.messages_in_per_second! * 2_000);
    assert(report.request_latency_p99_ms.produce! > 0);
    assert.notEqual(report.request_latency_p99_ms.fetch, null);
  });

  test('a killed broker is listed as FAILED, comes up again, catches up and runs', async () => {
    const healthy = await untilSeen('a healthy cluster', isHealthy);
    const victim = healthy.brokers.find(({ role }) => role === 'controller_follower')!;
    forget();
    await cluster.kill(`kafka-${victim.id}`);
    const struck = await untilSeen('the failure', ({ brokers }) => brokers.some(({ state }) => state === 'FAILED'));
    assert.notEqual(struck.status, 'healthy');

    const without = await untilSeen('its replicas are out of sync', (report) => report.under_replicated_partitions > 0);
    const gone = brokerIn(without, victim.id);
    assert.deepEqual([gone.state, gone.answers, gone.port], ['FAILED', false, victim.port]);
    assert.deepEqual([without.status, without.broker_count, without.brokers.length], ['degraded', 2, 3]);
    assert.equal(gone.out_of_sync, gone.replicas);
    assert.equal(without.offline_partitions, 0);
    for (const way of WAYS) {
      const other = [...seen[way].keys()].find((id) => id !== victim.id)!;
      assert(seen[way].get(other)!.includes('LEADER_ELECTION'), `${way}: ${seen[way].get(other)}`);
    }

    const start = cluster.start(`kafka-${victim.id}`);
    const back = await untilSeen('all in sync again', isHealthy);
    await start;
    assert.equal(brokerIn(back, victim.id).state, 'RUNNING');
    assert.equal(back.under_replicated_partitions, 0);
    for (const way of WAYS) {
      const states = seen[way].get(victim.id)!;
      assert.deepEqual([states[0], states.at(-1)], ['FAILED', 'RUNNING'], `${way}: ${states}`);
      assert(!states.includes('SHUTDOWN') && !states.includes('LEADER_ELECTION'), `${way}: ${states}`);
    }
    assert(seen.launcher.get(victim.id)!.includes('STARTING'), `${seen.launcher.get(victim.id)}`);
  });

  test('a killed controller: a new epoch, an election counted', async () => {
    const healthy = await untilSeen('a healthy cluster', isHealthy);
    await cluster.kill(`kafka-${healthy.controller_id}`);
    const elected = await untilSeen(
      'another controller',
      ({ controller_id }) => controller_id >= 0 && controller_id !== healthy.controller_id,
    );
    assert(elected.controller_epoch! > healthy.controller_epoch!);
    assert(elected.controller_elections! > healthy.controller_elections!);
    assert.equal(brokerIn(elected, elected.controller_id).role, 'controller_leader');
    assert.equal(brokerIn(elected, healthy.controller_id).state, 'FAILED');
    await cluster.start(`kafka-${healthy.controller_id}`);
  });

  test('a paused broker is FAILED, one that is asked to end is SHUTDOWN', async () => {
    const healthy = await untilSeen('a healthy cluster', isHealthy);
    const victim = healthy.brokers.find(({ role }) => role === 'controller_follower')!.id;
    cluster.pause(`kafka-${victim}`);
    await untilSeen('the pause', (report) => brokerIn(report, victim).state === 'FAILED');
    assert.equal(brokerIn(await look('launcher'), victim).reason, 'its process is paused');
    cluster.resume(`kafka-${victim}`);
    await untilSeen('the end of the pause', isHealthy);

    const ended = cluster.kill(`kafka-${victim}`, 'SIGTERM');
    await untilSeen('the shutdown', (report) => {
      const { state, answers } = brokerIn(report, victim);
      return state === 'SHUTDOWN' && !answers;
    });
    await ended;
    assert.equal((await look('protocol')).offline_partitions, 0, 'it has handed over what it led');
  });
});
