import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { KafkaLog } from '../../src/kit/log/kafka/kafka-log.ts';
import { recordsOf } from '../../src/pipelines/records-of.ts';
import { KAFKA_COMPONENTS, kafkaForTests } from '../support/cluster.ts';
import { missing } from '../support/requirements.ts';
import { teardown } from '../support/teardown.ts';
import { transactionalProducer } from '../support/transactional-producer.ts';
import { until } from '../support/until.ts';

test('on Kafka a partition that ends with marks of transactions, or an aborted one, is read to its end', {
  skip: missing(...KAFKA_COMPONENTS) ?? false,
  timeout: 180_000,
}, async (t) => {
  const after = teardown(t);
  const kafka = await kafkaForTests();
  after.defer(() => kafka.stop());
  const log = await KafkaLog.connect({ bootstrap: kafka.bootstrap });
  after.defer(() => log.close());
  const topic = `records-of-${randomUUID()}`;
  await log.createTopics([{ name: topic, partitions: 1 }]);
  const at = { topic, partition: 0 };
  const producer = transactionalProducer(kafka.bootstrap);
  after.defer(() => producer.close());
  const transact = async (outcome: 'commit' | 'abort', value: string, end: number) => {
    const transaction = await producer.beginTransaction();
    await transaction.send({ messages: [{ topic, partition: 0, value }] });
    await transaction[outcome]();
    // a transaction's end is acknowledged before it is in the log
    await until(async () => (await log.listOffsets([{ ...at, at: 'latest' }]))[0] === end);
  };
  const read = async () => {
    const found: string[] = [];
    for await (const records of recordsOf(log, at)) found.push(...records.map(({ value }) => String(value)));
    return found;
  };
  await transact('commit', 'a', 2);
  const startedAt = performance.now();
  assert.deepEqual(await read(), ['a']);
  await transact('abort', 'b', 4);
  assert.deepEqual(await read(), ['a']);
  await transact('commit', 'c', 6);
  assert.deepEqual(await read(), ['a', 'c']);
  assert.deepEqual(await read(), ['a', 'c']);
  t.diagnostic(`${Math.round(performance.now() - startedAt)} ms`);
});
