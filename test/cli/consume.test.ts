import assert from 'node:assert/strict';
import { PassThrough, Writable } from 'node:stream';
import { after, before, describe, it, type TestContext } from 'node:test';
import { startBroker, type TestBroker } from '../../src/broker/testing/start-broker.ts';
import { parseFilter } from '../../src/cli/consume-filter.ts';
import { type ConsumeOptions, consumeInGroup, consumePartitions } from '../../src/cli/consume-records.ts';
import { resolveGroupStart, resolveStart, startOf } from '../../src/cli/consume-start.ts';
import type { LogAccess } from '../../src/cli/log-access.ts';
import { parseFormat } from '../../src/cli/record-format.ts';
import { RecordPrinter, type RecordPrinterOptions } from '../../src/cli/record-printer.ts';
import { KafkaLog } from '../../src/kit/log/kafka/kafka-log.ts';
import { launch, run } from '../support/streamsocial.ts';
import { until } from '../support/until.ts';
import { appendTexts } from '../support/wire-records.ts';

const NEVER = new Promise<never>(() => {});

describe('consume', { concurrency: true, timeout: 120_000 }, () => {
  let broker: TestBroker;
  let log: KafkaLog;
  let access: LogAccess;
  before(async () => {
    broker = await startBroker();
    log = await KafkaLog.connect({ bootstrap: [broker.bootstrap] });
    access = { log, bootstrap: [broker.bootstrap], origin: 'a test', admin: undefined as never };
  });
  after(async () => {
    await log.close();
    await broker.close();
  });

  const topicOf = async (name: string, counts: readonly number[]): Promise<string> => {
    await broker.log.createTopics([{ name, partitions: counts.length }]);
    for (const [partition, count] of counts.entries()) {
      const values = Array.from({ length: count }, (_, i) => `${partition}:${i}`);
      if (count > 0) await appendTexts(broker.log, { topic: name, partition }, values, (i) => 1_000 + i);
    }
    return name;
  };
  const printing = (options: Partial<RecordPrinterOptions> = {}) => {
    const output = new PassThrough();
    let text = '';
    output.setEncoding('utf8').on('data', (more: string) => {
      text += more;
    });
    const format = parseFormat('%v');
    const printer = new RecordPrinter({ output, format, filter: null, max: Number.POSITIVE_INFINITY, ...options });
    return { printer, lines: () => text.split('\n').slice(0, -1) };
  };
  const options = (topic: string, printer: RecordPrinter, more: Partial<ConsumeOptions> = {}): ConsumeOptions => ({
    topic,
    partitions: [0],
    start: { at: 'earliest' },
    printer,
    idleTimeoutMs: null,
    stopped: NEVER,
    note: () => {},
    ...more,
  });
  const committed = async (group: string) =>
    (await log.group(group).committed()).map(({ partition, offset }) => `${partition}@${offset}`).sort();

  it('reads several partitions, each in order, and ends when nothing comes any more', async () => {
    const topic = await topicOf('read', [300, 0, 200]);
    const { printer, lines } = printing();
    assert.equal(
      await consumePartitions(access, options(topic, printer, { partitions: [0, 1, 2], idleTimeoutMs: 5_000 })),
      'idle',
    );
    for (const [partition, count] of [300, 0, 200].entries())
      assert.deepEqual(
        lines().filter((line) => line.startsWith(`${partition}:`)),
        Array.from({ length: count }, (_, i) => `${partition}:${i}`),
      );
  });

  it('stops at exactly so many records', async () => {
    const topic = await topicOf('exactly', [50, 50]);
    const { printer, lines } = printing({ max: 7 });
    assert.equal(await consumePartitions(access, options(topic, printer, { partitions: [0, 1] })), 'full');
    assert.equal(lines().length, 7);
  });

  it('counts what passes the filter, and commits what it has passed over', async () => {
    const topic = await topicOf('filtered', [50]);
    const { printer, lines } = printing({ max: 2, filter: parseFilter('offset == 10 || offset >= 20') });
    assert.equal(await consumeInGroup(access, 'filtering', options(topic, printer)), 'full');
    assert.deepEqual(lines(), ['0:10', '0:20']);
    assert.deepEqual(await committed('filtering'), ['0@21']);
  });

  it('in a group, goes on where the group was, to the record', async () => {
    const topic = await topicOf('grouped', [10, 10]);
    const seen: string[] = [];
    for (const max of [3, 5, 12]) {
      const { printer, lines } = printing({ max });
      assert.equal(await consumeInGroup(access, 'going-on', options(topic, printer)), 'full');
      seen.push(...lines());
    }
    assert.deepEqual(
      seen.sort(),
      [0, 1].flatMap((p) => Array.from({ length: 10 }, (_, i) => `${p}:${i}`)),
    );
    assert.deepEqual(await committed('going-on'), ['0@10', '1@10']);
  });

  it('commits nothing that its reader did not take before it went away', async () => {
    const topic = await topicOf('closed', [10]);
    const closed = Promise.withResolvers<'closed'>();
    const output = new Writable({
      write: (_chunk, _encoding, done) => {
        closed.resolve('closed');
        done(new Error('EPIPE'));
      },
    });
    output.on('error', () => {});
    const { printer } = printing({ output });
    const end = await consumeInGroup(access, 'closing', options(topic, printer, { stopped: closed.promise }));
    assert.equal(end, 'closed');
    assert.deepEqual(await committed('closing'), ['0@0'], 'where it began');
  });

  it('commits what was written when it is interrupted, and nothing that is still being written', async () => {
    const topic = await topicOf('stuck', [10]);
    const interrupted = Promise.withResolvers<'interrupted'>();
    let writes = 0;
    // the first piece is taken, the next one hangs, as in a pager that nobody scrolls
    const output = new Writable({
      write: (_chunk, _encoding, done) => {
        writes += 1;
        if (writes === 1) done();
        else interrupted.resolve('interrupted');
      },
    });
    const { printer } = printing({ output });
    const consuming = consumeInGroup(access, 'interrupted', options(topic, printer, { stopped: interrupted.promise }));
    await until(() => writes === 1);
    await appendTexts(broker.log, { topic, partition: 0 }, ['more']);
    assert.equal(await consuming, 'interrupted');
    assert.deepEqual(await committed('interrupted'), ['0@10']);
  });

  it('a new group begins at the end, and goes on from there the next time', async () => {
    const topic = await topicOf('late', [5]);
    const first = printing();
    const at = { start: { at: 'latest' } as const, idleTimeoutMs: 100 };
    assert.equal(await consumeInGroup(access, 'late', options(topic, first.printer, at)), 'idle');
    assert.deepEqual(first.lines(), []);
    await appendTexts(broker.log, { topic, partition: 0 }, ['after']);
    const second = printing({ max: 1 });
    await consumeInGroup(access, 'late', options(topic, second.printer, { start: { at: 'latest' } }));
    assert.deepEqual(second.lines(), ['after']);
  });

  it('says so when the position of a group has gone, and misses nothing that is left', async () => {
    const topic = await topicOf('gone', [10, 10, 10]);
    const all = [0, 1, 2].map((partition) => ({ topic, partition }));
    const ends = {
      listOffsets: async (queries: readonly { at: unknown }[]) => queries.map(({ at }) => (at === 'earliest' ? 4 : 10)),
    };
    const positions = [1, 99, 7].map((offset, partition) => ({ topic, partition, offset }));
    const start = await resolveGroupStart(ends, all, positions, 'latest');
    assert.deepEqual(
      start.positions.map(({ offset }) => offset),
      [4, 10, 7],
    );
    assert.match(start.moved[0]!, /gone-0 holds offsets 4 to 9; 1 is outside; goes on at 4/);
    assert.equal(start.moved.length, 2);
  });

  it('begins where it is told to', async () => {
    const topic = await topicOf('starts', [10, 4]);
    const all = [0, 1].map((partition) => ({ topic, partition }));
    const from = async (flags: Parameters<typeof startOf>[0], partitions = all) =>
      (await resolveStart(log, partitions, startOf(flags, 5_000))).map(({ offset }) => offset);
    assert.deepEqual(await from({}), [10, 4]);
    assert.deepEqual(await from({ fromBeginning: true }), [0, 0]);
    assert.deepEqual(await from({ offset: 'earliest' }), [0, 0]);
    assert.deepEqual(await from({ offset: '-6' }), [4, 0]);
    assert.deepEqual(await from({ offset: '3' }, all.slice(0, 1)), [3]);
    assert.deepEqual(await from({ fromTime: '1970-01-01T00:00:01.002Z' }), [2, 2]);
    assert.deepEqual(await from({ fromTime: '-3992ms' }), [8, 4], 'of times 1000 to 1009, now being 5000');
    assert.deepEqual(await from({ offset: '10' }, all.slice(0, 1)), [10], 'the end is a place to wait at');
    await assert.rejects(from({ offset: '11' }, all.slice(0, 1)), {
      code: 'OFFSET_OUT_OF_RANGE',
      message: 'starts-0 holds offsets 0 to 9; 11 is outside',
    });
    await assert.rejects(from({ offset: '3' }), { code: 'USAGE', message: /say which with -p/ });
    for (const wrong of [
      { offset: 'first' },
      { fromTime: 'yesterday' },
      { fromTime: '2026-05-27' },
      { fromBeginning: true, offset: '1' },
    ])
      assert.throws(() => startOf(wrong, 0), { code: 'USAGE' });
  });

  const consume = (...args: string[]) => run(['consume', '--bootstrap', broker.bootstrap, ...args]);

  it('ends quietly when its reader goes away, with the offsets of its group intact', async (t) => {
    const topic = await topicOf('head', [30_000]);
    const { child, ended, output } = launchConsume(t, '-t', topic, '-g', 'head', '--from-beginning');
    child.stdout!.once('data', () => child.stdout!.destroy());
    assert.equal(await ended, 0);
    assert.doesNotMatch(output(), /rror|EPIPE/);
    assert.deepEqual(await committed('head'), ['0@0']);
    const again = await consume('-t', topic, '-g', 'head', '--max', '2');
    assert.equal(again.stdout, '0:0\n0:1\n');
  });

  it('Ctrl-C commits what was printed and leaves the group', async (t) => {
    const topic = await topicOf('ctrl-c', [3]);
    const { child, ended, output } = launchConsume(t, '-t', topic, '-g', 'ctrl-c', '--from-beginning');
    await until(() => output().includes('0:2'), { timeoutMs: 60_000 });
    child.kill('SIGINT');
    assert.equal(await ended, 0, output());
    assert.equal(output(), '0:0\n0:1\n0:2\n');
    assert.deepEqual(await committed('ctrl-c'), ['0@3']);
    // refused while the group has a member
    await log.group('ctrl-c').commit([{ topic, partition: 0, offset: 0 }]);
  });

  it('says what is wrong in a line, with the exit code that fits', async () => {
    const topic = await topicOf('wrong', [2]);
    const cases: [code: number, message: RegExp, ...args: string[]][] = [
      [5, /UNKNOWN_TOPIC/, '-t', 'nope'],
      [5, /wrong has one partition, 0; there is no 9 \(UNKNOWN_PARTITION\)/, '-t', topic, '-p', '9'],
      [5, /wrong-0 holds offsets 0 to 1; 5 is outside/, '-t', topic, '-p', '0', '-o', '5'],
      [2, /column 5: "=" is not understood/, '-t', topic, '--filter', 'key = 1'],
      [2, /-g and -p exclude each other/, '-t', topic, '-g', 'g', '-p', '0'],
      [3, /no broker answers/, '-t', topic, '--bootstrap', '127.0.0.1:1'],
    ];
    const results = await Promise.all(cases.map(([, , ...args]) => consume(...args)));
    for (const [index, [code, message, ...args]] of cases.entries()) {
      const { code: actual, stderr } = results[index]!;
      assert.equal(actual, code, `${args.join(' ')}: ${stderr}`);
      assert.match(stderr, message);
      assert.doesNotMatch(stderr, /\n {4}at /, 'no stack');
    }
  });

  const launchConsume = (t: TestContext, ...args: string[]) =>
    launch(t, ['consume', '--bootstrap', broker.bootstrap, ...args]);
});
