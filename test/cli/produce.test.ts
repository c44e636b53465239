import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { startBroker, type TestBroker } from '../../src/broker/testing/start-broker.ts';
import { type InputLine, linesOf } from '../../src/cli/produce-input.ts';
import { type ProduceOptions, produceLines } from '../../src/cli/produce-lines.ts';
import { KafkaLog } from '../../src/kit/log/kafka/kafka-log.ts';
import { PlainProducer } from '../../src/kit/log/kafka/plain-producer.ts';
import { HighVolumeProducer } from '../../src/kit/producers/high-volume-producer.ts';
import { launch } from '../support/programs.ts';
import { dataDirectory, run } from '../support/streamsocial.ts';
import { until } from '../support/until.ts';
import { readPartition } from '../support/wire-records.ts';

describe('produce', { concurrency: true, timeout: 120_000 }, () => {
  let broker: TestBroker;
  let log: KafkaLog;
  before(async () => {
    broker = await startBroker({ topics: { wrong: 1 } });
    log = await KafkaLog.connect({ bootstrap: [broker.bootstrap] });
  });
  after(async () => {
    await log.close();
    await broker.close();
  });

  const values = async (topic: string, partition = 0) =>
    (await readPartition(broker.log, { topic, partition })).map(({ value }) => value);

  /** Lines as records of a new topic with one partition. */
  const produceTo = async (
    topic: string,
    input: AsyncIterable<readonly InputLine[]>,
    more: Partial<ProduceOptions> = {},
  ) => {
    await broker.log.createTopics([{ name: topic, partitions: 1, config: { 'max.message.bytes': '2000' } }]);
    const producer = new HighVolumeProducer({ log, deliveryTimeoutMs: 20_000 });
    const skipped: string[] = [];
    const tally = await produceLines(input, {
      producer,
      topic,
      partition: null,
      headers: [],
      keySeparator: Buffer.from(':'),
      nullValue: null,
      maxBytes: 10_000,
      skipInvalid: false,
      signal: new AbortController().signal,
      onSkipped: ({ message }) => skipped.push(message),
      ...more,
    });
    await producer.close();
    return { tally, skipped };
  };
  async function* text(...pieces: string[]): AsyncGenerator<readonly InputLine[]> {
    yield* linesOf(
      (async function* () {
        for (const piece of pieces) yield Buffer.from(piece);
      })(),
      10_000,
    );
  }

  it('ends at the first line that is no record, with everything before it in the log', async () => {
    const { tally } = await produceTo('stops', text('k:1\nk:2\n', 'k:3\nbroken\nk:5\n', 'k:6\n'));
    assert.equal(tally.error?.code, 'INVALID_LINE');
    assert.match(tally.error.message, /^line 4: there is no ":"/);
    assert.deepEqual(await values('stops'), ['1', '2', '3']);
    assert.deepEqual(tally.partitions, [{ partition: 0, records: 3, first_offset: 0, last_offset: 2 }]);
  });

  it('leaves such lines out where that is asked for, and names each', async () => {
    const large = `k:${'x'.repeat(3_000)}`;
    const { tally, skipped } = await produceTo(
      'skips',
      text(`k:1\nbroken\n${large}\nk:4\n${'y'.repeat(20_000)}\nk:6\n`),
      {
        skipInvalid: true,
      },
    );
    assert.equal(tally.error, null);
    assert.deepEqual(await values('skips'), ['1', '4', '6']);
    assert.equal(tally.skipped, 3);
    assert.deepEqual(skipped.map((message) => /^line \d+/.exec(message)![0]).sort(), ['line 2', 'line 3', 'line 5']);
  });

  it('a record that the topic does not take ends it with the number of its line', async () => {
    const { tally } = await produceTo('large', text(`k:1\nk:${'x'.repeat(3_000)}\n`));
    assert.equal(tally.error?.code, 'RECORD_TOO_LARGE');
    assert.match(tally.error.message, /^line 2: /);
  });

  it('sends what was read, and no more, when it is interrupted', async () => {
    const interrupted = new AbortController();
    async function* endless(): AsyncGenerator<readonly InputLine[]> {
      for (let number = 1; ; number += 1) {
        if (number === 101) interrupted.abort();
        yield [{ number, bytes: Buffer.from(`k:${number}`) }];
      }
    }
    const { tally } = await produceTo('interrupted', endless(), { signal: interrupted.signal });
    assert.equal(tally.records, 100);
    assert.equal((await values('interrupted')).at(-1), '100');
  });

  it('an input that breaks is told of; what came before is written', async () => {
    async function* breaking(): AsyncGenerator<readonly InputLine[]> {
      yield* text('k:1\n');
      throw new Error('disk on fire');
    }
    const { tally } = await produceTo('breaks', breaking());
    assert.equal(tally.error?.code, 'UNREADABLE_INPUT');
    assert.match(tally.error.message, /after line 1: disk on fire/);
    assert.deepEqual(await values('breaks'), ['1']);
  });

  for (const acks of [0, 1] as const)
    it(`acks=${acks} writes many records in order, over one connection each broker`, async () => {
      const topic = `plain-${acks}`;
      await broker.log.createTopics([{ name: topic, partitions: 2 }]);
      const plain = new PlainProducer({ bootstrap: [broker.bootstrap], acks });
      const count = 40;
      for (const partition of [0, 1]) {
        for (let i = 0; i < count; i += 1) {
          const records = [{ key: null, value: Buffer.from(`${i}`.padEnd(200_000)), headers: [], timestamp: 1 }];
          const { baseOffset } = await plain.append({ topic, partition, records });
          assert.equal(baseOffset, acks === 0 ? -1 : i);
        }
      }
      await plain.close();
      for (const partition of [0, 1]) {
        const written = await values(topic, partition);
        assert.deepEqual(
          written.map((value) => Number(value)),
          Array.from({ length: count }, (_, i) => i),
        );
      }
    });

  it('acks=1 hears of a refusal, acks=0 does not', async () => {
    await broker.log.createTopics([{ name: 'refusing', partitions: 1, config: { 'max.message.bytes': '2000' } }]);
    const batch = () => ({
      topic: 'refusing',
      partition: 0,
      records: [{ key: null, value: Buffer.alloc(5_000), headers: [], timestamp: 1 }],
    });
    await using opened = new AsyncDisposableStack();
    const open = (acks: 0 | 1) =>
      opened.adopt(new PlainProducer({ bootstrap: [broker.bootstrap], acks }), (producer) => producer.close());
    await assert.rejects(open(1).append(batch()), { code: 'RECORD_TOO_LARGE' });
    assert.deepEqual(await open(0).append(batch()), { baseOffset: -1 });
    await assert.rejects(open(1).append({ ...batch(), topic: 'nowhere' }), { code: 'UNKNOWN_TOPIC' });
    assert.deepEqual(await values('refusing'), []);
  });

  const produce = (args: readonly string[], input?: string) =>
    run(['produce', '--bootstrap', broker.bootstrap, ...args], input);

  it('reads a file, warns of weak acknowledgements, and says where it wrote', async (t) => {
    await broker.log.createTopics([{ name: 'from-file', partitions: 2 }]);
    const file = join(await dataDirectory(t), 'lines');
    await writeFile(file, 'one\r\ntwo\n\nthree');
    const args = ['-t', 'from-file', '--file', file, '-p', '1'];
    const [one, zero] = [await produce([...args, '--acks', '1']), await produce([...args, '--acks', '0', '--json'])];
    assert.equal(one.code, 0, one.stderr);
    assert.match(one.stderr, /^acks=1: only the leader answers.*\n$/);
    assert.match(one.stdout, /^4 records written to from-file: partition 1: 4 \(offsets 0 to 3\)/);
    assert.equal(zero.code, 0, zero.stderr);
    assert.match(zero.stderr, /^acks=0: nobody answers/);
    const { partitions } = JSON.parse(zero.stdout);
    assert.deepEqual(partitions, [{ partition: 1, records: 4, first_offset: null, last_offset: null }]);
    await until(async () => (await values('from-file', 1)).length === 8);
    assert.deepEqual((await values('from-file', 1)).slice(4), ['one', 'two', '', 'three']);
  });

  it('Ctrl-C ends the reading and says what was written', async (t) => {
    await broker.log.createTopics([{ name: 'ctrl-c', partitions: 1 }]);
    const main = new URL('../../src/cli/main.ts', import.meta.url).pathname;
    const program = launch(t, process.execPath, [main, 'produce', '--bootstrap', broker.bootstrap, '-t', 'ctrl-c']);
    program.write('one\ntwo\nthr');
    await until(async () => (await values('ctrl-c')).length === 2, { timeoutMs: 60_000 });
    const { code, stdout, stderr } = await program.end('SIGINT');
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /^2 records written to ctrl-c: partition 0: 2 \(offsets 0 to 1\)\n$/);
    assert.deepEqual(await values('ctrl-c'), ['one', 'two']);
  });

  it('says what is wrong in a line, with the exit code that fits', async () => {
    const cases: [code: number, message: RegExp, ...args: string[]][] = [
      [5, /UNKNOWN_TOPIC/, '-t', 'nope'],
      [5, /wrong has one partition, 0; there is no 3/, '-t', 'wrong', '-p', '3'],
      [2, /Allowed choices are 0, 1, all/, '-t', 'wrong', '--acks', '2'],
      [3, /no broker answers/, '-t', 'wrong', '--bootstrap', '127.0.0.1:1'],
      [1, /line 1: there is no ":" between key and value \(INVALID_LINE\)/, '-t', 'wrong', '--key-separator', ':'],
    ];
    const results = await Promise.all(cases.map(([, , ...args]) => produce(args, 'no separator\n')));
    for (const [index, [code, message, ...args]] of cases.entries()) {
      const { code: actual, stderr } = results[index]!;
      assert.equal(actual, code, `${args.join(' ')}: ${stderr}`);
      assert.match(stderr, message);
      assert.doesNotMatch(stderr, /\n {4}at /, 'no stack');
    }
  });
});
