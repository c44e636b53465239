/**
 * One group with members of four makes, each with the assignors that it has by default: Java, librdkafka, this project's
 * client over the wire, and a member in the broker's own process. Two are killed while records come in; nothing is skipped.
 */
import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EventLog, GroupMember, PartitionOffset } from '../../../src/kit/log/event-log.ts';
import { KafkaLog } from '../../../src/kit/log/kafka/kafka-log.ts';
import { KAFKA_COMPONENTS } from '../../support/cluster.ts';
import { JavaTools } from '../../support/java-tools.ts';
import { launch, type Program, patiently } from '../../support/programs.ts';
import { missing } from '../../support/requirements.ts';
import { type ServedLog, serveLog } from '../../support/served-log.ts';
import { appendTexts, fromJava, fromKcat, JAVA_FORMAT, KCAT_FORMAT } from '../../support/wire-records.ts';

const TOPIC = 'mixed';
const GROUP = 'mixed';
const PARTITIONS = 6;
const WRITE_EVERY_MS = 20;

interface Place {
  readonly partition: number;
  readonly offset: number;
}
interface Member {
  readonly name: string;
  seen(): readonly Place[];
}

describe('a group of clients of four makes', {
  skip: missing(...KAFKA_COMPONENTS, 'kcat') ?? false,
  timeout: 240_000,
}, () => {
  let served: ServedLog;
  let tools: JavaTools;
  before(async () => {
    served = await serveLog();
    tools = await JavaTools.open(served.bootstrap);
    await served.log.createTopics([{ name: TOPIC, partitions: PARTITIONS }]);
  });
  after(async () => {
    await served.close();
    // What is killed may be in the middle of a request.
    const complaints = served.complaints.filter((line) => !line.includes('in the middle of a request'));
    assert.deepEqual(complaints, [], 'the broker found nothing to complain of');
  });

  const javaMember = (t: TestContext): Member & { program: Program } => {
    const settings = ['session.timeout.ms=6000', 'heartbeat.interval.ms=500', 'auto.commit.interval.ms=100'];
    const program = tools.launch(t, 'kafka-console-consumer', [
      ...['--topic', TOPIC, '--group', GROUP, '--from-beginning', ...JAVA_FORMAT],
      ...settings.flatMap((setting) => ['--consumer-property', setting]),
    ]);
    return { name: 'Java', program, seen: () => program.lines().map(fromJava) };
  };

  const kcatMember = (t: TestContext): Member & { program: Program } => {
    const settings = ['session.timeout.ms=6000', 'heartbeat.interval.ms=500', 'auto.commit.interval.ms=100'];
    const program = launch(t, 'kcat', [
      ...['-b', served.bootstrap, '-G', GROUP, '-q', '-u', '-X', 'auto.offset.reset=earliest', ...KCAT_FORMAT],
      ...settings.flatMap((setting) => ['-X', setting]),
      TOPIC,
    ]);
    return { name: 'kcat', program, seen: () => program.lines().map(fromKcat) };
  };

  const ownMember = async (name: string, log: EventLog): Promise<Member & { member: GroupMember }> => {
    const seen: Place[] = [];
    const group = log.group(GROUP);
    const member = await group.join({
      topics: [TOPIC],
      clientId: name,
      heartbeatIntervalMs: 500,
      async onAssigned(partitions): Promise<PartitionOffset[]> {
        const committed = await group.committed();
        return partitions.flatMap(({ partition }) => committed.filter((each) => each.partition === partition));
      },
      async onRecords({ topic, partition, records }) {
        seen.push(...records.map(({ offset }) => ({ partition, offset })));
        await member.commit([{ topic, partition, offset: records.at(-1)!.offset + 1 }]);
      },
      async onRevoked() {},
    });
    return { name, member, seen: () => seen };
  };

  test('share a topic, take over from those that are killed, and skip nothing', async (t) => {
    const { log } = served;
    const ends = (): number[] =>
      Array.from({ length: PARTITIONS }, (_, partition) => log.store.offsets({ topic: TOPIC, partition }).end);
    const writing = new AbortController();
    t.after(() => writing.abort());
    const writer = (async () => {
      for (let i = 0; !writing.signal.aborted; i++) {
        await Promise.all(ends().map((_, partition) => appendTexts(log, { topic: TOPIC, partition }, [String(i)])));
        await sleep(WRITE_EVERY_MS);
      }
    })();

    const wire = await KafkaLog.connect({ bootstrap: [served.bootstrap] });
    t.after(() => wire.close());
    const [java, kcat] = [javaMember(t), kcatMember(t)];
    const [overTheWire, inProcess] = await Promise.all([
      ownMember('over the wire', wire),
      ownMember('in process', log),
    ]);
    const all: Member[] = [java, kcat, overTheWire, inProcess];

    /** The group is settled, each of `members` reads, and together they read every partition beyond where it ends now. */
    const shared = async (members: readonly Member[]): Promise<void> => {
      const what = `${members.map(({ name }) => name).join(', ')} share the topic`;
      await patiently(
        () => {
          const { state, members: known } = log.coordinator.describe(GROUP);
          return state === 'Stable' && known.length === members.length;
        },
        { what },
      );
      const from = ends();
      const fresh = (member: Member) => member.seen().filter(({ partition, offset }) => offset >= from[partition]!);
      await patiently(
        () =>
          members.every((member) => fresh(member).length > 0) &&
          new Set(members.flatMap(fresh).map(({ partition }) => partition)).size === PARTITIONS,
        { what },
      );
    };

    await shared(all);
    assert.equal(log.coordinator.describe(GROUP).protocolName, 'range', 'the one that all of them know');
    await java.program.end('SIGKILL');
    await shared([kcat, overTheWire, inProcess]);
    await kcat.program.end('SIGKILL');
    await shared([overTheWire, inProcess]);
    writing.abort();
    await writer;

    const committed = async (): Promise<number[]> =>
      (await log.group(GROUP).committed()).sort((a, b) => a.partition - b.partition).map(({ offset }) => offset);
    await patiently(async () => String(await committed()) === String(ends()), { what: 'commits up to the end' });
    await Promise.all([overTheWire.member.leave(), inProcess.member.leave()]);
    for (const [partition, end] of ends().entries()) {
      const seen = new Set(
        all
          .flatMap((member) => member.seen().filter((place) => place.partition === partition))
          .map(({ offset }) => offset),
      );
      const skipped = Array.from({ length: end }, (_, offset) => offset).filter((offset) => !seen.has(offset));
      assert.deepEqual(skipped, [], `nothing is skipped in partition ${partition}`);
    }
  });
});
