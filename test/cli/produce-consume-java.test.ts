/** `produce` and `consume` beside Kafka's console tools, in both directions, on both logs. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { KafkaLog } from '../../src/kit/log/kafka/kafka-log.ts';
import { KAFKA_COMPONENTS, kafkaForTests } from '../support/cluster.ts';
import { JavaTools } from '../support/java-tools.ts';
import { missing } from '../support/requirements.ts';
import { serveLog } from '../support/served-log.ts';
import { run } from '../support/streamsocial.ts';
import { byPlace, fromJava, fromKcat, JAVA_FORMAT, type PlainRecord } from '../support/wire-records.ts';

/** kcat's format in our letters. */
const OUR_FORMAT = '%p\\t%o\\t%h\\t%K\\t%k\\t%S\\t%v';
const KEYS = ['order-1', 'order-2', 'ключ', 'order-3', 'order-1'];

interface Subject {
  readonly bootstrap: string;
  stop(): Promise<void>;
}

const LOGS: Readonly<Record<string, () => Promise<Subject>>> = {
  'the embedded log': async () => {
    const served = await serveLog();
    return { bootstrap: served.bootstrap, stop: () => served.close() };
  },
  Kafka: async () => {
    const { bootstrap, stop } = await kafkaForTests();
    return { bootstrap: bootstrap.join(','), stop };
  },
};

for (const [name, start] of Object.entries(LOGS))
  describe(`produce and consume beside Java's console tools on ${name}`, {
    skip: missing(...KAFKA_COMPONENTS) ?? false,
    timeout: 240_000,
  }, () => {
    let subject: Subject;
    let java: JavaTools;
    let log: KafkaLog;
    before(async () => {
      subject = await start();
      java = await JavaTools.open(subject.bootstrap);
      log = await KafkaLog.connect({ bootstrap: subject.bootstrap.split(',') });
    });
    after(async () => {
      await log.close();
      await subject.stop();
    });

    const lines = (text: string) => text.split('\n').slice(0, -1);

    test('each reads what the other produced, with keys, headers and nulls, in the partitions that Java chooses', async (t) => {
      const topic = `console-${randomUUID()}`;
      await log.createTopics([{ name: topic, partitions: 5 }]);
      const bootstrap = ['--bootstrap', subject.bootstrap];
      const properties = ['parse.key=true', 'key.separator=:', 'parse.headers=true', 'null.marker=NIL'];
      const [, written] = await Promise.all([
        java.run(t, 'kafka-console-producer', ['--topic', topic, ...properties.flatMap((p) => ['--property', p])], {
          input: KEYS.map((key, i) => `by:java\t${key}:${i === 3 ? 'NIL' : `value ${i}`}\n`).join(''),
        }),
        run(
          [
            ...['produce', ...bootstrap, '-t', topic, '--key-separator', ':', '--null-value', 'NIL', '--json'],
            ...['--header', 'by=us', '--header', 'by=again', '--header', 'empty='],
          ],
          KEYS.map((key, i) => `${key}:${i === 3 ? 'NIL' : `value ${i}`}\n`).join(''),
        ),
      ]);
      assert.equal(written.code, 0, written.stderr);
      assert.equal(JSON.parse(written.stdout).records, KEYS.length);

      const [max, bounds] = [String(KEYS.length * 2), ['--from-beginning', '--timeout-ms', '20000']];
      const [mine, theirs] = await Promise.all([
        run(['consume', ...bootstrap, '-t', topic, ...bounds, '--max', max, '--format', OUR_FORMAT]),
        java.run(t, 'kafka-console-consumer', ['--topic', topic, ...bounds, '--max-messages', max, ...JAVA_FORMAT]),
      ]);
      assert.equal(mine.code, 0, mine.stderr);
      const records = lines(mine.stdout).map(fromKcat).sort(byPlace);
      assert.deepEqual(records, lines(theirs.stdout).map(fromJava).sort(byPlace));

      const by = (headers: string) => records.filter((record) => record.headers === headers);
      const [ours, javas] = [by('by=us,by=again,empty='), by('by=java')];
      const contents = (some: readonly PlainRecord[]) => some.map(({ key, value }) => `${key}=${value}`).sort();
      assert.deepEqual(contents(ours), KEYS.map((key, i) => `${key}=${i === 3 ? 'null' : `value ${i}`}`).sort());
      assert.deepEqual(contents(javas), contents(ours));
      const partitions = (some: readonly PlainRecord[]) =>
        some.map(({ key, partition }) => `${key} in ${partition}`).sort();
      assert.deepEqual(partitions(javas), partitions(ours), 'a key has one partition, whoever writes');
    });
  });
