/** The broker as a whole, as its openers see it; what clients see is in `conformance/`. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openBroker } from '../../src/broker/broker.ts';
import { startBroker } from '../../src/broker/testing/start-broker.ts';
import { isKitError } from '../../src/kit/errors.ts';
import { EmbeddedLog } from '../../src/kit/log/embedded/embedded-log.ts';
import { KafkaLog } from '../../src/kit/log/kafka/kafka-log.ts';

test('its address is in the description of the log, and where a second process on the directory finds it', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'streamsocial-broker-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const log = await EmbeddedLog.open({ directory });
  const broker = await openBroker({ log });
  const address = `127.0.0.1:${broker.port}`;
  assert.deepEqual((await log.describe()).brokers, [{ id: 1, host: '127.0.0.1', port: broker.port }]);
  await assert.rejects(EmbeddedLog.open({ directory }), (error) => {
    assert.ok(isKitError(error, 'DATA_DIR_LOCKED'));
    assert.equal(error.details.broker, address);
    assert.match(error.message, new RegExp(`Kafka broker at ${address}`));
    return true;
  });
  const remote = await KafkaLog.connect({ bootstrap: [address] });
  assert.equal((await remote.describe()).clusterId, (await log.describe()).clusterId);
  await remote.close();
  await broker.close();
  assert.deepEqual((await log.describe()).brokers, [{ id: 1, host: '127.0.0.1', port: -1 }]);
  await log.close();
});

test('a port that is taken is told, with what to do', async (t) => {
  const first = await startBroker();
  t.after(() => first.close());
  await assert.rejects(startBroker({ port: first.port }), (error) => {
    assert.ok(isKitError(error, 'PORT_IN_USE'));
    assert.match(error.message, /--broker-port/);
    return true;
  });
});

test('a missing topic is created by asking for it, unless that is turned off', async (t) => {
  const open = await startBroker({ defaultPartitions: 4 });
  const closed = await startBroker({ autoCreateTopics: false });
  t.after(() => Promise.all([open.close(), closed.close()]));
  const { Kafka, logLevel } = await import('kafkajs');
  const partitions = async (bootstrap: string) => {
    const kafka = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING, retry: { retries: 0 } });
    const producer = kafka.producer({ allowAutoTopicCreation: true });
    await producer.connect();
    try {
      await producer.send({ topic: 'wanted', messages: [{ value: 'x' }] });
    } finally {
      await producer.disconnect();
    }
  };
  await partitions(open.bootstrap);
  assert.equal((await open.log.describe(['wanted'])).topics[0]!.partitions.length, 4);
  await assert.rejects(partitions(closed.bootstrap), /does not host this topic-partition|UNKNOWN_TOPIC/);
  assert.deepEqual((await closed.log.describe()).topics, []);
});
