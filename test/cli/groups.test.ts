import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import type { GroupMember } from '../../src/kit/log/event-log.ts';
import type { GroupReport } from '../../src/kit/log/group-report.ts';
import { type ServedLog, serveLog } from '../support/served-log.ts';
import { dataDirectory } from '../support/streamsocial.ts';
import { until } from '../support/until.ts';
import { objectsOf, rowsOf, verb } from './support/verb.ts';

const HOUR_MS = 3_600_000;

describe('groups, on the embedded log as any client sees it', { concurrency: true }, () => {
  let served: ServedLog;
  before(async () => {
    served = await serveLog();
  });
  after(() => served.close());

  const groups = (...args: string[]) => verb('groups', ...args, '-b', served.bootstrap);
  /** Two partitions: ten records in the first, an hour old and one minute younger each; none in the second. */
  const topicOfTen = async (topic: string): Promise<{ topic: string; startMs: number }> => {
    await served.log.createTopics([{ name: topic, partitions: 2 }]);
    const startMs = Date.now() - HOUR_MS;
    const records = Array.from({ length: 10 }, (_, index) => ({
      key: null,
      value: Buffer.from(String(index)),
      headers: [],
      timestamp: startMs + index * 60_000,
    }));
    await served.log.append({ topic, partition: 0, records });
    return { topic, startMs };
  };
  const commit = (group: string, topic: string, offset: number, partition = 0) =>
    served.log.group(group).commit([{ topic, partition, offset }]);
  const committed = async (group: string) =>
    (await served.log.group(group).committed()).map(
      ({ topic, partition, offset }) => `${topic}:${partition}=${offset}`,
    );
  const member = async (t: TestContext, group: string, topic: string): Promise<GroupMember> => {
    const joined = await served.log.group(group).join({
      topics: [topic],
      onAssigned: async () => [],
      onRecords: async () => {},
      onRevoked: async () => {},
    });
    t.after(() => joined.leave());
    await until(() => joined.assignment().length > 0);
    return joined;
  };

  test('describe shows lag in records and in seconds, also without members', async () => {
    const { topic } = await topicOfTen('late');
    await commit('late-group', topic, 4);
    await commit('late-group', topic, 0, 1);
    const text = await groups('describe', 'late-group');
    assert.equal(text.code, 0);
    assert.equal(text.stderr, "Consumer group 'late-group' has no active members.\n");
    const [first, second] = rowsOf(text, 'GROUP');
    assert.deepEqual(
      { ...first, 'SECONDS-BEHIND': Math.floor(Number(first!['SECONDS-BEHIND']) / 60) },
      {
        GROUP: 'late-group',
        TOPIC: 'late',
        PARTITION: '0',
        'CURRENT-OFFSET': '4',
        'LOG-END-OFFSET': '10',
        LAG: '6',
        'SECONDS-BEHIND': 56,
        'CONSUMER-ID': '-',
        HOST: '-',
        'CLIENT-ID': '-',
      },
    );
    assert.deepEqual([second!.LAG, second!['SECONDS-BEHIND']], ['0', '0.0']);
    assert.match(text.stdout, /\ntotal: lag 6, 33\d\d\.\d s behind at most, 2 partitions, 0 members\n$/);
    const [state] = rowsOf(await groups('describe', '-g', 'late-group', '--state'), 'GROUP');
    assert.deepEqual([state!.STATE, state!.TYPE, state!['#MEMBERS']], ['Empty', 'classic', '0']);
  });

  test('describe shows who reads what', async (t) => {
    const { topic } = await topicOfTen('read');
    const { memberId } = await member(t, 'readers', topic);
    const [report] = objectsOf<GroupReport>(await groups('describe', 'readers', '--json'));
    assert.deepEqual([report!.state, report!.type, report!.assignor], ['Stable', 'classic', 'roundrobin']);
    assert.deepEqual(
      report!.partitions.map(({ partition, current_offset, lag, member_id }) => [
        partition,
        current_offset,
        lag,
        member_id,
      ]),
      [
        [0, null, null, memberId],
        [1, null, null, memberId],
      ],
    );
    const [row] = rowsOf(await groups('describe', 'readers', '--members'), 'GROUP');
    assert.deepEqual([row!['CONSUMER-ID'], row!['#PARTITIONS'], row!.ASSIGNMENT], [memberId, '2', 'read:0,1']);
    const listed = objectsOf<{ group: string; state: string }>(await groups('list', '--state', 'stable', '--json'));
    assert.deepEqual(
      listed.find(({ group }) => group === 'readers'),
      { group: 'readers', state: 'Stable', type: 'classic', protocol_type: 'consumer' },
    );
    const misspelt = await groups('list', '--state', 'Stabel');
    assert.deepEqual([misspelt.code, misspelt.stdout], [2, '']);
    assert.match(misspelt.stderr, /There is no state "Stabel"; there are Stable, Empty/);
  });

  test('describe survives a topic that is gone and records that retention removed', async () => {
    const { topic } = await topicOfTen('cut');
    await commit('survivor', topic, 2);
    await served.log.createTopics([{ name: 'brief', partitions: 1 }]);
    await commit('survivor', 'brief', 0);
    await verb('topics', 'delete', '-t', 'brief', '--execute', '-b', served.bootstrap);
    await served.log.store.deleteRecords({ topic, partition: 0 }, 7);
    const [report] = objectsOf<GroupReport>(await groups('describe', 'survivor', '--json'));
    const cut = report!.partitions.find((one) => one.topic === topic)!;
    assert.deepEqual([cut.current_offset, cut.lag, Math.floor(cut.seconds_behind! / 60)], [2, 8, 53]);
    assert.ok(report!.partitions.every((one) => one.topic === topic || one.log_end_offset === null));
  });

  test('reset-offsets says what it would do, then does it', async () => {
    const { topic, startMs } = await topicOfTen('replayed');
    await commit('replayers', topic, 6);
    const reset = (...args: string[]) => groups('reset-offsets', 'replayers', ...args);
    const planned = await reset('-t', topic, '--to-earliest');
    assert.match(
      planned.stdout,
      /replayed +0 +6 +0 +6 records repeated\n.* 1 +- +0 +new\nnothing was changed; --execute/,
    );
    assert.deepEqual(await committed('replayers'), ['replayed:0=6']);

    const steps: [args: string[], offset: number][] = [
      [['-t', `${topic}:0`, '--to-earliest'], 0],
      [['--all-topics', '--shift-by', '3'], 3],
      [['--all-topics', '--shift-by', '-1'], 2],
      [['-t', `${topic}:0`, '--to-offset', '5'], 5],
      [['--all-topics', '--to-datetime', new Date(startMs + 210_000).toISOString()], 4],
      [['--all-topics', '--to-datetime', new Date(startMs + HOUR_MS).toISOString()], 10],
      [['--all-topics', '--by-duration', 'PT57M30S'], 3],
      [['--all-topics', '--to-latest'], 10],
      [['--all-topics', '--to-current'], 10],
    ];
    for (const [args, offset] of steps) {
      const done = await reset(...args, '--execute', '--json');
      assert.equal(done.code, 0, done.stderr);
      assert.equal(objectsOf<{ new_offset: number }>(done)[0]!.new_offset, offset, args.join(' '));
      assert.deepEqual(await committed('replayers'), [`replayed:0=${offset}`], args.join(' '));
    }

    const clamped = await reset('-t', `${topic}:0`, '--to-offset', '99', '--execute');
    assert.equal(clamped.code, 0);
    assert.match(
      clamped.stderr,
      /^warning: New offset \(99\) is higher than latest offset .* Value will be set to 10\.\n/,
    );
    assert.deepEqual(await committed('replayers'), ['replayed:0=10']);
  });

  test('a plan is exported and applied to another group', async (t) => {
    const { topic } = await topicOfTen('moved');
    await commit('one', topic, 7);
    const plan = await groups('reset-offsets', 'one', '--all-topics', '--to-current', '--export');
    assert.equal(plan.stdout, 'moved,0,7\n');
    const file = join(await dataDirectory(t), 'plan.csv');
    await writeFile(file, plan.stdout);
    const refused = await groups('reset-offsets', 'other', '--from-file', file, '--execute');
    assert.equal(refused.code, 5);
    assert.match(refused.stderr, /Consumer group 'other' does not exist\. --create/);
    assert.equal((await groups('reset-offsets', 'other', '--from-file', file, '--create', '--execute')).code, 0);
    assert.deepEqual(await committed('other'), ['moved:0=7']);
  });

  test('a group with members is left alone, by every verb that would change it', async (t) => {
    const { topic } = await topicOfTen('busy');
    await member(t, 'workers', topic);
    const refused: [message: RegExp, ...args: string[]][] = [
      [
        /'workers' is inactive, but the current state is Stable/,
        'reset-offsets',
        'workers',
        '-t',
        topic,
        '--to-earliest',
      ],
      [/the group is not empty/, 'delete', 'workers'],
      [/is subscribed to the topic/, 'delete-offsets', 'workers', '-t', topic],
    ];
    for (const [message, ...args] of refused) {
      const { code, stdout, stderr } = await groups(...args, '--execute');
      assert.deepEqual([code, stdout], [6, ''], args.join(' '));
      assert.match(stderr, message);
    }
  });

  test('the position of a projection is not set here', async () => {
    const { topic } = await topicOfTen('owned');
    for (const [group, name] of [
      ['streamsocial-engagement', 'engagement'],
      ['streamsocial-engagement.activity', 'activity'],
    ]) {
      const { code, stderr } = await groups('reset-offsets', group!, '-t', topic, '--to-earliest', '--execute');
      assert.equal(code, 6);
      assert.match(stderr, new RegExp(`projection ${name}\\..*streamsocial projections rebuild ${name} `));
    }
  });

  test('delete and delete-offsets say what goes, then do it', async () => {
    const { topic } = await topicOfTen('left');
    await commit('leavers', topic, 3);
    await commit('leavers', topic, 0, 1);
    assert.match(
      (await groups('delete-offsets', 'leavers', '-t', `${topic}:1`)).stdout,
      /left +1 +0\nnothing was deleted/,
    );
    assert.equal((await groups('delete-offsets', '-g', 'leavers', '-t', `${topic}:1`, '--execute')).code, 0);
    assert.deepEqual(await committed('leavers'), ['left:0=3']);
    assert.match((await groups('delete', 'leavers')).stdout, /leavers +Empty +1\nnothing was deleted; --execute/);
    assert.equal((await groups('delete', 'leavers', '--execute')).code, 0);
    assert.equal((await groups('describe', 'leavers')).code, 5);
  });

  test('says in a line what is wrong', async () => {
    const { topic } = await topicOfTen('wrong');
    await commit('mistaken', topic, 1);
    const reset = ['reset-offsets', 'mistaken'];
    const cases: [code: number, message: RegExp, ...args: string[]][] = [
      [5, /Consumer group 'nobody' does not exist/, 'describe', 'nobody'],
      [5, /Consumer group 'nobody' does not exist/, 'delete', 'nobody'],
      [5, /there is no such topic/, ...reset, '-t', 'nowhere', '--to-earliest'],
      [5, /wrong has 2 partitions, counted from 0: there is no 2/, ...reset, '-t', 'wrong:2', '--to-earliest'],
      [5, /FILE_NOT_FOUND/, ...reset, '--from-file', '/nowhere.csv'],
      [6, /wrong-1 since there is no current committed offset/, ...reset, '-t', topic, '--shift-by', '1'],
      [2, /2026-05-27T14:00:00Z/, ...reset, '-t', topic, '--to-datetime', 'yesterday'],
      [2, /PT1H30M/, ...reset, '-t', topic, '--by-duration', '1h'],
      [2, /Say where to, once/, ...reset, '-t', topic],
      [2, /Say where to, once/, ...reset, '-t', topic, '--to-earliest', '--to-latest'],
      [2, /Say which topics/, ...reset, '--to-earliest'],
      [2, /Invalid topic arg 'wrong:x'/, ...reset, '-t', 'wrong:x', '--to-earliest'],
      [2, /whole number/, ...reset, '-t', topic, '--to-offset', '-5'],
      [2, /Say which group/, 'describe'],
      [2, /Only one of --members and --state/, 'describe', 'mistaken', '--members', '--state'],
    ];
    for (const [code, message, ...args] of cases) {
      const result = await groups(...args);
      assert.deepEqual([result.code, result.stdout], [code, ''], `${args.join(' ')}: ${result.stderr}`);
      assert.match(result.stderr, message, args.join(' '));
      assert.doesNotMatch(result.stderr, /\n {4}at /, 'no stack');
    }
    assert.deepEqual(await committed('mistaken'), ['wrong:0=1']);
  });
});
