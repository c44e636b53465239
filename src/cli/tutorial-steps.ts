/** The steps of the tutorial: the hands-on part of a first lesson on an event log, each with a check that measures. */
import type { TopicPartition } from '../kit/log/event-log.ts';
import type { Member, Shown, Stage } from './tutorial-stage.ts';

export interface Check {
  readonly ok: boolean;
  /** What was measured. */
  readonly fact: string;
}

export interface Outcome {
  readonly shown: readonly Shown[];
  readonly check: Check;
}

export interface Step {
  readonly name: string;
  readonly what: string;
  readonly why: string;
  play(stage: Stage, crew: Crew): Promise<Outcome>;
}

/** Processes that outlive their step. */
export interface Crew {
  readonly members: Member[];
}

const TOPIC = 'order-placed';
const PARTITIONS = 3;
const ORDERS = ['order-1', 'order-2', 'order-3', 'order-4', 'order-5'];
const STATES = ['placed', 'paid', 'shipped'];
/** State by state, so that the orders are interleaved as in a shop. */
const FIRST = STATES.flatMap((state) => ORDERS.map((order) => `${order}:${state}`));
const SECOND = ['order-6:placed', 'order-7:placed', 'order-8:placed'];
const THIRD = ['order-9:placed', 'order-10:placed', 'order-11:placed'];
/** What there is when the later groups come. */
const KNOWN = [...FIRST, ...SECOND, ...THIRD];
const LAST = ['order-12:placed', 'order-1:delivered'];
const READ = ['consume', '-t', TOPIC, '--from-beginning'];
const PLACES = ['--format', '%p:%o %k %v'];

const linesOf = ({ output }: Shown) => output.split('\n').filter((line) => /^\d+:\d+ /.test(line));
const inputOf = (lines: readonly string[]) => `${lines.join('\n')}\n`;
const produce = (stage: Stage, lines: readonly string[]) =>
  stage.run(['produce', '-t', TOPIC, '--key-separator', ':'], inputOf(lines));
const sortedSame = (left: readonly string[], right: readonly string[]) =>
  left.length === right.length && left.toSorted().join() === right.toSorted().join();
/** `3:7 order-1 paid` as `order-1:paid` */
const contentOf = (line: string) => line.split(' ').slice(1).join(':');

function outcome(shown: readonly Shown[], ok: boolean, fact: string): Outcome {
  const failed = shown.find(({ exitCode }) => exitCode !== 0);
  if (failed !== undefined) return { shown, check: { ok: false, fact: `a command ended with ${failed.exitCode}` } };
  return { shown, check: { ok, fact } };
}

async function committedIn(stage: Stage, group: string): Promise<number> {
  const offsets = await stage.admin.committed(group);
  return offsets.filter(({ topic }) => topic === TOPIC).reduce((sum, { offset }) => sum + offset, 0);
}

async function untilCommitted(stage: Stage, group: string, records: number): Promise<void> {
  const what = `${group} to have read ${records} records`;
  await stage.until(what, async () => ((await committedIn(stage, group)) === records ? true : null));
}

/** Who owns what, once the group has so many members and all partitions are given out. */
function divisionOf(stage: Stage, group: string, members: number): Promise<(readonly TopicPartition[])[]> {
  return stage.until(`a group of ${members} that is stable`, async () => {
    const { state, members: found } = await stage.admin.describeGroup(group).catch(() => ({ state: '', members: [] }));
    const owned = found.map(({ assignment }) => assignment);
    return state === 'Stable' && owned.length === members && owned.flat().length === PARTITIONS ? owned : null;
  });
}

const partitionsText = (owned: readonly TopicPartition[]) =>
  owned
    .map(({ partition }) => partition)
    .sort()
    .join(' and ');

export const STEPS: readonly Step[] = [
  {
    name: 'create a topic',
    what: `The topic ${TOPIC} with ${PARTITIONS} partitions: a named log, in ${PARTITIONS} parts.`,
    why: 'Partitions are what work is divided by: order holds within one, and at most one member of a group reads one.',
    async play(stage) {
      const shown = [await stage.run(['topics', 'create', '-t', TOPIC, '--partitions', String(PARTITIONS)])];
      const { topics } = await stage.log.describe();
      const count = topics.find(({ name }) => name === TOPIC)?.partitions.length ?? 0;
      return outcome(shown, count === PARTITIONS, `the log has ${TOPIC} with ${count} partitions`);
    },
  },
  {
    name: 'list and describe',
    what: 'Which topics there are, and who leads each partition.',
    why: 'The leader takes all writes of its partition; replicas follow it. Here one broker is all there is.',
    async play(stage) {
      const shown = await Promise.all([stage.run(['topics', 'list']), stage.run(['topics', 'describe', '-t', TOPIC])]);
      const { topics } = await stage.log.describe([TOPIC]);
      const led = topics[0]!.partitions.filter(({ leader }) => leader >= 0).length;
      const named = shown.every(({ output }) => output.includes(TOPIC));
      return outcome(shown, named && led === PARTITIONS, `${led} of ${PARTITIONS} partitions have a leader`);
    },
  },
  {
    name: 'produce with keys',
    what: `${FIRST.length} events of ${ORDERS.length} orders, the order's id as key.`,
    why: 'The key decides the partition (murmur2, as in every Kafka client), so all events of an order are in one.',
    async play(stage) {
      const shown = [await produce(stage, FIRST)];
      const records = await stage.records(TOPIC);
      const used = new Set(records.map(({ partition }) => partition)).size;
      const fact = `the log holds ${records.length} records in ${used} partitions`;
      return outcome(shown, records.length === FIRST.length, fact);
    },
  },
  {
    name: 'consume from the beginning',
    what: 'Every record with its partition and offset.',
    why: 'Reading takes nothing away: the log keeps the records, and any number of readers begins where it likes.',
    async play(stage) {
      const shown = [await stage.run([...READ, '--max', String(FIRST.length), ...PLACES])];
      const contents = linesOf(shown[0]!).map(contentOf);
      const kept = (await stage.records(TOPIC)).length;
      const fact = `${contents.length} of ${FIRST.length} were printed, and the log still holds ${kept}`;
      return outcome(shown, sortedSame(contents, FIRST) && kept === FIRST.length, fact);
    },
  },
  {
    name: 'order per key',
    what: 'One order alone: placed, paid, shipped, in this order.',
    why: 'There is order within a partition and none between partitions; a key stays in its partition.',
    async play(stage) {
      const shown = [
        await stage.run([...READ, '--filter', 'key == "order-2"', '--max', String(STATES.length), ...PLACES]),
      ];
      const contents = linesOf(shown[0]!).map(contentOf);
      const byKey = Map.groupBy(await stage.records(TOPIC), ({ key }) => String(key));
      const inOrder = [...byKey.values()].filter(
        (records) =>
          new Set(records.map(({ partition }) => partition)).size === 1 &&
          records.map(({ value }) => String(value)).join() === STATES.join(),
      ).length;
      const ok = contents.join() === STATES.map((state) => `order-2:${state}`).join() && inOrder === ORDERS.length;
      return outcome(
        shown,
        ok,
        `${inOrder} of ${ORDERS.length} orders lie in one partition each, in the order they were sent`,
      );
    },
  },
  {
    name: 'two members of one group',
    what: `Two processes of the group inventory, then ${SECOND.length} new orders: each member gets those of its partitions.`,
    why: 'Within a group the log is a queue: more members, more work at a time, up to the number of partitions.',
    async play(stage, crew) {
      const args = [...READ, '-g', 'inventory', ...PLACES];
      crew.members.push(stage.launch(args), stage.launch(args));
      const division = await divisionOf(stage, 'inventory', 2);
      const before = crew.members.map((member) => member.lines().length);
      const [described, produced] = await Promise.all([
        stage.run(['groups', 'describe', 'inventory', '--members']),
        produce(stage, SECOND),
      ]);
      await untilCommitted(stage, 'inventory', FIRST.length + SECOND.length);
      const read = crew.members.map((member, index) => member.lines().slice(before[index]));
      const shown = crew.members.map(({ command }, index): Shown => {
        return { command: `${command} &`, output: read[index]!.join('\n'), exitCode: 0 };
      });
      const shared = read.every((lines) => lines.length > 0) && sortedSame(read.flat().map(contentOf), SECOND);
      const owned = division.map(partitionsText).join(', the other ');
      const counts = read.map(({ length }) => length).join(' and ');
      const fact = `one has partition ${owned}; of the new orders they read ${counts}, none twice`;
      return outcome([described, produced, ...shown], shared, fact);
    },
  },
  {
    name: 'a member crashes',
    what: `kill -9 for one of the two, then ${THIRD.length} new orders.`,
    why: 'Nobody said goodbye: after 6 s without a heartbeat the group gives its partitions to the other, which goes on there.',
    async play(stage, crew) {
      const [crashed, survivor] = crew.members as [Member, Member];
      const before = survivor.lines().length;
      const startedAt = performance.now();
      await crashed.end('SIGKILL');
      const shown = [await produce(stage, THIRD)];
      await divisionOf(stage, 'inventory', 1);
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
      await untilCommitted(stage, 'inventory', KNOWN.length);
      const after = survivor.lines().slice(before);
      const fact = `after ${seconds} s the survivor has all ${PARTITIONS} partitions, and has read the ${after.length} new orders`;
      const own: Shown = { command: survivor.command, output: after.join('\n'), exitCode: 0 };
      return outcome([...shown, own], sortedSame(after.map(contentOf), THIRD), fact);
    },
  },
  {
    name: 'another group gets everything too',
    what: 'notification and analytics, each a group of its own, read the same events.',
    why: 'Between groups the log is publish-subscribe: each has its own position, and none knows of the others.',
    async play(stage) {
      const shown = await Promise.all(
        ['notification', 'analytics'].map((group) =>
          stage.run([...READ, '-g', group, '--max', String(KNOWN.length), ...PLACES]),
        ),
      );
      const complete = shown.filter((one) => sortedSame(linesOf(one).map(contentOf), KNOWN)).length;
      const positions = await Promise.all(
        ['inventory', 'notification', 'analytics'].map((group) => committedIn(stage, group)),
      );
      const ok = complete === 2 && positions.every((position) => position === KNOWN.length);
      return outcome(
        shown,
        ok,
        `inventory, notification and analytics have read ${positions.join(', ')} of ${KNOWN.length} records`,
      );
    },
  },
  {
    name: 'a late group',
    what: 'fraud-check did not exist when the orders were placed. It begins at the beginning.',
    why: 'A new consumer needs nobody to send anything again: the past is in the log.',
    async play(stage) {
      const shown = [await stage.run([...READ, '-g', 'fraud-check', '--max', String(KNOWN.length), ...PLACES])];
      const read = linesOf(shown[0]!);
      return outcome(
        shown,
        sortedSame(read.map(contentOf), KNOWN),
        `it has read ${read.length} of ${KNOWN.length} records from before its time`,
      );
    },
  },
  {
    name: 'offsets and lag',
    what: `${LAST.length} more events while notification is away, and how far behind it is then.`,
    why: 'A group is a number per partition, its offset. Lag is the distance to the end: the first thing to look at.',
    async play(stage) {
      const produced = await produce(stage, LAST);
      const described = await stage.run(['groups', 'describe', 'notification']);
      const total = (await stage.records(TOPIC)).length;
      const lag = total - (await committedIn(stage, 'notification'));
      const partitions = Array.from({ length: PARTITIONS }, (_, partition) => new RegExp(`${TOPIC} +${partition} `));
      const listed = partitions.filter((pattern) => pattern.test(described.output)).length;
      return outcome(
        [produced, described],
        lag === LAST.length && listed === PARTITIONS,
        `notification is ${lag} of ${total} records behind`,
      );
    },
  },
  {
    name: 'reset and replay',
    what: 'notification goes back to the beginning: first what would change, then --execute, then it reads all again.',
    why: 'A mistake in a consumer is repaired by reading again. What it did the first time it does again: effects must bear that.',
    async play(stage) {
      const reset = ['groups', 'reset-offsets', 'notification', '-t', TOPIC, '--to-earliest'];
      const planned = await stage.run(reset);
      const unmoved = await committedIn(stage, 'notification');
      const executed = await stage.run([...reset, '--execute']);
      const moved = await committedIn(stage, 'notification');
      const all = [...KNOWN, ...LAST];
      const read = await stage.run([...READ, '-g', 'notification', '--max', String(all.length), ...PLACES]);
      const again = linesOf(read);
      const ok = unmoved === KNOWN.length && moved === 0 && sortedSame(again.map(contentOf), all);
      return outcome(
        [planned, executed, read],
        ok,
        `the plan changed nothing, --execute moved ${unmoved} to ${moved}, and ${again.length} records came`,
      );
    },
  },
];
