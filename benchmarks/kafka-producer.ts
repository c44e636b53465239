/**
 * Single-event `send()` from 1,000 concurrent callers on three real brokers, beside `kafka-producer-perf-test` and beside
 * one awaited append per event through the same client, in turn, in one run: 200-byte values, acks=all, idempotent.
 * `node benchmarks/kafka-producer.ts [records] [rounds]` (default 300,000 and 3). Needs Java and Maven.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { kafkaLibraries } from '../src/cluster/artifacts.ts';
import { KafkaLog } from '../src/kit/log/kafka/kafka-log.ts';
import { HighVolumeProducer } from '../src/kit/producers/high-volume-producer.ts';
import { startTestCluster, testCacheDirectory } from '../test/support/cluster.ts';
import { concurrently, median, perSecond, rate } from './support.ts';

const records = Number(process.argv[2] ?? 300_000);
const rounds = Number(process.argv[3] ?? 3);
const CALLERS = 1_000;
const AWAITED = 10_000;
const PARTITIONS = 6;
const value = Buffer.alloc(200, 'x');

const libraries = await kafkaLibraries(testCacheDirectory(), () => {});
const cluster = await startTestCluster({ brokers: 3, redis: false });
const log = await KafkaLog.connect({ bootstrap: cluster.bootstrap });
try {
  const topic = 'bench';
  await log.createTopics([{ name: topic, partitions: PARTITIONS, replicationFactor: 3 }]);
  await sends(topic, 20_000);
  const figures = { ours: [] as number[], java: [] as number[], awaited: [] as number[] };
  for (let round = 1; round <= rounds; round += 1) {
    figures.java.push(await java(topic));
    figures.ours.push(await sends(topic, records));
    figures.awaited.push(await awaited(topic));
    console.log(
      `round ${round}: send() ${perSecond(figures.ours.at(-1)!)}, perf-test ${perSecond(figures.java.at(-1)!)}, awaited ${perSecond(figures.awaited.at(-1)!)}`,
    );
  }
  const ratio = (other: readonly number[]) =>
    median(figures.ours.map((value, index) => value / other[index]!)).toFixed(2);
  console.log(
    `median ratio: ${ratio(figures.java)} of kafka-producer-perf-test, ${ratio(figures.awaited)} of the client awaited per event`,
  );
} finally {
  await log.close();
  await cluster.stop();
}

async function sends(topic: string, count: number): Promise<number> {
  const producer = new HighVolumeProducer({ log });
  const startedAt = performance.now();
  await concurrently(count, CALLERS, (index) =>
    producer.send({ topic, key: null, partition: index % PARTITIONS, value }),
  );
  const ms = performance.now() - startedAt;
  await producer.close();
  return rate(count, ms);
}

/** One caller per partition is what a partition allows; its batches are single events. */
async function awaited(topic: string): Promise<number> {
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: PARTITIONS }, async (_, partition) => {
      for (let sent = 0; sent < AWAITED / PARTITIONS; sent += 1)
        await log.append({ topic, partition, records: [{ key: null, value, headers: [], timestamp: Date.now() }] });
    }),
  );
  return rate(AWAITED, performance.now() - startedAt);
}

async function java(topic: string): Promise<number> {
  const { stdout } = await promisify(execFile)('java', [
    ...['-Xmx512m', '-cp', join(libraries, '*'), 'org.apache.kafka.tools.ProducerPerformance'],
    ...['--topic', topic, '--num-records', String(records), '--record-size', '200', '--throughput', '-1'],
    ...['--producer-props', `bootstrap.servers=${cluster.bootstrap.join(',')}`, 'acks=all', 'enable.idempotence=true'],
  ]);
  const last = stdout.trim().split('\n').at(-1)!;
  return Number(/([\d.]+) records\/sec/.exec(last)![1]);
}
