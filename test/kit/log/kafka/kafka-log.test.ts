import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { kafkaLibraries } from '../../../../src/cluster/artifacts.ts';
import { classArchiveFlags } from '../../../../src/cluster/class-archive.ts';
import { freePort } from '../../../../src/cluster/free-ports.ts';
import { isKitError, type KitError } from '../../../../src/kit/errors.ts';
import { eventually } from '../../../../src/kit/log/contract-support.ts';
import type { LogRecord, TopicPartition } from '../../../../src/kit/log/event-log.ts';
import { KafkaLog, type KafkaLogOptions } from '../../../../src/kit/log/kafka/kafka-log.ts';
import { KAFKA_COMPONENTS, kafkaForTests, type TestKafka, testCacheDirectory } from '../../../support/cluster.ts';
import { JVM } from '../../../support/java-tools.ts';
import { missing } from '../../../support/requirements.ts';
import { transactionalProducer } from '../../../support/transactional-producer.ts';

const record = (value: string) => ({ key: null, value: Buffer.from(value), headers: [], timestamp: Date.now() });

describe('Kafka adapter', { skip: missing(...KAFKA_COMPONENTS) ?? false }, () => {
  let kafka: TestKafka;
  let log: KafkaLog;
  let libraries: string;
  before(async () => {
    kafka = await kafkaForTests();
    log = await KafkaLog.connect({ bootstrap: kafka.bootstrap, requestTimeoutMs: 10_000 });
    libraries = await kafkaLibraries(testCacheDirectory(), () => {});
  });
  after(async () => {
    await log?.close();
    await kafka?.stop();
  });

  const topicOf = async (partitions = 1): Promise<string> => {
    const name = `adapter-${randomUUID()}`;
    await log.createTopics([{ name, partitions }]);
    return name;
  };
  const java = async (tool: string, ...args: string[]): Promise<string> => {
    const quiet = '-Dorg.slf4j.simpleLogger.defaultLogLevel=error';
    const { stdout } = await promisify(execFile)('java', [
      ...JVM,
      ...classArchiveFlags(libraries),
      quiet,
      '-cp',
      join(libraries, '*'),
      tool,
      ...args,
    ]);
    return stdout;
  };
  const readAll = async (at: TopicPartition): Promise<LogRecord[]> => {
    const all: LogRecord[] = [];
    for (let offset = 0; ; ) {
      const { records } = await log.read({ ...at, offset });
      if (records.length === 0) return all;
      all.push(...records);
      offset = records.at(-1)!.offset + 1;
    }
  };

  for (const codec of ['gzip', 'snappy', 'lz4', 'zstd']) {
    test(`reads what the Java producer compressed with ${codec}`, async () => {
      const topic = await topicOf();
      const properties = [`bootstrap.servers=${kafka.bootstrap}`, `compression.type=${codec}`, 'linger.ms=50'];
      const load = ['--num-records', '500', '--record-size', '300', '--throughput', '-1'];
      await java(
        'org.apache.kafka.tools.ProducerPerformance',
        '--topic',
        topic,
        ...load,
        '--producer-props',
        ...properties,
      );
      const records = await readAll({ topic, partition: 0 });
      assert.equal(records.length, 500);
      // ProducerPerformance writes capital letters.
      assert.ok(records.every(({ value }) => /^[A-Z]{300}$/.test(String(value))));
      const middle = await log.read({ topic, partition: 0, offset: 250 });
      assert.equal(middle.records[0]!.offset, 250);
    });
  }

  test("Java's console consumer reads our records", async () => {
    const topic = await topicOf();
    const headers = [['ce_type', Buffer.from('post_liked')] as const, ['ce_type', null] as const];
    const timestamp = Date.now();
    await log.append({
      topic,
      partition: 0,
      records: [
        { key: Buffer.from('u_1'), value: Buffer.from('zażółć'), headers, timestamp },
        { key: null, value: null, headers: [], timestamp: timestamp - 40 * 86_400_000 },
      ],
    });
    const format = ['headers', 'key', 'timestamp'].flatMap((what) => ['--property', `print.${what}=true`]);
    const output = await java(
      'org.apache.kafka.tools.consumer.ConsoleConsumer',
      ...['--bootstrap-server', kafka.bootstrap.join(','), '--topic', topic, '--from-beginning', '--max-messages', '2'],
      ...format,
    );
    assert.deepEqual(output.trimEnd().split('\n'), [
      `CreateTime:${timestamp}\tce_type:post_liked,ce_type:null\tu_1\tzażółć`,
      `CreateTime:${timestamp - 40 * 86_400_000}\tNO_HEADERS\tnull\tnull`,
    ]);
  });

  test('transactions of other clients count once they are committed, and never when aborted', async () => {
    const topic = await topicOf();
    const at = { topic, partition: 0 };
    const producer = transactionalProducer(kafka.bootstrap);
    try {
      for (const [outcome, values] of [
        ['commit', ['a', 'b']],
        ['abort', ['c', 'd']],
        ['commit', ['e']],
        ['abort', ['f']],
      ] as const) {
        const transaction = await producer.beginTransaction();
        await transaction.send({ messages: values.map((value) => ({ topic, partition: 0, value })) });
        assert.ok(
          !(await readAll(at)).some(({ value }) => values.includes(String(value) as never)),
          'not yet committed',
        );
        await transaction[outcome]();
      }
      await log.append({ ...at, records: [record('g')] });
      // The end of a transaction is acknowledged before it is in the log, and what follows waits for it.
      const records = await eventually(async () => {
        const all = await readAll(at);
        assert.equal(String(all.at(-1)?.value), 'g');
        return all;
      });
      assert.deepEqual(
        records.map(({ value }) => String(value)),
        ['a', 'b', 'e', 'g'],
      );
      // A member gets over the stretch without records as well.
      const seen: string[] = [];
      const all = Promise.withResolvers<void>();
      const member = await log.group(randomUUID()).join({
        topics: [topic],
        onAssigned: async () => [{ ...at, offset: 3 }],
        onRecords: async (batch) => {
          seen.push(...batch.records.map(({ value }) => String(value)));
          if (seen.includes('g')) all.resolve();
        },
        onRevoked: async () => {},
      });
      await all.promise;
      await member.leave();
      assert.deepEqual(seen, ['e', 'g']);
    } finally {
      await producer.close();
    }
  });

  test('internal topics are not described unless they are named', async () => {
    const group = log.group(randomUUID());
    const member = await group.join({
      topics: [await topicOf()],
      onAssigned: async () => [],
      onRecords: async () => {},
      onRevoked: async () => {},
    });
    await member.leave();
    assert.ok(!(await log.describe()).topics.some(({ name }) => name.startsWith('__')));
    assert.equal((await log.describe(['__consumer_offsets'])).topics.length, 1);
  });

  test('reads beyond what one answer holds keep their order', async () => {
    const topic = await topicOf();
    for (let i = 0; i < 30; i++) {
      await log.append({
        topic,
        partition: 0,
        records: Array.from({ length: 100 }, (_, j) => record(`${i * 100 + j}`)),
      });
    }
    let offset = 0;
    while (offset < 3_000) {
      const { records } = await log.read({ topic, partition: 0, offset, maxBytes: 2_000 });
      for (const { value } of records) assert.equal(String(value), String(offset++));
    }
  });

  test('many partitions at once share requests and connections', async () => {
    const topic = await topicOf(60);
    const other = await KafkaLog.connect({ bootstrap: kafka.bootstrap, requestTimeoutMs: 10_000 });
    try {
      const appendTen = async (partition: number): Promise<void> => {
        for (let i = 0; i < 10; i++) {
          assert.equal((await other.append({ topic, partition, records: [record('x')] })).baseOffset, i);
        }
      };
      await Promise.all(Array.from({ length: 60 }, (_, partition) => appendTen(partition)));
      assert.ok(other.openConnections <= kafka.bootstrap.length * 6, `${other.openConnections} connections`);
    } finally {
      await other.close();
    }
    assert.equal(other.openConnections, 0);
  });
});

describe('Kafka adapter without a broker', () => {
  test('settings that would weaken it are refused, and those that cannot be', async () => {
    const weakened = { bootstrap: ['127.0.0.1:9092'], acks: 1 } as unknown as KafkaLogOptions;
    await assert.rejects(KafkaLog.connect(weakened), { code: 'UNKNOWN_OPTION', message: /acks/ });
    for (const bootstrap of [[], ['127.0.0.1'], ['host:0'], ['host:70000'], ['a b:1'], ['http://host:9092']]) {
      await assert.rejects(KafkaLog.connect({ bootstrap }), { code: 'INVALID_BOOTSTRAP' });
    }
    await (await KafkaLog.connect({ bootstrap: ['[::1]:9092', 'kafka.example:9092'] })).close();
  });

  test('nobody there: a retriable error within the time of a request, and nothing stored', async () => {
    const log = await KafkaLog.connect({ bootstrap: [`127.0.0.1:${await freePort()}`], requestTimeoutMs: 500 });
    const at = { topic: 't', partition: 0 };
    const startedAt = Date.now();
    const refused = (error: unknown): boolean => isKitError(error, 'LOG_UNAVAILABLE') && error.retriable;
    await assert.rejects(log.describe(), refused);
    await assert.rejects(log.read({ ...at, offset: 0 }), refused);
    await assert.rejects(
      log.append({ ...at, records: [record('x')] }),
      (error) => refused(error) && (error as KitError).details.maybeStored === false,
    );
    assert.ok(Date.now() - startedAt < 5_000);
    await log.close();
  });
});
