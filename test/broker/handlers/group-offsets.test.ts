import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Broker } from '../../../src/broker/handler.ts';
import { offsetCommit } from '../../../src/broker/handlers/offset-commit.ts';
import { offsetDelete } from '../../../src/broker/handlers/offset-delete.ts';
import { offsetFetch } from '../../../src/broker/handlers/offset-fetch.ts';
import { ERROR } from '../../../src/broker/protocol/error-codes.ts';
import { ask, versions } from './ask.ts';
import { GROUP, groupBroker, member } from './group-broker.ts';

const at = (partitionIndex: number, committedOffset: number, committedMetadata: string | null = '') => ({
  partitionIndex,
  committedOffset,
  committedLeaderEpoch: 4,
  committedMetadata,
});
const outside = { groupId: GROUP, generationIdOrMemberEpoch: -1, memberId: '', retentionTimeMs: -1 };
type Partitions = ReturnType<typeof at>[];

/** Error codes, partition by partition. */
async function commit(broker: Broker, version: number, who: object, partitions: Partitions, name = 't') {
  const request = { ...outside, ...who, topics: [{ name, partitions }] };
  const answer = await ask(offsetCommit, version, request, broker);
  return answer!.topics.flatMap((topic) => topic.partitions.map(({ errorCode }) => errorCode));
}

describe('OffsetCommit', () => {
  test('stores what members and simple consumers say, in every version', async () => {
    for (const version of versions(offsetCommit)) {
      const { broker, coordinator } = groupBroker();
      assert.deepEqual(
        await commit(broker, version, { groupId: 'simple' }, [at(0, 5, 'note'), at(1, 6, null)]),
        [0, 0],
      );
      const leaderEpoch = version >= 6 ? 4 : -1;
      assert.deepEqual(await coordinator.committedWithMetadata('simple'), [
        { topic: 't', partition: 0, offset: 5, leaderEpoch, metadata: 'note' },
        { topic: 't', partition: 1, offset: 6, leaderEpoch, metadata: '' },
      ]);
      const { generationId, memberId } = await member(broker);
      const who = { generationIdOrMemberEpoch: generationId, memberId };
      assert.deepEqual(await commit(broker, version, who, [at(0, 7)]), [ERROR.NONE]);
    }
  });

  test('is refused where Kafka refuses it', async () => {
    const { broker } = groupBroker();
    const offsets = [at(0, 1)];
    assert.deepEqual(await commit(broker, 8, { generationIdOrMemberEpoch: 1 }, offsets), [ERROR.ILLEGAL_GENERATION]);
    assert.deepEqual(await commit(broker, 9, { generationIdOrMemberEpoch: 1 }, offsets), [ERROR.GROUP_ID_NOT_FOUND]);
    const { generationId, memberId } = await member(broker, 'me');
    const generationIdOrMemberEpoch = generationId;
    for (const [who, expected] of [
      [{}, ERROR.UNKNOWN_MEMBER_ID],
      [{ memberId }, ERROR.ILLEGAL_GENERATION],
      [{ generationIdOrMemberEpoch, memberId: 'ghost' }, ERROR.UNKNOWN_MEMBER_ID],
      [{ generationIdOrMemberEpoch: generationId + 1, memberId }, ERROR.ILLEGAL_GENERATION],
      [{ generationIdOrMemberEpoch, memberId: 'ghost', groupInstanceId: 'me' }, ERROR.FENCED_INSTANCE_ID],
      [{ generationIdOrMemberEpoch, memberId, groupInstanceId: 'you' }, ERROR.UNKNOWN_MEMBER_ID],
      [{ generationIdOrMemberEpoch, memberId, groupInstanceId: 'me' }, ERROR.NONE],
    ] as const) {
      assert.deepEqual(await commit(broker, 9, who, offsets), [expected], JSON.stringify(who));
    }
  });

  test('has an answer for each partition', async () => {
    const { broker, coordinator } = groupBroker();
    const long = 'x'.repeat(4_097);
    const codes = await commit(broker, 8, {}, [
      at(0, 1, long),
      at(1, 2, long.slice(1)),
      at(2, 3),
      at(-1, 3),
      at(0, 2 ** 60),
    ]);
    assert.deepEqual(codes, [
      ERROR.OFFSET_METADATA_TOO_LARGE,
      ERROR.NONE,
      ERROR.UNKNOWN_TOPIC_OR_PARTITION,
      ERROR.UNKNOWN_TOPIC_OR_PARTITION,
      ERROR.OFFSET_OUT_OF_RANGE,
    ]);
    assert.deepEqual(await coordinator.committed(GROUP), [{ topic: 't', partition: 1, offset: 2 }]);
    assert.deepEqual(await commit(broker, 8, {}, [at(0, 1)], 'nowhere'), [ERROR.UNKNOWN_TOPIC_OR_PARTITION]);
    // What is wrong with the group comes before what is wrong with an offset.
    await member(broker);
    assert.deepEqual(await commit(broker, 8, {}, [at(0, 1, long), at(5, 1)]), [
      ERROR.UNKNOWN_MEMBER_ID,
      ERROR.UNKNOWN_TOPIC_OR_PARTITION,
    ]);
  });

  test('may say how long it is kept, before version 5', async () => {
    const { broker, clock, coordinator } = groupBroker();
    await commit(broker, 4, { retentionTimeMs: 3_600_000 }, [at(0, 1)]);
    await clock.advance(3_599_999);
    assert.equal((await coordinator.committed(GROUP)).length, 1);
    await clock.advance(600_001);
    assert.deepEqual(await coordinator.committed(GROUP), []);
  });
});

describe('OffsetFetch', () => {
  const topics = [
    { name: 't', partitionIndexes: [0, 1, 9] },
    { name: 'nowhere', partitionIndexes: [0] },
  ];
  const none = (partitionIndex: number) => ({
    partitionIndex,
    committedOffset: -1,
    committedLeaderEpoch: -1,
    metadata: '',
    errorCode: ERROR.NONE,
  });

  test('answers in every version, with -1 for what was never committed', async () => {
    const { broker } = groupBroker();
    await commit(broker, 9, {}, [at(0, 5, 'note')]);
    for (const version of versions(offsetFetch)) {
      const request = { groupId: GROUP, topics, groups: [{ groupId: GROUP, topics }], requireStable: true };
      const answer = (await ask(offsetFetch, version, request, broker))!;
      const committedLeaderEpoch = version >= 5 ? 4 : -1;
      const found = { ...none(0), committedOffset: 5, committedLeaderEpoch, metadata: 'note' };
      const expected = [
        { name: 't', partitions: [found, none(1), none(9)] },
        { name: 'nowhere', partitions: [none(0)] },
      ];
      if (version < 8) assert.deepEqual([answer.errorCode, answer.topics], [ERROR.NONE, expected]);
      else assert.deepEqual(answer.groups, [{ groupId: GROUP, errorCode: ERROR.NONE, topics: expected }]);
    }
  });

  test('brings all there is where no topics are named', async () => {
    const { broker } = groupBroker();
    await commit(broker, 9, {}, [at(1, 6), at(0, 5)]);
    for (const version of versions(offsetFetch).slice(1)) {
      const groups = ['nobody', GROUP].map((groupId) => ({ groupId, topics: null }));
      const answer = (await ask(offsetFetch, version, { groupId: GROUP, topics: null, groups }, broker))!;
      const [nobody, group] = version < 8 ? [{ topics: [] }, answer] : answer.groups;
      assert.deepEqual(nobody!.topics, []);
      const offsets = group!.topics.map(({ name, partitions }) => [name, ...partitions.map((p) => p.committedOffset)]);
      assert.deepEqual(offsets, [['t', 5, 6]]);
    }
  });

  test('says when there is no coordinator any more, where the version has room for it', async () => {
    const { broker, coordinator } = groupBroker();
    coordinator.close();
    const request = { groupId: GROUP, topics, groups: [{ groupId: GROUP, topics }] };
    for (const version of versions(offsetFetch)) {
      const answer = (await ask(offsetFetch, version, request, broker))!;
      const perPartition = answer.topics[0]?.partitions[0]?.errorCode;
      const code = version === 1 ? perPartition : version < 8 ? answer.errorCode : answer.groups[0]!.errorCode;
      assert.equal(code, ERROR.COORDINATOR_NOT_AVAILABLE);
    }
  });
});

describe('OffsetDelete', () => {
  const partitions = [{ partitionIndex: 0 }, { partitionIndex: 9 }];
  const topics = ['t', 'other', 'nowhere'].map((name) => ({ name, partitions }));

  test('deletes what no member reads', async () => {
    const { broker, coordinator } = groupBroker();
    const remove = (groupId = GROUP) => ask(offsetDelete, 0, { groupId, topics }, broker);
    assert.deepEqual((await remove())!.errorCode, ERROR.GROUP_ID_NOT_FOUND);
    assert.deepEqual((await remove(''))!.errorCode, ERROR.INVALID_GROUP_ID);
    await commit(broker, 9, {}, [at(0, 1), at(1, 2)]);
    await commit(broker, 9, {}, [at(0, 3)], 'other');
    const { memberId } = await member(broker);
    const codes = async () =>
      (await remove())!.topics.map((topic) => topic.partitions.map(({ errorCode }) => errorCode));
    const unknown = ERROR.UNKNOWN_TOPIC_OR_PARTITION;
    assert.deepEqual(await codes(), [
      [ERROR.GROUP_SUBSCRIBED_TO_TOPIC, unknown],
      [ERROR.NONE, unknown],
      [unknown, unknown],
    ]);
    await coordinator.leave({ groupId: GROUP, memberId });
    assert.deepEqual((await codes())[0], [ERROR.NONE, unknown]);
    assert.deepEqual(await coordinator.committed(GROUP), [{ topic: 't', partition: 1, offset: 2 }]);
  });

  test('leaves the offsets of others than consumers alone while they are there', async () => {
    const { broker, coordinator } = groupBroker();
    const connect = { protocolType: 'connect', protocols: [{ name: 'default', metadata: Buffer.alloc(0) }] };
    const timeouts = { sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000 };
    const joining = { groupId: GROUP, memberId: '', clientId: 'worker', ...timeouts, ...connect };
    await coordinator.join(joining, { memberIdRequired: false });
    const answer = await ask(offsetDelete, 0, { groupId: GROUP, topics }, broker);
    assert.deepEqual([answer!.errorCode, answer!.topics], [ERROR.NON_EMPTY_GROUP, []]);
  });
});
