/** How long members wait for each other, and what counts as a sign of life meanwhile. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { GroupCoordinator } from '../../../../src/kit/log/embedded/group-coordinator.ts';
import {
  assignTo,
  code,
  coordinator,
  GROUP,
  identity,
  joined,
  REBALANCE_MS,
  request,
  SESSION_MS,
} from './group-support.ts';

const FIVE_MINUTES_MS = 300_000;

async function pair(group: GroupCoordinator) {
  const first = await joined(group);
  const joining = joined(group);
  const leader = await joined(group, first.memberId);
  return { leader, follower: await joining };
}

describe('members of a group', () => {
  test('that wait for their assignment need no heartbeat, the leader does', async () => {
    const { group, clock } = coordinator();
    const { leader, follower } = await pair(group);
    const waiting = group.sync(identity(follower), []);
    for (let beats = 0; beats < 4; beats++) {
      await clock.advance(SESSION_MS / 2);
      await group.heartbeat(identity(leader));
    }
    await group.sync(identity(leader), assignTo(follower.memberId));
    assert.equal(String(await waiting), follower.memberId);
    // From then on it does.
    await clock.advance(SESSION_MS / 2);
    await group.heartbeat(identity(leader));
    await clock.advance(SESSION_MS / 2);
    await assert.rejects(group.heartbeat(identity(follower)), code('UNKNOWN_MEMBER_ID'));
  });

  test('that have all got their assignment are left in peace', async () => {
    const { group, clock } = coordinator();
    const { leader, follower } = await pair(group);
    const waiting = group.sync(identity(follower), []);
    await group.sync(identity(leader), assignTo(leader.memberId, follower.memberId));
    await waiting;
    for (let ms = 0; ms < 2 * REBALANCE_MS; ms += SESSION_MS / 2) {
      await clock.advance(SESSION_MS / 2);
      for (const each of [leader, follower]) await group.heartbeat(identity(each));
    }
    assert.deepEqual([group.describe(GROUP).generation, clock.pending], [2, 2]);
  });

  test('that do not ask for their assignment are out after the rebalance timeout, though they beat', async () => {
    const { group, clock } = coordinator();
    const { leader, follower } = await pair(group);
    await group.sync(identity(leader), assignTo(leader.memberId, follower.memberId));
    for (let ms = 0; ms < REBALANCE_MS; ms += SESSION_MS / 2) {
      for (const each of [leader, follower]) await group.heartbeat(identity(each));
      await clock.advance(SESSION_MS / 2);
    }
    await assert.rejects(group.heartbeat(identity(leader)), code('REBALANCE_IN_PROGRESS'));
    await assert.rejects(group.heartbeat(identity(follower)), code('UNKNOWN_MEMBER_ID'));
  });

  test('that the leader forgets are told that they have nothing', async () => {
    const { group } = coordinator();
    const { leader, follower } = await pair(group);
    const waiting = group.sync(identity(follower), []);
    await group.sync(identity(leader), assignTo(leader.memberId));
    assert.equal((await waiting).length, 0);
    const again = joined(group, leader.memberId);
    await joined(group, follower.memberId);
    const next = await again;
    const second = group.sync({ ...identity(follower), generation: 3 }, []);
    await group.sync(identity(next), []);
    assert.deepEqual([(await second).length, group.describe(GROUP).members[0]!.assignment.length], [0, 0]);
  });

  test('that are new wait for five minutes at most', async () => {
    const { group, clock } = coordinator();
    const patient = { rebalanceTimeoutMs: 2 * FIVE_MINUTES_MS };
    const slow = await joined(group, '', patient);
    await group.sync(identity(slow), []);
    const told = assert.rejects(joined(group, '', patient), code('UNKNOWN_MEMBER_ID'));
    for (let ms = 0; ms < FIVE_MINUTES_MS; ms += SESSION_MS / 2) {
      await assert.rejects(group.heartbeat(identity(slow)), code('REBALANCE_IN_PROGRESS'));
      await clock.advance(SESSION_MS / 2);
    }
    await told;
    // Known ones have as long as they said.
    const again = await joined(group, slow.memberId, patient);
    assert.equal(again.members.length, 1);
  });

  test('with an id that is of no use any more do not hold up the others', async () => {
    const { group } = coordinator({ maxMembers: 2 });
    const { leader, follower } = await pair(group);
    await group.leave(identity(follower));
    await joined(group, leader.memberId);
    const ids = await Promise.allSettled([group.join(request('')), group.join(request(''))]);
    const [used, late] = ids.map((outcome) => String((outcome as PromiseRejectedResult).reason.details.memberId));
    const joining = group.join(request(used!));
    const leading = joined(group, leader.memberId);
    await assert.rejects(group.join(request(late!)), code('GROUP_FULL'));
    assert.equal((await Promise.all([joining, leading])).length, 2);
  });

  test('where only static ones are left and all are away, nothing is asked of them over and over', async () => {
    const { group, clock } = coordinator();
    const hasty = { rebalanceTimeoutMs: 0, groupInstanceId: 'static' };
    const away = await joined(group, '', hasty);
    await group.sync(identity(away), []);
    // Its place is asked for by one that goes at once.
    const joining = assert.rejects(joined(group, '', { rebalanceTimeoutMs: 0 }), code('UNKNOWN_MEMBER_ID'));
    const dynamic = group.describe(GROUP).members.find(({ groupInstanceId }) => groupInstanceId === null)!;
    await group.leave({ groupId: GROUP, memberId: dynamic.memberId });
    await joining;
    await clock.advance(SESSION_MS - 1);
    assert.equal(group.describe(GROUP).state, 'PreparingRebalance');
    await clock.advance(1);
    assert.deepEqual([group.describe(GROUP).state, clock.pending], ['Empty', 0]);
  });

  test('have to agree on the protocol when they say which it is', async () => {
    const { group } = coordinator();
    const one = await joined(group);
    const sync = (protocolType: string, protocolName: string) =>
      group.sync({ ...identity(one), protocolType, protocolName }, assignTo(one.memberId));
    await assert.rejects(sync('connect', 'range'), code('INCONSISTENT_GROUP_PROTOCOL'));
    await assert.rejects(sync('consumer', 'sticky'), code('INCONSISTENT_GROUP_PROTOCOL'));
    assert.equal(String(await sync('consumer', 'range')), one.memberId);
  });

  test('are described with what they say only while that holds for the group', async () => {
    const { group } = coordinator();
    const one = await joined(group, '', { clientHost: '/127.0.0.1' });
    const described = () => {
      const { state, protocolType, protocolName, members } = group.describe(GROUP);
      return [state, protocolType, protocolName, members[0]!.metadata.length > 0, String(members[0]!.assignment)];
    };
    assert.deepEqual(described(), ['CompletingRebalance', 'consumer', '', false, '']);
    await group.sync(identity(one), assignTo(one.memberId));
    assert.deepEqual(described(), ['Stable', 'consumer', 'range', true, one.memberId]);
    const { clientId, clientHost, groupInstanceId } = group.describe(GROUP).members[0]!;
    assert.deepEqual([clientId, clientHost, groupInstanceId], ['test', '/127.0.0.1', null]);
  });
});
