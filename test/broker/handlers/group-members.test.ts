import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { heartbeat } from '../../../src/broker/handlers/heartbeat.ts';
import { joinGroup } from '../../../src/broker/handlers/join-group.ts';
import { leaveGroup } from '../../../src/broker/handlers/leave-group.ts';
import { syncGroup } from '../../../src/broker/handlers/sync-group.ts';
import { ERROR } from '../../../src/broker/protocol/error-codes.ts';
import { settle } from '../../support/manual-clock.ts';
import { ask, versions } from './ask.ts';
import {
  assignment,
  GROUP,
  groupBroker,
  joinRequest,
  member,
  REBALANCE_MS,
  SESSION_MS,
  subscription,
} from './group-broker.ts';

const anyone = { groupId: GROUP, generationId: 1, memberId: 'anyone' };

describe('JoinGroup', () => {
  test('answers in every version, and asks for an id from version 4 on', async () => {
    for (const version of versions(joinGroup)) {
      const { broker } = groupBroker();
      const first = (await ask(joinGroup, version, joinRequest, broker))!;
      assert.match(first.memberId, /^client-/);
      assert.equal(first.errorCode, version >= 4 ? ERROR.MEMBER_ID_REQUIRED : ERROR.NONE);
      const { memberId } = first;
      const answer = version < 4 ? first : (await ask(joinGroup, version, { ...joinRequest, memberId }, broker))!;
      assert.deepEqual(answer, {
        throttleTimeMs: 0,
        errorCode: ERROR.NONE,
        generationId: 1,
        protocolType: version >= 7 ? 'consumer' : null,
        protocolName: 'range',
        leader: memberId,
        skipAssignment: false,
        memberId,
        members: [{ memberId, groupInstanceId: null, metadata: subscription }],
      });
    }
  });

  test('says in every version what is wrong', async () => {
    const { broker } = groupBroker();
    for (const version of versions(joinGroup)) {
      const code = async (fields: object) => {
        const answer = await ask(joinGroup, version, { ...joinRequest, ...fields }, broker);
        assert.deepEqual([answer!.generationId, answer!.leader, answer!.members], [-1, '', []]);
        assert.equal(answer!.protocolName, version >= 7 ? null : '');
        return answer!.errorCode;
      };
      assert.equal(await code({ groupId: '' }), ERROR.INVALID_GROUP_ID);
      assert.equal(await code({ sessionTimeoutMs: 5_999 }), ERROR.INVALID_SESSION_TIMEOUT);
      assert.equal(await code({ sessionTimeoutMs: 1_800_001 }), ERROR.INVALID_SESSION_TIMEOUT);
      assert.equal(await code({ memberId: 'ghost' }), ERROR.UNKNOWN_MEMBER_ID);
      assert.equal(await code({ protocols: [] }), ERROR.INCONSISTENT_GROUP_PROTOCOL);
    }
  });

  test('takes the session for the rebalance timeout in version 0, which has none', async () => {
    const { broker, clock, coordinator } = groupBroker();
    const old = (await ask(joinGroup, 0, joinRequest, broker))!;
    const identity = { groupId: GROUP, generation: 1, memberId: old.memberId };
    await coordinator.sync(identity, []);
    const joining = ask(joinGroup, 0, joinRequest, broker);
    await clock.advance(SESSION_MS / 2);
    await assert.rejects(coordinator.heartbeat(identity), { code: 'REBALANCE_IN_PROGRESS' });
    await clock.advance(SESSION_MS / 2);
    assert.deepEqual([(await joining)!.errorCode, (await joining)!.generationId], [ERROR.NONE, 2]);
  });

  test('knows static members, whose leader skips the assignment from version 9 on', async () => {
    const { broker } = groupBroker();
    const { memberId } = await member(broker, 'me');
    const again = (await ask(joinGroup, 9, { ...joinRequest, groupInstanceId: 'me' }, broker))!;
    assert.deepEqual([again.generationId, again.skipAssignment, again.leader], [1, true, again.memberId]);
    assert.deepEqual(again.members, [{ memberId: again.memberId, groupInstanceId: 'me', metadata: subscription }]);
    const older = (await ask(joinGroup, 8, { ...joinRequest, groupInstanceId: 'me' }, broker))!;
    assert.deepEqual([older.skipAssignment, older.leader, older.members], [false, again.memberId, []]);
    const fenced = await ask(heartbeat, 4, { ...anyone, memberId, groupInstanceId: 'me' }, broker);
    assert.equal(fenced!.errorCode, ERROR.FENCED_INSTANCE_ID);
  });

  test('ends with its connection, while the member stays until its time is up', async () => {
    const { broker, clock, coordinator } = groupBroker();
    const leader = await member(broker);
    const connection = new AbortController();
    const asking = { signal: connection.signal };
    const joining = ask(joinGroup, 3, joinRequest, broker, asking);
    await settle();
    connection.abort();
    assert.equal(await joining, null);
    assert.equal(coordinator.describe(GROUP).members.length, 2);
    const again = (await ask(joinGroup, 3, { ...joinRequest, memberId: leader.memberId }, broker))!;
    assert.equal(again.members.length, 2);
    await clock.advance(REBALANCE_MS);
    assert.deepEqual([coordinator.describe(GROUP).members, clock.pending], [[], 0]);
  });

  test('of a log that closes sends its members to look for another coordinator', async () => {
    const { broker, coordinator } = groupBroker();
    await member(broker);
    const joining = ask(joinGroup, 3, joinRequest, broker);
    await settle();
    coordinator.close();
    assert.equal((await joining)!.errorCode, ERROR.COORDINATOR_NOT_AVAILABLE);
    assert.equal((await ask(joinGroup, 3, joinRequest, broker))!.errorCode, ERROR.COORDINATOR_NOT_AVAILABLE);
    assert.equal((await ask(heartbeat, 3, anyone, broker))!.errorCode, ERROR.COORDINATOR_NOT_AVAILABLE);
  });
});

describe('SyncGroup', () => {
  test('answers in every version', async () => {
    for (const version of versions(syncGroup)) {
      const { broker } = groupBroker();
      const identity = await member(broker);
      const protocol = { protocolType: 'consumer', protocolName: 'range' };
      const answer = await ask(syncGroup, version, { ...identity, ...protocol, assignments: [] }, broker);
      const none = { protocolType: null, protocolName: null };
      const said = version >= 5 ? protocol : none;
      assert.deepEqual(answer, { throttleTimeMs: 0, errorCode: ERROR.NONE, ...said, assignment });
      const refused = await ask(syncGroup, version, { ...anyone, ...protocol, assignments: [] }, broker);
      const nothing = { ...none, assignment: Buffer.alloc(0) };
      assert.deepEqual(refused, { throttleTimeMs: 0, errorCode: ERROR.UNKNOWN_MEMBER_ID, ...nothing });
    }
  });

  test('wants to be told the protocol from version 5 on', async () => {
    const { broker } = groupBroker();
    const identity = await member(broker);
    for (const protocol of [
      { protocolType: null, protocolName: 'range' },
      { protocolType: 'consumer', protocolName: null },
      { protocolType: 'consumer', protocolName: 'sticky' },
      { protocolType: 'connect', protocolName: 'range' },
    ]) {
      const answer = await ask(syncGroup, 5, { ...identity, ...protocol, assignments: [] }, broker);
      assert.equal(answer!.errorCode, ERROR.INCONSISTENT_GROUP_PROTOCOL);
    }
  });

  test('of a follower ends with its connection', async () => {
    const { broker } = groupBroker();
    const leader = await member(broker);
    const following = ask(joinGroup, 3, joinRequest, broker);
    await ask(joinGroup, 3, { ...joinRequest, memberId: leader.memberId }, broker);
    const { memberId, generationId } = (await following)!;
    const connection = new AbortController();
    const asking = { signal: connection.signal };
    const syncing = ask(syncGroup, 3, { groupId: GROUP, memberId, generationId, assignments: [] }, broker, asking);
    await settle();
    connection.abort();
    assert.equal(await syncing, null);
  });

  test('keeps what it is given, not what it came in', async () => {
    const { broker, coordinator } = groupBroker();
    await member(broker);
    const kept = coordinator.describe(GROUP).members[0]!;
    for (const bytes of [kept.metadata, kept.assignment]) assert.ok(bytes.buffer.byteLength <= Buffer.poolSize * 8);
    assert.deepEqual([kept.metadata, kept.assignment], [subscription, assignment]);
  });
});

test('Heartbeat answers in every version', async () => {
  const { broker } = groupBroker();
  const identity = await member(broker);
  for (const version of versions(heartbeat)) {
    assert.equal((await ask(heartbeat, version, identity, broker))!.errorCode, ERROR.NONE);
    const late = { ...identity, generationId: 0 };
    assert.equal((await ask(heartbeat, version, late, broker))!.errorCode, ERROR.ILLEGAL_GENERATION);
    assert.equal((await ask(heartbeat, version, anyone, broker))!.errorCode, ERROR.UNKNOWN_MEMBER_ID);
    assert.equal(
      (await ask(heartbeat, version, { ...anyone, groupId: '' }, broker))!.errorCode,
      ERROR.INVALID_GROUP_ID,
    );
  }
});

describe('LeaveGroup', () => {
  test('of one member answers in every version', async () => {
    for (const version of versions(leaveGroup)) {
      const { broker, coordinator } = groupBroker();
      const { memberId } = await member(broker);
      const leave = (id: string) => {
        const members = [{ memberId: id }];
        return ask(leaveGroup, version, { groupId: GROUP, memberId: id, members }, broker);
      };
      const unknown = (await leave('ghost'))!;
      const code = version >= 3 ? unknown.members[0]!.errorCode : unknown.errorCode;
      assert.equal(code, ERROR.UNKNOWN_MEMBER_ID);
      assert.equal((await leave(memberId))!.errorCode, ERROR.NONE);
      assert.equal(coordinator.describe(GROUP).state, 'Empty');
    }
  });

  test('of several has an answer for each', async () => {
    const { broker } = groupBroker();
    await member(broker, 'me');
    const members = [
      { memberId: '', groupInstanceId: 'me' },
      { memberId: '', groupInstanceId: 'you' },
    ];
    assert.deepEqual(await ask(leaveGroup, 5, { groupId: GROUP, members }, broker), {
      throttleTimeMs: 0,
      errorCode: ERROR.NONE,
      members: [
        { memberId: '', groupInstanceId: 'me', errorCode: ERROR.NONE },
        { memberId: '', groupInstanceId: 'you', errorCode: ERROR.UNKNOWN_MEMBER_ID },
      ],
    });
    const nowhere = (await ask(leaveGroup, 5, { groupId: '', members }, broker))!;
    assert.equal(nowhere.errorCode, ERROR.INVALID_GROUP_ID);
  });
});
