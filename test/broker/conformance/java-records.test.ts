/** Records of every codec and kind of acknowledgement, written and read by Java, kcat and this project's own code. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { EmbeddedLog } from '../../../src/kit/log/embedded/embedded-log.ts';
import { KafkaLog } from '../../../src/kit/log/kafka/kafka-log.ts';
import { KAFKA_COMPONENTS } from '../../support/cluster.ts';
import { JavaTools } from '../../support/java-tools.ts';
import { patiently, run } from '../../support/programs.ts';
import { missing } from '../../support/requirements.ts';
import { type ServedLog, serveLog } from '../../support/served-log.ts';
import {
  byPlace,
  fromJava,
  fromKcat,
  JAVA_FORMAT,
  KCAT_FORMAT,
  type PlainRecord,
  readPartition,
} from '../../support/wire-records.ts';

/** In the order of the protocol's numbers. */
const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
const CODEC_BITS = 0b111;
const ATTRIBUTES_LOW_BYTE_AT = 22;

/** The codecs of the batches that are stored in a partition. */
function codecsStored(log: EmbeddedLog, topic: string): Set<string> {
  const at = { topic, partition: 0 };
  const batches = log.store.read(at, log.store.offsets(at).start, 64 * 1024 * 1024);
  return new Set(batches.map(({ bytes }) => CODECS[bytes[ATTRIBUTES_LOW_BYTE_AT]! & CODEC_BITS]!));
}

describe('records of Kafka’s console tools', {
  skip: missing(...KAFKA_COMPONENTS, 'kcat') ?? false,
  timeout: 240_000,
}, () => {
  let served: ServedLog;
  let tools: JavaTools;
  before(async () => {
    served = await serveLog();
    tools = await JavaTools.open(served.bootstrap);
  });
  after(async () => {
    await served.close();
    assert.deepEqual(served.complaints, [], 'the broker found nothing to complain of');
  });

  const COUNT = 100;
  const line = (i: number): string => `a line that compresses well, a line that compresses well, number ${i}`;
  const lines = (text: string): string[] => text.split('\n').filter((each) => each !== '');

  test('every codec, from Java and from kcat, is stored as it came and read by all', async (t) => {
    const topics = CODECS.flatMap((codec) => [`java-${codec}`, `kcat-${codec}`]);
    await served.log.createTopics(topics.map((name) => ({ name, partitions: 1 })));
    const indices = Array.from({ length: COUNT }, (_, i) => i);
    const acks = { none: '0', gzip: '1', snappy: 'all', lz4: 'all', zstd: '-1' };
    await Promise.all(
      CODECS.flatMap((codec) => [
        tools.run(
          t,
          'kafka-console-producer',
          [
            ...['--topic', `java-${codec}`, '--compression-codec', codec, '--request-required-acks', acks[codec]],
            ...['--property', 'parse.key=true', '--property', 'parse.headers=true', '--property', 'null.marker=NULL'],
          ],
          { input: indices.map((i) => `n:${i},codec:${codec}\tkey-${i}\t${i === 7 ? 'NULL' : line(i)}\n`).join('') },
        ),
        run(
          t,
          'kcat',
          ['-b', served.bootstrap, '-P', '-t', `kcat-${codec}`, '-z', codec, '-K\t', '-H', `codec=${codec}`],
          {
            input: indices.map((i) => `key-${i}\t${line(i)}\n`).join(''),
          },
        ),
      ]),
    );
    // What was sent without an acknowledgement may still be on its way.
    await patiently(() => served.log.store.offsets({ topic: 'java-none', partition: 0 }).end === COUNT);
    for (const topic of topics)
      assert.deepEqual([...codecsStored(served.log, topic)], [topic.slice('java-'.length)], topic);

    const wire = await KafkaLog.connect({ bootstrap: [served.bootstrap] });
    t.after(() => wire.close());
    const consumer = tools.run(t, 'kafka-console-consumer', [
      ...['--include', '(java|kcat)-.*', '--from-beginning', '--max-messages', String(topics.length * COUNT)],
      ...['--timeout-ms', '20000', ...JAVA_FORMAT],
    ]);
    const byTopic = await Promise.all(
      topics.map(async (topic) => {
        const inProcess = await readPartition(served.log, { topic, partition: 0 });
        const overTheWire = await readPartition(wire, { topic, partition: 0 });
        const { stdout } = await run(t, 'kcat', [
          ...['-b', served.bootstrap, '-C', '-t', topic, '-o', 'beginning', '-e', '-q', ...KCAT_FORMAT],
        ]);
        assert.deepEqual(overTheWire, inProcess, topic);
        assert.deepEqual(lines(stdout).map(fromKcat), inProcess, topic);
        return inProcess;
      }),
    );
    for (const [i, records] of byTopic.entries()) {
      const [maker, codec] = topics[i]!.split('-');
      const expected = indices.map(
        (n): PlainRecord => ({
          partition: 0,
          offset: n,
          key: `key-${n}`,
          value: maker === 'java' && n === 7 ? null : line(n),
          headers: maker === 'java' ? `n=${n},codec=${codec}` : `codec=${codec}`,
        }),
      );
      assert.deepEqual(records, expected, topics[i]);
    }
    const everything = (records: readonly PlainRecord[]) => records.map((record) => JSON.stringify(record)).sort();
    assert.deepEqual(everything(lines((await consumer).stdout).map(fromJava)), everything(byTopic.flat()));
  });

  test('a console consumer begins where it is told to', async (t) => {
    await served.log.createTopics([{ name: 'told', partitions: 2 }]);
    const records = Array.from({ length: 6 }, (_, i) => ({
      key: null,
      value: Buffer.from(String(i)),
      headers: [],
      timestamp: Date.now(),
    }));
    for (const partition of [0, 1]) await served.log.append({ topic: 'told', partition, records });
    const read = async (...args: string[]): Promise<PlainRecord[]> => {
      const bounds = ['--topic', 'told', '--timeout-ms', '10000', ...JAVA_FORMAT];
      const { stdout } = await tools.run(t, 'kafka-console-consumer', [...bounds, ...args]);
      return lines(stdout).map(fromJava).sort(byPlace);
    };
    const [fromFour, committed] = await Promise.all([
      read('--partition', '1', '--offset', '4', '--max-messages', '2'),
      read('--isolation-level', 'read_committed', '--from-beginning', '--max-messages', '12'),
    ]);
    assert.deepEqual(
      fromFour.map(({ partition, offset }) => [partition, offset]),
      [
        [1, 4],
        [1, 5],
      ],
    );
    assert.equal(committed.length, 12);
  });

  test('the performance tools: some 10,000s of records', async (t) => {
    await served.log.createTopics([{ name: 'many', partitions: 3 }]);
    const count = 30_000;
    const produced = await tools.run(t, 'kafka-producer-perf-test', [
      ...['--topic', 'many', '--num-records', String(count), '--record-size', '200', '--throughput', '-1'],
      ...['--producer-props', `bootstrap.servers=${served.bootstrap}`, 'acks=all', 'compression.type=lz4'],
    ]);
    assert.match(produced.stdout, new RegExp(`${count} records sent, [\\d.]+ records/sec`));
    const ends = await served.log.listOffsets(
      [0, 1, 2].map((partition) => ({ topic: 'many', partition, at: 'latest' })),
    );
    assert.equal(
      ends.reduce((sum, end) => sum + end, 0),
      count,
      'each once: the producer is idempotent',
    );
    const consumed = await tools.run(t, 'kafka-consumer-perf-test', [
      ...['--topic', 'many', '--messages', String(count), '--timeout', '20000', '--hide-header'],
    ]);
    assert.equal(Number(consumed.stdout.trim().split(', ')[4]), count);
  });
});
