/** A recent librdkafka, through its client for Python, against the embedded log. */
import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launch, patiently, run } from '../../support/programs.ts';
import { pythonWithConfluentKafka } from '../../support/python.ts';
import { missing } from '../../support/requirements.ts';
import { type ServedLog, serveLog } from '../../support/served-log.ts';
import { appendTexts, readPartition } from '../../support/wire-records.ts';

const SCRIPT = fileURLToPath(new URL('librdkafka-client.py', import.meta.url));
const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

describe('librdkafka', { skip: missing('python3') ?? false, timeout: 300_000 }, () => {
  let served: ServedLog;
  let python: string;
  before(async () => {
    served = await serveLog();
    python = await pythonWithConfluentKafka();
  });
  after(async () => {
    await served.close();
    assert.deepEqual(served.complaints, [], 'the broker found nothing to complain of');
  });

  const command = (name: string, args: object) => [
    SCRIPT,
    name,
    JSON.stringify({ bootstrap: served.bootstrap, ...args }),
  ];
  const parse = <T>(lines: readonly string[]): T[] => lines.map((line) => JSON.parse(line) as T);
  const results = async (t: TestContext, name: string, args: object = {}): Promise<Record<string, unknown>[]> => {
    const { stdout } = await run(t, python, command(name, args));
    return parse(stdout.split('\n').filter((line) => line !== ''));
  };

  test('produces idempotently with each codec', async (t) => {
    const topic = 'produced';
    await served.log.createTopics([{ name: topic, partitions: 1 }]);
    const count = 200;
    assert.deepEqual(
      await results(t, 'produce', { topic, codecs: CODECS, count }),
      CODECS.map((codec, i) => ({ codec, first: i * count, delivered: count, failed: [] })),
    );
    assert.deepEqual(
      await readPartition(served.log, { topic, partition: 0 }),
      CODECS.flatMap((codec, part) =>
        Array.from({ length: count }, (_, i) => ({
          partition: 0,
          offset: part * count + i,
          key: `key-${i}`,
          value: `${codec} record number ${i}`,
          headers: `codec=${codec},n=${i}`,
        })),
      ),
    );
  });

  interface Event {
    readonly event: 'assigned' | 'revoked' | 'lost' | 'record' | 'error';
    readonly partitions?: readonly number[];
    readonly value?: string;
    readonly code?: string;
    readonly message?: string;
  }
  const consumer = (t: TestContext, args: object) => {
    const program = launch(t, python, command('consume', args));
    const events = () => parse<Event>(program.lines());
    const values = (prefix: string) =>
      events().flatMap(({ value }) => (value?.startsWith(prefix) === true ? [value] : []));
    return { program, events, values };
  };

  test('cooperative-sticky members share, and one takes over from the other', async (t) => {
    const topic = 'shared';
    const group = 'cooperative';
    await served.log.createTopics([{ name: topic, partitions: 4 }]);
    const write = async (prefix: string): Promise<void> => {
      for (const partition of [0, 1, 2, 3]) {
        await appendTexts(
          served.log,
          { topic, partition },
          Array.from({ length: 5 }, (_, i) => `${prefix}${partition}/${i}`),
        );
      }
    };
    const settings = {
      'partition.assignment.strategy': 'cooperative-sticky',
      'session.timeout.ms': 6_000,
      'heartbeat.interval.ms': 500,
    };
    const member = () => consumer(t, { topic, group, ...settings });
    const one = member();
    await write('early-');
    await patiently(() => one.values('early-').length === 20, { what: 'a member alone reads everything' });
    const two = member();
    await patiently(
      () => two.events().some(({ event, partitions }) => event === 'assigned' && partitions!.length === 2),
      {
        what: 'a second member has its share',
      },
    );
    await write('shared-');
    await patiently(() => one.values('shared-').length === 10 && two.values('shared-').length === 10, {
      what: 'each reads its half',
    });
    const revoked = one.events().filter(({ event }) => event === 'revoked');
    assert.deepEqual(
      revoked.map(({ partitions }) => partitions!.length),
      [2],
      'it kept what it could',
    );

    await one.program.end('SIGTERM');
    await write('late-');
    await patiently(() => new Set(two.values('late-')).size === 20, { what: 'the other takes over' });
    await two.program.end('SIGTERM');
    const committed = await served.log.group(group).committed();
    assert.deepEqual(
      committed.map(({ offset }) => offset),
      [15, 15, 15, 15],
    );
    assert.deepEqual(
      [...one.events(), ...two.events()].filter(({ event }) => event === 'error' || event === 'lost'),
      [],
    );
  });

  test('administers topics, configs, records, groups', async (t) => {
    const all = await results(t, 'admin', { topic: 'administered', group: 'administered' });
    assert.deepEqual(all, [
      { created: { administered: null, 'no/topic': 'TOPIC_EXCEPTION', three: 'INVALID_REPLICATION_FACTOR' } },
      { created_again: 'TOPIC_ALREADY_EXISTS' },
      { topics: { administered: 3, ...(all[2]!.topics as object) }, cluster: served.log.store.clusterId },
      { nodes: [served.bootstrap] },
      { described: 'administered', partitions: 3, internal: false },
      { configs: { 'cleanup.policy': 'compact,delete', 'retention.ms': '-1' } },
      { low_watermark: 2, earliest: 2, latest: 5 },
      { committed: ['administered', 0, 4] },
      { groups: ['administered', 'cooperative'] },
      { group: 'administered', state: 'EMPTY', members: 0 },
      { groups: ['cooperative'] },
      { deleted_again: 'UNKNOWN_TOPIC_OR_PART' },
    ]);
  });

  test('transactions and the new consumer protocol fail at once, and plainly', async (t) => {
    const startedAt = performance.now();
    const [transaction] = await results(t, 'transaction');
    assert.match(String(transaction!.message), /transaction/i);
    const next = consumer(t, { topic: 'shared', group: 'next', 'group.protocol': 'consumer' });
    const error = await patiently(() => next.events().find(({ event }) => event === 'error'), { what: 'an error' });
    assert.match(`${error.code} ${error.message}`, /UNSUPPORTED|not support/i);
    assert.ok(performance.now() - startedAt < 40_000, 'neither waits for a timeout');
  });
});
