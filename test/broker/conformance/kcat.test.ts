/** kcat, which is librdkafka in a terminal, against the embedded log. */
import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { launch, patiently, run } from '../../support/programs.ts';
import { missing } from '../../support/requirements.ts';
import { type ServedLog, serveLog } from '../../support/served-log.ts';
import { fromKcat, KCAT_FORMAT, readPartition } from '../../support/wire-records.ts';

/** A message's JSON, as `-J` prints it. */
interface Message {
  readonly partition: number;
  readonly offset: number;
  readonly ts: number;
  readonly tstype: string;
  readonly headers?: readonly string[];
  readonly key: string | null;
  readonly payload: string | null;
}

describe('kcat', { skip: missing('kcat') ?? false, timeout: 240_000 }, () => {
  let served: ServedLog;
  before(async () => {
    served = await serveLog();
  });
  after(async () => {
    await served.close();
    assert.deepEqual(served.complaints, [], 'the broker found nothing to complain of');
  });

  const kcat = async (t: TestContext, args: readonly string[], input = '', code: number | null = 0) =>
    run(t, 'kcat', ['-b', served.bootstrap, ...args], { input, code });
  const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');

  test('-L lists the broker and its topics', async (t) => {
    await served.log.createTopics([{ name: 'listed', partitions: 3 }]);
    const { stdout } = await kcat(t, ['-L', '-t', 'listed']);
    assert.match(stdout, new RegExp(`broker \\d+ at ${served.bootstrap} \\(controller\\)`));
    assert.match(stdout, /topic "listed" with 3 partitions:/);
    assert.equal(
      lines(stdout).filter((line) => /partition \d, leader (\d+), replicas: \1, isrs: \1/.test(line)).length,
      3,
    );
  });

  test('-L -J says the same in JSON', async (t) => {
    await served.log.createTopics([{ name: 'listed-as-json', partitions: 2 }]);
    const { brokers, topics, controllerid } = JSON.parse((await kcat(t, ['-L', '-J'])).stdout);
    assert.deepEqual(brokers, [{ id: controllerid, name: served.bootstrap }]);
    const listed = topics.find(({ topic }: { topic: string }) => topic === 'listed-as-json');
    const here = [{ id: controllerid }];
    assert.deepEqual(
      listed.partitions,
      [0, 1].map((partition) => ({ partition, leader: controllerid, replicas: here, isrs: here })),
    );
  });

  test('a topic is made by writing to it', async (t) => {
    await kcat(t, ['-P', '-t', 'made-by-writing'], 'first\n');
    assert.deepEqual(
      (await readPartition(served.log, { topic: 'made-by-writing', partition: 0 })).map(({ value }) => value),
      ['first'],
    );
  });

  test('keys, headers, nulls and empty values go through, in and out', async (t) => {
    await served.log.createTopics([{ name: 'shapes', partitions: 1 }]);
    await kcat(
      t,
      ['-P', '-t', 'shapes', '-K:', '-H', 'colour=red', '-H', 'colour=blue', '-H', 'empty='],
      'k1:one\nk2:two\n',
    );
    await kcat(t, ['-P', '-t', 'shapes', '-K:', '-Z'], 'tombstone:\n:no key\n');
    const stored = await readPartition(served.log, { topic: 'shapes', partition: 0 });
    const headers = 'colour=red,colour=blue,empty=';
    assert.deepEqual(
      stored.map(({ key, value, headers }) => ({ key, value, headers })),
      [
        { key: 'k1', value: 'one', headers },
        { key: 'k2', value: 'two', headers },
        { key: 'tombstone', value: null, headers: '' },
        { key: null, value: 'no key', headers: '' },
      ],
    );
    const { stdout } = await kcat(t, ['-C', '-t', 'shapes', '-o', 'beginning', '-e', '-q', ...KCAT_FORMAT]);
    assert.deepEqual(lines(stdout).map(fromKcat), stored);
  });

  test('acks 0, 1 and all, idempotent or not, and each codec', async (t) => {
    await served.log.createTopics([{ name: 'ways', partitions: 1 }]);
    const ways = [
      ['-X', 'acks=0'],
      ['-X', 'acks=1', '-z', 'gzip'],
      ['-X', 'acks=all', '-z', 'snappy'],
      ['-X', 'enable.idempotence=true', '-z', 'lz4'],
      ['-X', 'enable.idempotence=true', '-z', 'zstd'],
    ];
    const text = Array.from({ length: 100 }, (_, i) => `line ${i} of many that are alike\n`).join('');
    for (const way of ways) await kcat(t, ['-P', '-t', 'ways', ...way], text);
    const records = await patiently(
      async () => {
        const all = await readPartition(served.log, { topic: 'ways', partition: 0 });
        return all.length === 500 && all;
      },
      { what: '500 records, those without acknowledgement among them' },
    );
    assert.deepEqual(records.map(({ value }) => `${value}\n`).join(''), text.repeat(5));
  });

  test('-o takes offsets from either end and times', async (t) => {
    await served.log.createTopics([{ name: 'positions', partitions: 1 }]);
    const now = 1_700_000_000_000;
    for (let i = 0; i < 10; i++) {
      const record = { key: null, value: Buffer.from(String(i)), headers: [], timestamp: now + i * 1_000 };
      await served.log.append({ topic: 'positions', partition: 0, records: [record] });
    }
    const read = async (...from: string[]) =>
      lines((await kcat(t, ['-C', '-t', 'positions', '-e', '-q', ...from])).stdout).join('');
    const expected: [text: string, ...args: string[]][] = [
      ['0123456789', '-o', 'beginning'],
      ['789', '-o', '7'],
      ['89', '-o', '-2'],
      ['', '-o', 'end'],
      ['56789', '-o', `s@${now + 4_500}`],
      ['234', '-o', `s@${now + 2_000}`, '-o', `e@${now + 5_000}`],
    ];
    await Promise.all(expected.map(async ([text, ...args]) => assert.equal(await read(...args), text, String(args))));
    const [message] = lines((await kcat(t, ['-C', '-t', 'positions', '-e', '-q', '-J', '-o', '3'])).stdout);
    const { partition, offset, ts, tstype, payload } = JSON.parse(message!) as Message;
    assert.deepEqual(
      { partition, offset, ts, tstype, payload },
      {
        partition: 0,
        offset: 3,
        ts: now + 3_000,
        tstype: 'create',
        payload: '3',
      },
    );
  });

  test('an offset beyond the end is out of range, and -Q asks for offsets by time', async (t) => {
    await served.log.createTopics([{ name: 'asked', partitions: 1 }]);
    const at = { topic: 'asked', partition: 0 };
    const record = { key: null, value: Buffer.from('v'), headers: [], timestamp: 1_700_000_000_000 };
    await served.log.append({ ...at, records: [record, { ...record, timestamp: 1_700_000_001_000 }] });
    const beyond = await kcat(t, ['-C', '-t', 'asked', '-o', '99', '-e', '-X', 'auto.offset.reset=error'], '', null);
    assert.match(beyond.stderr, /Offset out of range|out of range/i);
    const { stdout } = await kcat(t, ['-Q', '-t', 'asked:0:1700000000500', '-t', 'asked:0:-1']);
    assert.match(stdout, /asked \[0\] offset [12]/);
  });

  test('-G: two members share a topic, one goes, the other gets everything', async (t) => {
    await served.log.createTopics([{ name: 'shared', partitions: 4 }]);
    const member = () =>
      launch(t, 'kcat', [
        ...['-b', served.bootstrap, '-G', 'kcats', '-q', '-u', '-X', 'auto.offset.reset=earliest'],
        ...[
          '-X',
          'auto.commit.interval.ms=100',
          '-X',
          'session.timeout.ms=6000',
          '-X',
          'heartbeat.interval.ms=500',
          ...KCAT_FORMAT,
          'shared',
        ],
      ]);
    const write = async (from: number, count: number): Promise<void> => {
      for (let i = from; i < from + count; i++) {
        const record = { key: null, value: Buffer.from(String(i)), headers: [], timestamp: Date.now() };
        await served.log.append({ topic: 'shared', partition: i % 4, records: [record] });
      }
    };
    const [one, two] = [member(), member()];
    const owned = (count: number) => () => {
      const { state, members } = served.log.coordinator.describe('kcats');
      return state === 'Stable' && members.length === count;
    };
    await patiently(owned(2), { what: 'two members' });
    await write(0, 40);
    const values = (program: typeof one) => program.lines().map((line) => Number(fromKcat(line).value));
    await patiently(() => values(one).length + values(two).length >= 40, { what: '40 records at two members' });
    assert.ok(values(one).length > 0 && values(two).length > 0, 'each has its share');
    assert.deepEqual(
      [...values(one), ...values(two)].sort((a, b) => a - b),
      Array.from({ length: 40 }, (_, i) => i),
    );
    await one.end('SIGTERM');
    await patiently(owned(1), { what: 'one member' });
    await write(40, 40);
    await patiently(() => new Set(values(two).filter((i) => i >= 40)).size === 40, { what: 'all at the other member' });
    await two.end('SIGTERM');
    await patiently(() => served.log.coordinator.describe('kcats').state === 'Empty', { what: 'an empty group' });
    const committed = await served.log.group('kcats').committed();
    assert.deepEqual(committed.map(({ offset }) => offset).sort(), [20, 20, 20, 20]);
  });
});
