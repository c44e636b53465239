import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Connection, findCoordinatorV4 } from '@platformatic/kafka';
import type { Cluster } from '../../../../src/cluster/cluster.ts';
import { isKitError } from '../../../../src/kit/errors.ts';
import { eventually } from '../../../../src/kit/log/contract-support.ts';
import type { GroupMember } from '../../../../src/kit/log/event-log.ts';
import { KafkaLog } from '../../../../src/kit/log/kafka/kafka-log.ts';
import { PlainProducer } from '../../../../src/kit/log/kafka/plain-producer.ts';
import { KAFKA_COMPONENTS, startTestCluster } from '../../../support/cluster.ts';
import { missing } from '../../../support/requirements.ts';

const PARTITIONS = 6;
const BATCH = 20;
/** The longest gap without acknowledgements that is promised (P8), with room for a busy machine. */
const GAP_BOUND_MS = 15_000;

/** One writer per partition, each retrying its batch until it is acknowledged, as a lane does. */
class Writers {
  readonly acknowledged: number[] = Array.from({ length: PARTITIONS }, () => 0);
  readonly codes = new Set<string>();
  longestGapMs = 0;
  readonly #log: KafkaLog;
  readonly #topic: string;
  readonly #running: Promise<void>[];
  #stopped = false;

  constructor(log: KafkaLog, topic: string) {
    this.#log = log;
    this.#topic = topic;
    this.#running = this.acknowledged.map((_, partition) => this.#write(partition));
  }

  async #write(partition: number): Promise<void> {
    for (let last = Date.now(); !this.#stopped; last = Date.now()) {
      const from = this.acknowledged[partition]!;
      const records = Array.from({ length: BATCH }, (_, i) => ({
        key: null,
        value: Buffer.from(String(from + i)),
        headers: [],
        timestamp: Date.now(),
      }));
      await this.#untilStored({ topic: this.#topic, partition, records });
      this.acknowledged[partition] = from + BATCH;
      this.longestGapMs = Math.max(this.longestGapMs, Date.now() - last);
      await delay(5);
    }
  }

  async #untilStored(batch: Parameters<KafkaLog['append']>[0]): Promise<void> {
    for (const end = Date.now() + 120_000; ; await delay(100)) {
      try {
        await this.#log.append(batch);
        return;
      } catch (error) {
        if (!isKitError(error) || !error.retriable || Date.now() > end) throw error;
        this.codes.add(error.code);
      }
    }
  }

  /** Until every partition has had another `batches` batches acknowledged. */
  async goOn(batches: number): Promise<void> {
    const goals = this.acknowledged.map((count) => count + batches * BATCH);
    for (const end = Date.now() + 60_000; goals.some((goal, i) => this.acknowledged[i]! < goal); await delay(20)) {
      assert.ok(Date.now() < end, `acknowledged ${this.acknowledged} of ${goals}`);
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
  }
}

async function assertStoredOnce(log: KafkaLog, topic: string, acknowledged: readonly number[]): Promise<void> {
  for (const [partition, count] of acknowledged.entries()) {
    const values: string[] = [];
    let offset = 0;
    for (;;) {
      const { records } = await log.read({ topic, partition, offset });
      values.push(...records.map(({ value }) => String(value)));
      const last = records.at(-1);
      if (last === undefined) break;
      offset = last.offset + 1;
    }
    assert.deepEqual(
      values,
      Array.from({ length: count }, (_, i) => String(i)),
      `partition ${partition}: each record once, in order`,
    );
  }
}

async function coordinatorOf(address: string, groupId: string): Promise<number> {
  const [host, port] = address.split(':') as [string, string];
  const connection = new Connection('test');
  await connection.connect(host, Number(port));
  try {
    return (await findCoordinatorV4.api.async(connection, 0, [groupId])).coordinators[0]!.nodeId;
  } finally {
    await connection.close();
  }
}

describe('Kafka adapter when brokers fail', { skip: missing(...KAFKA_COMPONENTS) ?? false }, () => {
  let cluster: Cluster;
  let log: KafkaLog;
  before(async () => {
    cluster = await startTestCluster({ brokers: 3, redis: false });
    log = await KafkaLog.connect({ bootstrap: cluster.bootstrap });
  });
  after(async () => {
    await log?.close();
    await cluster?.stop();
  });

  const pidOf = async (broker: number): Promise<number> => {
    const { servers } = await cluster.describe();
    return servers.find(({ name }) => name === `kafka-${broker}`)!.pid;
  };
  const leaderOf = async (topic: string): Promise<number> =>
    (await log.describe([topic])).topics[0]!.partitions[0]!.leader;

  test('a frozen leader: appends go on elsewhere, and nothing is stored twice when it thaws', async (t) => {
    await log.createTopics([{ name: 'frozen', partitions: PARTITIONS }]);
    const writers = new Writers(log, 'frozen');
    await writers.goOn(5);
    const pid = await pidOf(await leaderOf('frozen'));
    process.kill(pid, 'SIGSTOP');
    try {
      await writers.goOn(5);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await writers.goOn(20);
    await writers.stop();
    t.diagnostic(`longest gap ${writers.longestGapMs} ms, met ${[...writers.codes]}`);
    assert.ok(writers.longestGapMs <= GAP_BOUND_MS, `${writers.longestGapMs} ms without an acknowledgement`);
    await assertStoredOnce(log, 'frozen', writers.acknowledged);
  });

  test('a leader that is lost takes along what it acknowledged with acks=1; with acks=all it acknowledged nothing', async (t) => {
    await log.createTopics([{ name: 'passed-on', partitions: 1, replicationFactor: 3 }]);
    const at = { topic: 'passed-on', partition: 0 };
    const batchOf = (value: string) => ({
      ...at,
      records: [{ key: null, value: Buffer.from(value), headers: [], timestamp: Date.now() }],
    });
    const producer = new PlainProducer({ bootstrap: cluster.bootstrap, acks: 1 });
    await log.append(batchOf('before'));
    const leader = await leaderOf('passed-on');
    const followers = cluster.servers.filter((name) => name !== `kafka-${leader}`);

    for (const name of followers) cluster.pause(name);
    await assert.rejects(log.append(batchOf('acks=all')), (error) => isKitError(error) && error.retriable);
    // only now: a fetch that a follower had sent before it was paused is answered
    const acknowledged = Array.from({ length: 50 }, (_, n) => `acks=1 ${n}`);
    for (const value of acknowledged) await producer.append(batchOf(value));
    cluster.pause(`kafka-${leader}`);
    for (const name of followers) cluster.resume(name);

    const after = batchOf('after');
    await eventually(() => log.append(after), 60_000);
    const stored: string[] = [];
    while (!stored.includes('after')) {
      const { records } = await log.read({ ...at, offset: stored.length, maxWaitMs: 1_000 });
      stored.push(...records.map(({ value }) => String(value)));
    }
    cluster.resume(`kafka-${leader}`);
    await producer.close();
    const lost = acknowledged.filter((value) => !stored.includes(value));
    t.diagnostic(`acks=1: ${acknowledged.length} acknowledged, ${lost.length} of them lost`);
    assert.equal(stored[0], 'before');
    assert.ok(lost.length > 0, 'nothing was lost');
    await eventually(async () => {
      const [topic] = (await log.describe(['passed-on'])).topics;
      assert.equal(topic!.partitions[0]!.isr.length, 3);
    }, 60_000);
  });

  test('a frozen coordinator: members meet at the next one, and no record is missed', async () => {
    // a broker that was frozen before is no place for replicas until it is back
    await eventually(async () => assert.equal((await log.describe([])).brokers.length, 3), 60_000);
    await log.createTopics([{ name: 'grouped', partitions: 4 }]);
    const seen = new Set<string>();
    const owners = new Map<number, string>();
    const join = (name: string): Promise<GroupMember> =>
      log.group('grouped').join({
        topics: ['grouped'],
        heartbeatIntervalMs: 200,
        onAssigned: async (partitions) => {
          for (const { partition } of partitions) owners.set(partition, name);
          return [];
        },
        onRecords: async ({ records }) => {
          for (const { value } of records) seen.add(String(value));
        },
        onRevoked: async (partitions) => {
          for (const { partition } of partitions) if (owners.get(partition) === name) owners.delete(partition);
        },
      });
    const first = await join('first');
    const frozen = await pidOf(await coordinatorOf(cluster.bootstrap[0]!, 'grouped'));
    process.kill(frozen, 'SIGSTOP');
    let second: GroupMember | undefined;
    try {
      second = await join('second');
      await eventually(
        () => assert.deepEqual([...owners.values()].sort(), ['first', 'first', 'second', 'second']),
        60_000,
      );
      for (let partition = 0; partition < 4; partition++) {
        const record = { key: null, value: Buffer.from(String(partition)), headers: [], timestamp: 0 };
        const batch = { topic: 'grouped', partition, records: [record] };
        await eventually(() => log.append(batch), 60_000);
      }
      await eventually(() => assert.equal(seen.size, 4), 30_000);
    } finally {
      process.kill(frozen, 'SIGCONT');
      await Promise.all([first.leave(), second?.leave()]);
    }
  });

  test('a killed leader: appends go on elsewhere, each record once and in order', async (t) => {
    await log.createTopics([{ name: 'killed', partitions: PARTITIONS }]);
    const writers = new Writers(log, 'killed');
    await writers.goOn(5);
    process.kill(await pidOf(await leaderOf('killed')), 'SIGKILL');
    await writers.goOn(20);
    await writers.stop();
    t.diagnostic(`longest gap ${writers.longestGapMs} ms, met ${[...writers.codes]}`);
    assert.ok(writers.longestGapMs <= GAP_BOUND_MS, `${writers.longestGapMs} ms without an acknowledgement`);
    await assertStoredOnce(log, 'killed', writers.acknowledged);
  });

  test('no quorum: appends fail with a retriable error that says whether they may be stored', async () => {
    // One broker of three is dead; without a second one neither replicas nor controllers suffice.
    const alive = (await cluster.describe()).servers.filter((server) => server.alive);
    process.kill(alive[0]!.pid, 'SIGKILL');
    const records = [{ key: null, value: Buffer.from('x'), headers: [], timestamp: Date.now() }];
    const startedAt = Date.now();
    await assert.rejects(log.append({ topic: 'killed', partition: 0, records }), (error) => {
      assert.ok(isKitError(error) && error.retriable && typeof error.details.maybeStored === 'boolean');
      assert.match(error.code, /^(LOG_UNAVAILABLE|APPEND_TIMEOUT)$/);
      return true;
    });
    assert.ok(Date.now() - startedAt < 10_000);
  });
});
