import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Deleted, Group, GroupHistory, GroupList, Reset } from '../../src/api/group-schemas.ts';
import type { GroupMember, PartitionOffset } from '../../src/kit/log/event-log.ts';
import { KafkaLog } from '../../src/kit/log/kafka/kafka-log.ts';
import { KAFKA_COMPONENTS, kafkaForTests, redisForTests } from '../support/cluster.ts';
import { type LivePlatform, launchPlatform } from '../support/live-platform.ts';
import { missing } from '../support/requirements.ts';
import { until } from '../support/until.ts';

const run = `t${process.pid}`;

interface Scene extends AsyncDisposable {
  readonly live: LivePlatform;
  readonly bootstrap: readonly string[];
}

async function embedded(): Promise<Scene> {
  const live = await launchPlatform();
  return { live, bootstrap: [live.platform.broker!], [Symbol.asyncDispose]: () => live[Symbol.asyncDispose]() };
}

async function onKafka(): Promise<Scene> {
  await using opened = new AsyncDisposableStack();
  const kafka = opened.adopt(await kafkaForTests(), (open) => open.stop());
  const redis = opened.adopt(await redisForTests(), (open) => open.stop());
  const live = opened.use(
    await launchPlatform({
      flags: {
        log: 'kafka',
        bootstrap: kafka.bootstrap.join(','),
        groupId: `${run}-engagement`,
        redisHost: redis.host,
        redisPort: String(redis.port),
        redisDb: '11',
      },
    }),
  );
  const all = opened.move();
  return { live, bootstrap: kafka.bootstrap, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

function suite(name: string, open: () => Promise<Scene>, skip: string | false): void {
  describe(`consumer groups over HTTP, ${name}`, { skip }, () => {
    let scene: Scene;
    let client: KafkaLog;
    const others = new AsyncDisposableStack();
    before(async () => {
      scene = await open();
      client = await KafkaLog.connect({ bootstrap: scene.bootstrap, clientId: 'a-tool-of-others' });
    });
    after(async () => {
      await others.disposeAsync();
      await client?.close();
      await scene?.[Symbol.asyncDispose]();
    });

    async function ask(method: string, path: string, body?: unknown) {
      const answer = await fetch(`${scene.live.url}/api/v1/groups${path}`, {
        method,
        ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
      });
      return { status: answer.status, body: (await answer.json()) as unknown };
    }
    async function good<T>(method: string, path: string, body?: unknown): Promise<T> {
      const answer = await ask(method, path, body);
      assert.equal(answer.status, 200, `${path}: ${JSON.stringify(answer.body)}`);
      return answer.body as T;
    }
    async function refused(status: number, code: string, detail: RegExp, ...request: Parameters<typeof ask>) {
      const answer = await ask(...request);
      const problem = answer.body as { code: string; detail: string };
      assert.deepEqual([answer.status, problem.code], [status, code], problem.detail);
      assert.match(problem.detail, detail);
    }
    const group = (id: string) => good<Group>('GET', `/${id}`);
    const reset = (id: string, body: unknown) => good<Reset>('POST', `/${id}/offsets`, body);
    const own = () => scene.live.settings.kafkaGroupId;

    /** Of others: two partitions, ten records in the first, the oldest an hour old. */
    async function topicOfTen(topic: string): Promise<string> {
      const named = `${run}-${topic}`;
      await client.createTopics([{ name: named, partitions: 2, replicationFactor: 1 }]);
      const records = Array.from({ length: 10 }, (_, index) => ({
        key: null,
        value: Buffer.from(String(index)),
        headers: [],
        timestamp: Date.now() - 3_600_000 + index * 60_000,
      }));
      await until(() =>
        client.append({ topic: named, partition: 0, records }).then(
          () => true,
          () => false,
        ),
      );
      return named;
    }
    /** A process of somebody's: it goes with its connection. */
    async function join(id: string, topic: string, clientId: string): Promise<GroupMember> {
      const process = await KafkaLog.connect({ bootstrap: scene.bootstrap, clientId });
      others.defer(() => process.close());
      return process.group(id).join({
        topics: [topic],
        onAssigned: async () => [],
        onRecords: async () => {},
        onRevoked: async () => {},
      });
    }
    const commit = (id: string, ...offsets: PartitionOffset[]) => client.group(id).commit(offsets);
    const committed = async (id: string) =>
      (await client.group(id).committed()).map(({ partition, offset }) => `${partition}=${offset}`).sort();

    test('lists ours and those of others, with lag in records and in seconds', async () => {
      const topic = await topicOfTen('listed');
      const id = `${run}-listed-group`;
      await commit(id, { topic, partition: 0, offset: 4 });
      const list = await until(async () => {
        const found = await good<GroupList>('GET', '');
        return found.groups.some((one) => one.group === id && one.lag_seconds !== null) && found;
      });
      const other = list.groups.find((one) => one.group === id)!;
      const { owner, state, members, topics, partitions, lag, lag_unknown } = other;
      assert.deepEqual(
        { owner, state, members, topics, partitions, lag, lag_unknown },
        { owner: null, state: 'Empty', members: 0, topics: [topic], partitions: 1, lag: 6, lag_unknown: 0 },
      );
      assert.equal(Math.floor(other.lag_seconds! / 60), 56);
      assert.equal(other.recent_lag.at(-1), 6);
      const ours = list.groups.find((one) => one.group === own())!;
      assert.deepEqual([ours.owner, ours.state, ours.members], ['engagement', 'Stable', 1]);
      assert(list.groups.some((one) => one.owner === 'notifications'));
      assert.equal(list.bootstrap?.split(',').includes(scene.bootstrap[0]!), true);
    });

    test('one of ours: where it is by its own store, beside what it has committed', async () => {
      const { publisher } = scene.live.platform;
      const sent = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          publisher.publish({ event_type: 'post_liked', user_id: 'u_1', content_id: `${run}_post_${index}`, data: {} }),
        ),
      );
      const places = new Set(sent.map(({ partition }) => partition));
      const found = await until(async () => {
        const one = await group(own());
        const read = one.partitions.filter(({ partition }) => places.has(partition));
        return one.lag === 0 && read.every(({ committed, end }) => committed === end) && one;
      });
      assert.deepEqual([found.owner, found.projection!.name, found.lag_seconds], ['engagement', 'engagement', 0]);
      assert(found.projection!.applied >= 20);
      for (const { partition, position, end, member_id } of found.partitions.filter((one) => places.has(one.partition)))
        assert.deepEqual([position, member_id], [end, found.members[0]!.member_id], `partition ${partition}`);
      assert.equal(
        found.members[0]!.assignment.flatMap(({ partitions }) => partitions).length,
        found.partitions.length,
      );
    });

    test('members, what each reads, and the rebalances that led there', async () => {
      const topic = await topicOfTen('shared');
      const id = `${run}-workers`;
      const first = await join(id, topic, 'worker-1');
      await until(async () => (await group(id)).state === 'Stable');
      const second = await join(id, topic, 'worker-2');
      const found = await until(async () => {
        const one = await group(id);
        return one.members.length === 2 && one.members.every(({ assignment }) => assignment.length > 0) && one;
      });
      assert.deepEqual(
        found.members.map(({ client_id, assignment }) => [client_id, assignment[0]!.partitions.length]).sort(),
        [
          ['worker-1', 1],
          ['worker-2', 1],
        ],
      );
      assert.deepEqual(
        found.partitions.map(({ member_id }) => member_id).sort(),
        [first.memberId, second.memberId].sort(),
      );
      assert.match(found.members[0]!.host, /127\.0\.0\.1/);
      await second.leave();
      const history = await until(async () => {
        const seen = await good<GroupHistory>('GET', `/${id}/history`);
        return seen.rebalances.some(({ left }) => left.includes('worker-2')) && seen;
      });
      assert(
        history.rebalances.some(({ joined, text }) => joined.includes('worker-2') && /worker-2 joined/.test(text)),
      );
      assert.equal(history.seconds.length, history.lag.length);
      assert.equal(history.topics[0]?.topic ?? topic, topic);
      await first.leave();
    });

    test('a reset says what it would do, is refused while somebody reads, is done, and undone', async () => {
      const topic = await topicOfTen('reset');
      const id = `${run}-replayers`;
      await commit(id, { topic, partition: 0, offset: 6 });
      const member = await join(id, topic, 'busy-1');
      await until(async () => (await group(id)).state === 'Stable');

      const plan = await reset(id, { to: 'earliest', topics: [{ topic }] });
      assert.deepEqual(plan.resets, [
        { topic, partition: 0, from: 6, to: 0, start: 0, end: 10, effect: 'repeated', records: 6 },
        { topic, partition: 1, from: null, to: 0, start: 0, end: 0, effect: 'new', records: 0 },
      ]);
      assert.deepEqual([plan.executed, plan.repeated, plan.skipped], [false, 6, 0]);
      assert.equal(plan.blocked?.code, 'GROUP_ACTIVE');
      const execute = { to: 'earliest', topics: [{ topic }], execute: true };
      await refused(409, 'GROUP_ACTIVE', /1 member \(busy-1\)\. Stop its members/, 'POST', `/${id}/offsets`, execute);

      await member.leave();
      await until(async () => (await group(id)).state === 'Empty');
      const free = await reset(id, { to: 'earliest', topics: [{ topic, partitions: [0] }] });
      assert.equal(free.blocked, null);
      assert.deepEqual(await committed(id), ['0=6'], 'nothing has changed yet');

      const offsets = free.resets.map(({ partition, to }) => ({ topic, partition, offset: to }));
      const done = await reset(id, { to: 'offsets', offsets, execute: true });
      assert.deepEqual([done.executed, done.resets[0]!.from, done.resets[0]!.to], [true, 6, 0]);
      assert.deepEqual(await committed(id), ['0=0']);
      await until(async () => (await group(id)).lag === 10);

      const undo = done.resets.map(({ partition, from }) => ({ topic, partition, offset: from }));
      await reset(id, { to: 'offsets', offsets: undo, execute: true });
      assert.deepEqual(await committed(id), ['0=6']);
    });

    test('every target, and what lies outside of the log', async () => {
      const topic = await topicOfTen('targets');
      const id = `${run}-targets`;
      await commit(id, { topic, partition: 0, offset: 6 });
      const time = new Date(Date.now() - 3_600_000 + 210_000).toISOString();
      const targets: [body: object, to: number][] = [
        [{ to: 'latest' }, 10],
        [{ to: 'current' }, 6],
        [{ to: 'offset', offset: 3 }, 3],
        [{ to: 'shift', by: -2 }, 4],
        [{ to: 'time', time }, 4],
      ];
      for (const [body, to] of targets) assert.equal((await reset(id, body)).resets[0]!.to, to, JSON.stringify(body));
      const clamped = await reset(id, { to: 'shift', by: 99 });
      assert.deepEqual([clamped.resets[0]!.to, clamped.warnings.length, clamped.skipped], [10, 1, 4]);
      await refused(409, 'NO_COMMITTED_OFFSET', /targets-1/, 'POST', `/${id}/offsets`, {
        to: 'shift',
        by: 1,
        topics: [{ topic }],
      });
      await refused(404, 'UNKNOWN_PARTITION', /there is no 7/, 'POST', `/${id}/offsets`, {
        to: 'latest',
        topics: [{ topic, partitions: [7] }],
      });
      const wrong: [body: unknown, detail: RegExp][] = [
        [{ to: 'offset' }, /body\.offset: must be there/],
        [{ to: 'earliest', by: 3 }, /body\.by: goes with to: shift/],
        [{ to: 'time', time: 'yesterday' }, /time/],
        [{ to: 'offsets', offsets: [{ topic, partition: 0, offset: 1 }], topics: [{ topic }] }, /leave it out/],
        [{ to: 'nowhere' }, /to/],
        [{}, /to/],
      ];
      for (const [body, detail] of wrong)
        await refused(400, 'INVALID_ARGUMENT', detail, 'POST', `/${id}/offsets`, body);
      assert.deepEqual(await committed(id), ['0=6']);
    });

    test("a projection's position is not set here, and the answer says what to do instead", async () => {
      const body = { to: 'earliest', execute: true };
      await refused(409, 'PROJECTION_GROUP', /projections rebuild engagement/, 'POST', `/${own()}/offsets`, body);
      await refused(409, 'PROJECTION_GROUP', /rebuild feed/, 'POST', `/${own()}.feed/offsets`, { to: 'latest' });
    });

    test('a group that nobody is in is deleted when its name is given again; created by a reset if that is asked', async () => {
      const topic = await topicOfTen('gone');
      const id = `${run}-leavers`;
      await refused(404, 'UNKNOWN_GROUP', /leavers/, 'POST', `/${id}/offsets`, { to: 'latest', topics: [{ topic }] });
      await refused(404, 'UNKNOWN_GROUP', /leavers/, 'GET', `/${id}`);
      await reset(id, { to: 'latest', topics: [{ topic }], create: true, execute: true });
      assert.deepEqual(await committed(id), ['0=10', '1=0']);
      await refused(400, 'INVALID_ARGUMENT', /confirm/, 'DELETE', `/${id}`);
      await refused(400, 'INVALID_ARGUMENT', /confirm/, 'DELETE', `/${id}?confirm=other`);
      await refused(409, 'GROUP_ACTIVE', /Stop its members/, 'DELETE', `/${own()}?confirm=${own()}`);
      const gone = await good<Deleted>('DELETE', `/${id}?confirm=${id}`);
      assert.deepEqual([gone.deleted, gone.offsets.length], [true, 2]);
      await refused(404, 'UNKNOWN_GROUP', /leavers/, 'GET', `/${id}`);
      await refused(404, 'UNKNOWN_GROUP', /leavers|not exist|not found/, 'DELETE', `/${id}?confirm=${id}`);
    });
  });
}

suite('on the embedded log', embedded, false);
suite('on Kafka', onKafka, missing(...KAFKA_COMPONENTS, 'redis-server') ?? false);
