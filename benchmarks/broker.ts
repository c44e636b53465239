/**
 * The embedded log behind Kafka's protocol beside one real Kafka broker, with Java's own tools, in turn, in one run:
 * `kafka-producer-perf-test` with acks=all and 200-byte records against `streamsocial up`, against a topic that fsyncs every
 * batch (`flush.messages=1`) and one that leaves that to the operating system; then ConsumerPerformance; then what 500 idle
 * connections cost. `node benchmarks/broker.ts [records] [rounds]` (default 500,000 and 3). Needs Java and Maven.
 */
import { execFile, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { kafkaLibraries } from '../src/cluster/artifacts.ts';
import { KafkaLog } from '../src/kit/log/kafka/kafka-log.ts';
import { startTestCluster, testCacheDirectory } from '../test/support/cluster.ts';
import { until } from '../test/support/until.ts';
import { median, perSecond, withDirectory } from './support.ts';

const records = Number(process.argv[2] ?? 500_000);
const rounds = Number(process.argv[3] ?? 3);
const PARTITIONS = 6;
const IDLE_CONNECTIONS = 500;
const MIB = 1024 * 1024;
const bin = fileURLToPath(new URL('../bin/streamsocial.mjs', import.meta.url));

interface Subject {
  readonly name: string;
  readonly bootstrap: string;
  readonly config: Readonly<Record<string, string>>;
  readonly produced: number[];
  readonly consumed: number[];
}

const libraries = await kafkaLibraries(testCacheDirectory(), () => {});
await withDirectory(async (dataDir) => {
  const startedAt = performance.now();
  const flags = ['--no-demo', '--web-port', '0', '--broker-port', '0', '--data-dir', dataDir];
  const server = spawn(process.execPath, [bin, 'up', ...flags], { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = new Promise((resolve) => server.on('close', resolve));
  const cluster = await startTestCluster({ brokers: 1, redis: false });
  try {
    const { url, broker } = await until(() => announcedIn(dataDir), { everyMs: 5 });
    console.log(`announced ${Math.round(performance.now() - startedAt)} ms after the start, beside a starting Kafka`);
    const [kafka] = cluster.bootstrap;
    const subjects: Subject[] = [
      { name: 'embedded', bootstrap: broker, config: {}, produced: [], consumed: [] },
      { name: 'fsynced', bootstrap: kafka!, config: { 'flush.messages': '1' }, produced: [], consumed: [] },
      { name: 'unsynced', bootstrap: kafka!, config: {}, produced: [], consumed: [] },
    ];
    for (let round = 1; round <= rounds; round++) {
      for (const subject of subjects) await measure(subject, `${subject.name}-${round}`);
      const shown = subjects.map(({ name, produced, consumed }) => {
        return `${name} ${perSecond(produced.at(-1)!)} produced, ${perSecond(consumed.at(-1)!)} consumed`;
      });
      console.log(`round ${round}: ${shown.join('; ')}`);
    }
    const [embedded, fsynced, unsynced] = subjects as [Subject, Subject, Subject];
    const ratio = (ours: readonly number[], theirs: readonly number[]) =>
      median(ours.map((value, i) => value / theirs[i]!)).toFixed(2);
    console.log(
      `median ratios: produced ${ratio(embedded.produced, fsynced.produced)} of a broker that fsyncs, ` +
        `${ratio(embedded.produced, unsynced.produced)} of one that does not; consumed ${ratio(embedded.consumed, unsynced.consumed)}`,
    );
    await idleConnections(url, broker);
  } finally {
    server.kill('SIGTERM');
    await ended;
    await cluster.stop();
  }
});

async function measure(subject: Subject, topic: string): Promise<void> {
  const log = await KafkaLog.connect({ bootstrap: [subject.bootstrap] });
  try {
    await log.createTopics([{ name: topic, partitions: PARTITIONS, replicationFactor: 1, config: subject.config }]);
  } finally {
    await log.close();
  }
  subject.produced.push(await produce(subject.bootstrap, topic));
  subject.consumed.push(await consume(subject.bootstrap, topic));
}

async function produce(bootstrap: string, topic: string): Promise<number> {
  const output = await java(
    ...['org.apache.kafka.tools.ProducerPerformance', '--topic', topic, '--num-records', String(records)],
    ...['--record-size', '200', '--throughput', '-1', '--producer-props', `bootstrap.servers=${bootstrap}`, 'acks=all'],
  );
  return Number(/([\d.]+) records\/sec/.exec(output.trim().split('\n').at(-1)!)![1]);
}

/** Of the time after the group was joined, as the tool itself tells it. */
async function consume(bootstrap: string, topic: string): Promise<number> {
  const output = await java(
    ...['org.apache.kafka.tools.ConsumerPerformance', '--bootstrap-server', bootstrap, '--topic', topic],
    ...['--messages', String(records), '--timeout', '30000'],
  );
  const [head, row] = output
    .trim()
    .split('\n')
    .slice(-2)
    .map((line) => line.split(',').map((cell) => cell.trim()));
  return Number(row![head!.indexOf('fetch.nMsg.sec')]);
}

async function java(...args: string[]): Promise<string> {
  const jvm = ['-Xmx512m', '-cp', join(libraries, '*')];
  const { stdout } = await promisify(execFile)('java', [...jvm, ...args], { maxBuffer: 16 * MIB });
  return stdout;
}

async function idleConnections(url: string, broker: string): Promise<void> {
  const before = await residentBytes(url);
  const [host, port] = broker.split(':') as [string, string];
  const sockets = await Promise.all(
    Array.from({ length: IDLE_CONNECTIONS }, () => {
      const { promise, resolve, reject } = Promise.withResolvers<Socket>();
      const socket = connect(Number(port), host, () => resolve(socket)).once('error', reject);
      return promise;
    }),
  );
  const after = await residentBytes(url);
  console.log(`${IDLE_CONNECTIONS} idle connections: ${((after - before) / MIB).toFixed(1)} MiB more resident memory`);
  for (const socket of sockets) socket.destroy();
}

async function announcedIn(dataDir: string): Promise<{ url: string; broker: string } | undefined> {
  const text = await readFile(join(dataDir, 'server.json'), 'utf8').catch(() => 'null');
  return (JSON.parse(text) as { url: string; broker: string } | null) ?? undefined;
}

async function residentBytes(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^process_resident_memory_bytes ([\d.e+]+)$/m.exec(text)![1]);
}
