/** Consumer groups of Java clients: their administration, each assignor, static members, and what is not offered. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { decodeAssignment } from '../../../src/kit/log/assignment.ts';
import { KAFKA_COMPONENTS } from '../../support/cluster.ts';
import { JavaTools } from '../../support/java-tools.ts';
import { launch, type Program, patiently } from '../../support/programs.ts';
import { missing } from '../../support/requirements.ts';
import { type ServedLog, serveLog } from '../../support/served-log.ts';
import { appendTexts, fromJava, JAVA_FORMAT } from '../../support/wire-records.ts';

const PACKAGE = 'org.apache.kafka.clients.consumer';

/** What `kafka-verifiable-consumer` prints, a line each. */
interface ConsumerEvent {
  readonly name: string;
  readonly partitions?: readonly { topic: string; partition: number }[];
  readonly partition?: number;
  readonly value?: string;
}

function eventsOf(program: Program): ConsumerEvent[] {
  return program
    .lines()
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as ConsumerEvent);
}

describe('consumer groups of Java clients', {
  skip: missing(...KAFKA_COMPONENTS, 'kcat') ?? false,
  timeout: 240_000,
  // they wait more than they work
  concurrency: 2,
}, () => {
  let served: ServedLog;
  let tools: JavaTools;
  /** For `kafka-verifiable-consumer`, which takes other settings from a file only. */
  let settingsFile: string;
  before(async () => {
    served = await serveLog();
    tools = await JavaTools.open(served.bootstrap);
    settingsFile = join(served.directory, 'consumer.properties');
    await writeFile(settingsFile, 'heartbeat.interval.ms=500\n');
  });
  after(async () => {
    await served.close();
    // What is killed may be in the middle of a request.
    const complaints = served.complaints.filter((line) => !line.includes('in the middle of a request'));
    assert.deepEqual(complaints, [], 'the broker found nothing to complain of');
  });

  const described = (group: string) => served.log.coordinator.describe(group);
  const stableWith = (group: string, count: number) => () => {
    const { state, members } = described(group);
    return state === 'Stable' && members.length === count;
  };
  const appendTo = async (topic: string, partitions: number, each: number, prefix = ''): Promise<void> => {
    for (let partition = 0; partition < partitions; partition++) {
      const values = Array.from({ length: each }, (_, i) => `${prefix}${partition}/${i}`);
      await appendTexts(served.log, { topic, partition }, values);
    }
  };

  test('kafka-consumer-groups lists, describes, resets and deletes', async (t) => {
    await served.log.createTopics([{ name: 'read', partitions: 3 }]);
    await appendTo('read', 3, 10);
    const groups = async (line: string): Promise<string> => {
      const { stdout, stderr } = await tools.run(t, 'kafka-consumer-groups', line.split(' '), { code: null });
      return `${stdout}\n${stderr}`;
    };
    const consumer = tools.launch(t, 'kafka-console-consumer', [
      ...['--topic', 'read', '--group', 'readers', '--from-beginning', ...JAVA_FORMAT],
      ...['--consumer-property', 'auto.commit.interval.ms=100', '--consumer-property', 'client.id=a-reader'],
    ]);
    const committed = async (): Promise<number[]> =>
      (await served.log.group('readers').committed())
        .sort((a, b) => a.partition - b.partition)
        .map(({ offset }) => offset);
    await patiently(async () => String(await committed()) === '10,10,10', { what: 'commits of what was read' });
    assert.equal(new Set(consumer.lines().map((line) => JSON.stringify(fromJava(line)))).size, 30);

    const [listed, states, offsets, members, state, activeDeleted, activeReset, subscribed] = await Promise.all([
      groups('--list'),
      groups('--list --state --type'),
      groups('--describe --group readers'),
      groups('--describe --group readers --members --verbose'),
      groups('--describe --group readers --state'),
      groups('--delete --group readers'),
      groups('--reset-offsets --group readers --topic read --to-earliest --execute'),
      groups('--delete-offsets --group readers --topic read'),
    ]);
    assert.match(listed, /^readers$/m);
    assert.match(states, /readers\s+Classic\s+Stable/);
    assert.match(offsets, /readers\s+read\s+1\s+10\s+10\s+0\s+a-reader-\S+\s+\/127\.0\.0\.1\s+a-reader/);
    assert.match(members, /readers\s+a-reader-\S+\s+\/127\.0\.0\.1\s+a-reader\s+3\s+(\S+\s+)*(read)?\(?:?0,1,2\)?/);
    assert.match(state, /127\.0\.0\.1:\d+\s+\(\d+\)\s+range\s+Stable\s+1/);
    assert.match(activeDeleted, /GroupNotEmptyException/);
    assert.match(activeReset, /inactive, but the current state is Stable/);
    assert.match(subscribed, /GroupSubscribedToTopicException|actively subscribed/i);

    await consumer.end('SIGTERM');
    await patiently(() => described('readers').state === 'Empty', { what: 'an empty group' });
    const [reset, shifted, planned] = await Promise.all([
      groups('--reset-offsets --group readers --topic read:0 --to-earliest --execute'),
      groups('--reset-offsets --group readers --topic read:1 --shift-by -3 --execute'),
      groups('--reset-offsets --group readers --topic read:2 --to-offset 5 --dry-run'),
    ]);
    assert.match(reset, /readers\s+read\s+0\s+0/);
    assert.match(shifted, /readers\s+read\s+1\s+7/);
    assert.match(planned, /readers\s+read\s+2\s+5/);
    assert.deepEqual(await committed(), [0, 7, 10]);
    const [removed, empty] = await Promise.all([
      groups('--delete-offsets --group readers --topic read:2'),
      groups('--describe --group readers --state'),
    ]);
    assert.match(removed, /read\s+2\s+Successful/);
    assert.match(empty, /Empty\s+0/);
    assert.deepEqual(await committed(), [0, 7]);
    assert.match(
      await groups('--delete --group readers'),
      /Deletion of requested consumer groups \('readers'\) was successful/,
    );
    assert.equal(described('readers').state, 'Dead');
    assert.match(await groups('--describe --group readers'), /readers.*(does not exist|not found)/i);
  });

  const verifiable = (t: TestContext, topic: string, group: string, args: readonly string[]): Program =>
    tools.launch(t, 'kafka-verifiable-consumer', [
      ...['--topic', topic, '--group-id', group, '--session-timeout', '6000', '--verbose'],
      ...['--consumer.config', settingsFile, ...args],
    ]);
  const kcatMember = (t: TestContext, topic: string, group: string, args: readonly string[]): Program =>
    launch(t, 'kcat', [
      ...['-b', served.bootstrap, '-G', group, '-q', '-u', '-f', '%s\\n', '-X', 'auto.offset.reset=earliest'],
      ...[
        '-X',
        'session.timeout.ms=6000',
        '-X',
        'heartbeat.interval.ms=500',
        '-X',
        'auto.commit.interval.ms=100',
        ...args,
        topic,
      ],
    ]);

  /** A Java consumer first, then another member; then the first goes. */
  const sharing = async (t: TestContext, assignor: string, second: (topic: string, group: string) => Program) => {
    const topic = `of-${assignor}`;
    const group = `group-${assignor}`;
    await served.log.createTopics([{ name: topic, partitions: 4 }]);
    await appendTo(topic, 4, 5, 'early-');
    const java = verifiable(t, topic, group, ['--assignment-strategy', `${PACKAGE}.${CLASSES[assignor]}`]);
    const seenBy = (program: Program): string[] =>
      program.lines().map((line) => (line.startsWith('{') ? ((JSON.parse(line) as ConsumerEvent).value ?? '') : line));
    const seen = (prefix: string, ...programs: Program[]) =>
      new Set(programs.flatMap(seenBy).filter((value) => value.startsWith(prefix)));
    await patiently(() => seen('early-', java).size === 20, { what: `${assignor}: a member alone reads everything` });
    const other = second(topic, group);
    const shares = () => described(group).members.map(({ assignment }) => decodeAssignment(assignment).length);
    await patiently(() => stableWith(group, 2)() && String(shares()) === '2,2', { what: `${assignor}: equal shares` });
    assert.equal(described(group).protocolName, assignor);
    await appendTo(topic, 4, 5, 'shared-');
    await patiently(() => seen('shared-', java, other).size === 20, {
      what: `${assignor}: two members read everything`,
    });
    const halves = [seen('shared-', java), seen('shared-', other)].map(({ size }) => size);
    assert.deepEqual(halves, [10, 10], `${assignor}: each reads its half\n${java.output()}`);
    await java.end('SIGTERM');
    await patiently(stableWith(group, 1), { what: `${assignor}: one member` });
    await appendTo(topic, 4, 5, 'late-');
    await patiently(() => seen('late-', other).size === 20, { what: `${assignor}: the other member reads everything` });
    await other.end('SIGTERM');
    return { java };
  };
  const CLASSES: Readonly<Record<string, string>> = {
    range: 'RangeAssignor',
    roundrobin: 'RoundRobinAssignor',
    sticky: 'StickyAssignor',
    'cooperative-sticky': 'CooperativeStickyAssignor',
  };

  test('each assignor shares and takes over', async (t) => {
    const withKcat = (assignor: string) =>
      sharing(t, assignor, (topic, group) =>
        kcatMember(t, topic, group, ['-X', `partition.assignment.strategy=${assignor}`]),
      );
    const withJava = (assignor: string) =>
      sharing(t, assignor, (topic, group) =>
        verifiable(t, topic, group, ['--assignment-strategy', `${PACKAGE}.${CLASSES[assignor]}`]),
      );
    const [, , , cooperative] = await Promise.all([
      withKcat('range'),
      withKcat('roundrobin'),
      withJava('sticky'),
      withKcat('cooperative-sticky'),
    ]);
    // Cooperative members keep what they may: two of four partitions are given up, never all.
    const revoked = eventsOf(cooperative!.java).filter(({ name }) => name === 'partitions_revoked');
    assert.ok(revoked.length > 0 && revoked[0]!.partitions!.length === 2, JSON.stringify(revoked));
  });

  test('static members: a restart moves nothing, and two of one name are told apart', async (t) => {
    await served.log.createTopics([{ name: 'static', partitions: 4 }]);
    await appendTo('static', 4, 3);
    const java = () =>
      verifiable(t, 'static', 'statics', ['--group-instance-id', 'of-java', '--session-timeout', '20000']);
    const kcat = () =>
      kcatMember(t, 'static', 'statics', [
        ...['-X', 'group.instance.id=of-kcat', '-X', 'partition.assignment.strategy=range'],
        ...['-X', 'session.timeout.ms=20000'],
      ]);
    const [first, other] = [java(), kcat()];
    await patiently(stableWith('statics', 2), { what: 'two static members' });
    const before = described('statics');
    assert.deepEqual(before.members.map(({ groupInstanceId }) => groupInstanceId).sort(), ['of-java', 'of-kcat']);
    const heirIsThere = (instance: string) => () => {
      const { members, generation, state } = described('statics');
      const [was, is] = [before, { members }].map(
        (each) => each.members.find((one) => one.groupInstanceId === instance)!,
      );
      return state === 'Stable' && is!.memberId !== was!.memberId && { was: was!, is: is!, generation };
    };

    await other.end('SIGKILL');
    const secondKcat = kcat();
    const ofKcat = await patiently(heirIsThere('of-kcat'), { what: 'kcat restarted' });
    assert.deepEqual(ofKcat.is.assignment, ofKcat.was.assignment);
    assert.equal(ofKcat.generation, before.generation, 'no rebalance');

    const usurper = java();
    const ofJava = await patiently(heirIsThere('of-java'), { what: 'a second member of the same name' });
    assert.deepEqual(ofJava.is.assignment, ofJava.was.assignment);
    assert.equal(ofJava.generation, before.generation, 'no rebalance');
    assert.match((await first.ended).stderr, /FencedInstanceIdException/);

    await appendTo('static', 4, 3, 'late-');
    const reads = (program: Program) => program.lines().filter((line) => line.includes('late-')).length;
    await patiently(() => reads(usurper) === 6 && reads(secondKcat) === 6, { what: 'each reads its partitions' });
  });

  test('transactions, the new consumer protocol and share groups fail at once, and plainly', async (t) => {
    await served.log.createTopics([{ name: 'not-offered', partitions: 1 }]);
    const startedAt = performance.now();
    const [transactional, next, share] = await Promise.all([
      tools.run(
        t,
        'kafka-producer-perf-test',
        [
          ...['--topic', 'not-offered', '--num-records', '10', '--record-size', '10', '--throughput', '-1'],
          ...['--producer-props', `bootstrap.servers=${served.bootstrap}`, '--transaction-duration-ms', '100'],
        ],
        { code: 1 },
      ),
      tools.run(
        t,
        'kafka-console-consumer',
        ['--topic', 'not-offered', '--group', 'next', '--consumer-property', 'group.protocol=consumer'],
        { code: null },
      ),
      tools.run(t, 'kafka-console-share-consumer', ['--topic', 'not-offered', '--timeout-ms', '20000'], {
        code: null,
      }),
    ]);
    assert.match(transactional.stdout + transactional.stderr, /transaction/i);
    assert.match(transactional.stdout + transactional.stderr, /not (offered|supported|available)/i);
    assert.match(next.stderr, /does not support the new CONSUMER group protocol/);
    assert.match(share.stderr, /UnsupportedVersionException/);
    assert.ok(performance.now() - startedAt < 40_000, 'none waits for a timeout');
  });
});
