/**
 * `streamsocial consume` beside Java's console consumer: a topic of 200-byte records on a Kafka cluster, read from its beginning
 * to /dev/null, in turn, each process timed from its start to its end.
 * `node benchmarks/console-consume.ts [records] [rounds]` (default 1,000,000 and 3). Needs Java and Maven.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { kafkaLibraries } from '../src/cluster/artifacts.ts';
import { KafkaLog } from '../src/kit/log/kafka/kafka-log.ts';
import { startTestCluster, testCacheDirectory } from '../test/support/cluster.ts';
import { median, perSecond, rate } from './support.ts';

const records = Number(process.argv[2] ?? 1_000_000);
const rounds = Number(process.argv[3] ?? 3);
const PARTITIONS = 6;
const TOPIC = 'console-consume';
const bin = fileURLToPath(new URL('../bin/streamsocial.mjs', import.meta.url));

const libraries = await kafkaLibraries(testCacheDirectory(), () => {});
const cluster = await startTestCluster({ brokers: 3, redis: false });
try {
  const bootstrap = cluster.bootstrap.join(',');
  await fill(bootstrap);
  const reach = ['--topic', TOPIC, '--from-beginning'];
  const java = (max: number) => {
    const tool = ['-Xmx512m', '-cp', join(libraries, '*'), 'org.apache.kafka.tools.consumer.ConsoleConsumer'];
    return timed('java', [...tool, '--bootstrap-server', bootstrap, ...reach, '--max-messages', String(max)]);
  };
  const ours = (max: number) =>
    timed(process.execPath, [bin, 'consume', '--bootstrap', bootstrap, ...reach, '--max', String(max)]);

  const ratios: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    const theirs = await java(records);
    const mine = await ours(records);
    ratios.push(theirs.ms / mine.ms);
    console.log(
      `round ${round}: consume ${perSecond(rate(records, mine.ms))}, ConsoleConsumer ${perSecond(rate(records, theirs.ms))}`,
    );
  }
  const starts = { mine: await ours(1), theirs: await java(1) };
  console.log(`one record: consume ${seconds(starts.mine.ms)}, ConsoleConsumer ${seconds(starts.theirs.ms)}`);
  console.log(`median ratio: ${median(ratios).toFixed(2)} of Java's console consumer`);
} finally {
  await cluster.stop();
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

async function fill(bootstrap: string): Promise<void> {
  const log = await KafkaLog.connect({ bootstrap: bootstrap.split(',') });
  try {
    await log.createTopics([{ name: TOPIC, partitions: PARTITIONS }]);
  } finally {
    await log.close();
  }
  const size = ['--num-records', String(records), '--record-size', '200', '--throughput', '-1'];
  const tool = ['-Xmx512m', '-cp', join(libraries, '*'), 'org.apache.kafka.tools.ProducerPerformance'];
  await timed('java', [...tool, '--topic', TOPIC, ...size, '--producer-props', `bootstrap.servers=${bootstrap}`]);
}

/** To its end, its output thrown away by the operating system. */
async function timed(command: string, args: readonly string[]): Promise<{ ms: number }> {
  const startedAt = performance.now();
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${errors}`);
  return { ms: performance.now() - startedAt };
}
