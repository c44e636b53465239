import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { EventLog } from '../../src/kit/log/event-log.ts';
import { type ServedLog, serveLog } from '../support/served-log.ts';
import { dataDirectory } from '../support/streamsocial.ts';
import { objectsOf, rowsOf, verb } from './support/verb.ts';

describe('topics, on the embedded log as any client sees it', { concurrency: true }, () => {
  let served: ServedLog;
  before(async () => {
    served = await serveLog();
  });
  after(() => served.close());

  const topics = (...args: string[]) => verb('topics', ...args, '-b', served.bootstrap);
  const partitionCount = async (topic: string) => (await served.log.describe([topic])).topics[0]!.partitions.length;
  const append = (log: EventLog, topic: string, values: readonly string[]) =>
    log.append({
      topic,
      partition: 0,
      records: values.map((value) => ({ key: null, value: Buffer.from(value), headers: [], timestamp: Date.now() })),
    });

  test('create makes one, leaves one that is there, and refuses other partitions', async () => {
    const create = (...args: string[]) => topics('create', '-t', 'made', ...args);
    assert.deepEqual(await create('--partitions', '3', '--config', 'retention.ms=60000'), {
      code: 0,
      stdout: 'created made with 3 partitions\n',
      stderr: '',
    });
    const again = await create('--partitions', '3', '--config', 'retention.ms=70000');
    assert.equal(again.stdout, 'made exists already with 3 partitions; it was left as it is\n');
    assert.match(again.stderr, /^warning: made has retention.ms=60000, not 70000; .*configs alter/);
    const [created] = objectsOf<object>(await create('--partitions', '3', '--json'));
    assert.deepEqual(
      { ...created, partitions: null },
      { name: 'made', partition_count: 3, replication_factor: 1, records: 0, partitions: null, created: false },
    );
    const other = await create('--partitions', '4');
    assert.deepEqual([other.code, other.stdout], [6, '']);
    assert.match(other.stderr, /made has 3, not 4/);
    const wrong = await topics('create', '-t', 'wrong', '--config', 'retention.ms=soon');
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /INVALID_CONFIG/);
    const wide = await topics('create', '-t', 'wide', '--replication-factor', '3');
    assert.equal(wide.code, 2);
    assert.match(wide.stderr, /needs as many brokers/);
  });

  test('list and describe show partitions, ends and what was configured', async () => {
    await served.log.createTopics([{ name: 'shown', partitions: 2, config: { 'cleanup.policy': 'compact' } }]);
    await served.log.append({
      topic: 'shown',
      partition: 0,
      records: [{ key: Buffer.from('k'), value: null, headers: [], timestamp: Date.now() }],
    });
    const listed = rowsOf(await topics('list'), 'topic');
    assert.deepEqual(
      listed.find(({ topic }) => topic === 'shown'),
      { topic: 'shown', partitions: '2', 'replication factor': '1', records: '1' },
    );
    const text = await topics('describe', '-t', 'shown');
    assert.match(
      text.stdout,
      /^Topic: shown {2}PartitionCount: 2 {2}ReplicationFactor: 1 {2}Configs: cleanup.policy=compact\n/,
    );
    const [described] = objectsOf(await topics('describe', '-t', 'shown', '--json'));
    const partition = { leader: 1, replicas: [1], isr: [1], start_offset: 0 };
    assert.deepEqual(described, {
      name: 'shown',
      partition_count: 2,
      replication_factor: 1,
      records: 1,
      partitions: [
        { partition: 0, ...partition, end_offset: 1 },
        { partition: 1, ...partition, end_offset: 0 },
      ],
      configs: { 'cleanup.policy': 'compact' },
    });
    const all = objectsOf<{ name: string }>(await topics('describe', '--json'));
    assert.ok(all.some(({ name }) => name === 'shown'));
    assert.equal((await topics('describe', '--unavailable')).stdout, 'every partition has a leader\n');
    const unknown = await topics('describe', '-t', 'nowhere');
    assert.deepEqual([unknown.code, unknown.stdout], [5, '']);
    assert.match(unknown.stderr, /describe nowhere: there is no such topic/);
  });

  test('alter adds partitions, with --execute only', async () => {
    await served.log.createTopics([{ name: 'grown', partitions: 2 }]);
    const planned = await topics('alter', '-t', 'grown', '--partitions', '4');
    assert.match(planned.stdout, /grown: 2 -> 4 partitions\n.*another partition.*\nnothing was changed; --execute/);
    assert.equal(await partitionCount('grown'), 2);
    assert.equal((await topics('alter', '-t', 'grown', '--partitions', '4', '--execute')).code, 0);
    assert.equal(await partitionCount('grown'), 4);
    const fewer = await topics('alter', '-t', 'grown', '--partitions', '3');
    assert.equal(fewer.code, 2);
    assert.match(fewer.stderr, /INVALID_PARTITIONS/);
  });

  test('delete says what would be lost, and deletes with --execute only', async () => {
    await served.log.createTopics([{ name: 'doomed', partitions: 1 }]);
    await append(served.log, 'doomed', ['a', 'b']);
    await served.log.group('mourners').commit([{ topic: 'doomed', partition: 0, offset: 1 }]);
    const [planned] = objectsOf<{ bytes: number }>(await topics('delete', '-t', 'doomed', '--json'));
    assert.ok(planned!.bytes > 0);
    assert.deepEqual(
      { ...planned, bytes: 0 },
      { topic: 'doomed', partitions: 1, records: 2, bytes: 0, groups: ['mourners'], executed: false },
    );
    const text = await topics('delete', '-t', 'doomed');
    assert.match(text.stdout, /mourners\nnothing was deleted; --execute deletes\n$/);
    assert.equal(await partitionCount('doomed'), 1);
    assert.match((await topics('delete', '-t', 'doomed', '--execute')).stdout, /deleted doomed\n$/);
    assert.equal((await topics('delete', '-t', 'doomed', '--execute')).code, 5);
  });

  test("one of the platform's own topics is deleted with --force only", async () => {
    await served.log.createTopics([{ name: 'system-events.dlq', partitions: 1 }]);
    const planned = await topics('delete', '-t', 'system-events.dlq');
    assert.equal(planned.code, 0);
    assert.match(planned.stderr, /^warning: system-events.dlq belongs to the platform/);
    const refused = await topics('delete', '-t', 'system-events.dlq', '--execute');
    assert.equal(refused.code, 6);
    assert.match(refused.stderr, /every projection is rebuilt from it.*--force/);
    assert.equal(await partitionCount('system-events.dlq'), 1);
    assert.equal((await topics('delete', '-t', 'system-events.dlq', '--execute', '--force')).code, 0);
  });

  test('configs shows what was set, and changes it with --execute only', async () => {
    await served.log.createTopics([{ name: 'tuned', partitions: 1 }]);
    const configs = (...args: string[]) => verb('configs', ...args, '-b', served.bootstrap);
    assert.equal((await configs('describe', '-t', 'tuned')).stdout, 'topic tuned has the defaults; --all shows them\n');
    assert.match((await configs('describe', '-t', 'tuned', '--all')).stdout, /cleanup.policy +delete +DEFAULT_CONFIG/);
    const alter = (...args: string[]) => configs('alter', '-t', 'tuned', ...args);
    const change = ['--add', 'retention.ms=60000', '--add', 'cleanup.policy=compact'];
    assert.match((await alter(...change)).stdout, /cleanup.policy +delete +compact\nnothing was changed; --execute/);
    assert.equal((await configs('describe', '-t', 'tuned', '--json')).stdout, '');
    assert.equal((await alter(...change, '--execute')).code, 0);
    const values = async () =>
      objectsOf<{ name: string; value: string; source: string }>(
        await configs('describe', '-t', 'tuned', '--json'),
      ).map(({ name, value, source }) => [name, value, source]);
    const policy = ['cleanup.policy', 'compact', 'DYNAMIC_TOPIC_CONFIG'];
    assert.deepEqual(await values(), [policy, ['retention.ms', '60000', 'DYNAMIC_TOPIC_CONFIG']]);
    assert.equal((await alter('--delete', 'retention.ms', '--execute')).code, 0);
    assert.deepEqual(await values(), [policy]);

    const wrong: [code: number, message: RegExp, ...args: string[]][] = [
      [2, /INVALID_CONFIG/, 'alter', '-t', 'tuned', '--add', 'retention.ms=soon'],
      [2, /Say what/, 'alter', '-t', 'tuned'],
      [2, /both added and deleted/, 'alter', '-t', 'tuned', '--add', 'a=1', '--delete', 'a'],
      [2, /topic tuned has no configuration bogus/, 'alter', '-t', 'tuned', '--delete', 'bogus'],
      [2, /Say whose/, 'describe'],
      [2, /Say whose/, 'describe', '-t', 'tuned', '--broker', '1'],
      [5, /there is no broker 7; the brokers are 1/, 'describe', '--broker', '7'],
      [5, /UNKNOWN_TOPIC/, 'describe', '-t', 'nowhere'],
    ];
    for (const [code, message, ...args] of wrong) {
      const result = await configs(...args);
      assert.deepEqual([result.code, result.stdout], [code, ''], args.join(' '));
      assert.match(result.stderr, message);
    }
    assert.match((await configs('describe', '--broker', '1')).stdout, /node.id +1 +STATIC_BROKER_CONFIG +read-only/);
  });

  test('works on an embedded log that nobody serves', async (t) => {
    const data = ['--data-dir', join(await dataDirectory(t), 'data')];
    assert.equal((await verb('topics', 'create', '-t', 'orders', '--partitions', '2', ...data)).code, 0);
    const [described] = objectsOf<{ partition_count: number }>(
      await verb('topics', 'describe', '-t', 'orders', '--json', ...data),
    );
    assert.equal(described!.partition_count, 2);
    assert.equal((await verb('groups', 'list', ...data)).stdout, 'no groups yet\n');
  });

  test('brokers that are not there are said to be unreachable', async () => {
    const unreachable = { code: 3, stdout: '', stderr: 'error: no broker answers (127.0.0.1:1) (LOG_UNAVAILABLE)\n' };
    assert.deepEqual(await verb('groups', 'list', '-b', '127.0.0.1:1'), unreachable);
  });

  test('acls says in a sentence that there are none', async () => {
    const { code, stdout, stderr } = await verb('acls', 'list', '-b', served.bootstrap);
    assert.deepEqual([code, stdout], [6, '']);
    assert.match(stderr, /^error: this log knows no access rules: everybody who can connect may do everything/);
  });
});
