import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { GroupCoordinator } from '../../../../src/kit/log/embedded/group-coordinator.ts';
import type { JoinAnswer } from '../../../../src/kit/log/embedded/group-member.ts';
import { assignTo, code, coordinator, GROUP, identity, joined, REBALANCE_MS, SESSION_MS } from './group-support.ts';

const protocols = (...names: string[]) => names.map((name) => ({ name, metadata: Buffer.from(name) }));
const withInstance = (answer: JoinAnswer, groupInstanceId: string) => ({ ...identity(answer), groupInstanceId });

/** Instance "a" leads, "b" follows; the group is stable. */
async function pair(group: GroupCoordinator): Promise<{ a: JoinAnswer; b: JoinAnswer }> {
  const first = await joined(group, '', { groupInstanceId: 'a' });
  const joining = joined(group, '', { groupInstanceId: 'b' });
  const a = await joined(group, first.memberId, { groupInstanceId: 'a' });
  const b = await joining;
  await group.sync(withInstance(a, 'a'), assignTo(a.memberId, b.memberId));
  return { a, b };
}

describe('static members of a group (KIP-345)', () => {
  test('get an id at once, named for their instance', async () => {
    const { group } = coordinator();
    const one = await joined(group, '', { groupInstanceId: 'one' }, { memberIdRequired: true });
    assert.match(one.memberId, /^one-[0-9a-f-]{36}$/);
    assert.deepEqual(
      one.members.map(({ memberId, groupInstanceId }) => [memberId, groupInstanceId]),
      [[one.memberId, 'one']],
    );
  });

  test('a follower that comes back keeps its assignment, and nobody else notices', async () => {
    const { group } = coordinator();
    const { a, b } = await pair(group);
    const again = await joined(group, '', { groupInstanceId: 'b' });
    assert.notEqual(again.memberId, b.memberId);
    assert.deepEqual([again.generation, again.leaderId, again.members], [b.generation, a.memberId, []]);
    assert.equal(String(await group.sync(withInstance(again, 'b'), [])), b.memberId);
    await group.heartbeat(withInstance(a, 'a'));
    assert.equal(group.describe(GROUP).state, 'Stable');
  });

  test('its former self is fenced, in whatever it asks, and its session no longer counts', async () => {
    const { group, clock } = coordinator();
    const { a, b } = await pair(group);
    await clock.advance(SESSION_MS / 2);
    await group.heartbeat(withInstance(a, 'a'));
    const again = await joined(group, '', { groupInstanceId: 'b' });
    const former = withInstance(b, 'b');
    await assert.rejects(group.heartbeat(former), code('FENCED_INSTANCE_ID'));
    await assert.rejects(group.sync(former, []), code('FENCED_INSTANCE_ID'));
    await assert.rejects(group.leave(former), code('FENCED_INSTANCE_ID'));
    await assert.rejects(group.commit(former, [{ topic: 't', partition: 0, offset: 1 }]), code('FENCED_INSTANCE_ID'));
    await assert.rejects(joined(group, b.memberId, { groupInstanceId: 'b' }), code('FENCED_INSTANCE_ID'));
    await assert.rejects(group.heartbeat(identity(b)), code('UNKNOWN_MEMBER_ID'));
    await clock.advance(SESSION_MS / 2);
    await group.heartbeat(withInstance(again, 'b'));
    assert.equal(group.describe(GROUP).members.length, 2);
  });

  test('what its former self waits for ends when it is replaced', async () => {
    const { group } = coordinator();
    await joined(group, '', { groupInstanceId: 'a' });
    const joining = assert.rejects(joined(group, '', { groupInstanceId: 'b' }), code('FENCED_INSTANCE_ID'));
    const replaced = joined(group, '', { groupInstanceId: 'b' });
    await joining;
    const [a] = await Promise.all([joined(group, '', { groupInstanceId: 'a' }), replaced]);
    const b = await replaced;
    const syncing = assert.rejects(group.sync(withInstance(b, 'b'), []), code('FENCED_INSTANCE_ID'));
    // While the leader assigns: it has been told of the former id, so everybody joins again.
    const third = joined(group, '', { groupInstanceId: 'b' });
    await syncing;
    await assert.rejects(group.heartbeat(withInstance(a, 'a')), code('REBALANCE_IN_PROGRESS'));
    const [again] = await Promise.all([joined(group, a.memberId, { groupInstanceId: 'a' }), third]);
    assert.equal(again.generation, a.generation + 1);
  });

  test('a leader that comes back is told to skip the assignment, if it understands', async () => {
    const { group } = coordinator();
    const { a, b } = await pair(group);
    const newer = await joined(group, '', { groupInstanceId: 'a' }, { canSkipAssignment: true });
    assert.deepEqual([newer.leaderId, newer.skipAssignment], [newer.memberId, true]);
    assert.deepEqual(newer.members.map(({ memberId }) => memberId).sort(), [newer.memberId, b.memberId].sort());
    assert.equal(String(await group.sync(withInstance(newer, 'a'), [])), a.memberId);
    const older = await joined(group, '', { groupInstanceId: 'a' });
    assert.deepEqual([older.leaderId, older.skipAssignment, older.members], [newer.memberId, false, []]);
    // It leads nevertheless: when it joins again, it wants a new assignment.
    const next = joined(group, older.memberId, { groupInstanceId: 'a' });
    await assert.rejects(group.heartbeat(withInstance(b, 'b')), code('REBALANCE_IN_PROGRESS'));
    await joined(group, b.memberId, { groupInstanceId: 'b' });
    assert.deepEqual((await next).leaderId, older.memberId);
  });

  test('who comes back with other assignors makes the group choose again', async () => {
    const { group } = coordinator();
    const one = await joined(group, '', { groupInstanceId: 'a', protocols: protocols('x', 'y') });
    await group.sync(withInstance(one, 'a'), []);
    const again = await joined(group, '', { groupInstanceId: 'a', protocols: protocols('y', 'x') });
    assert.deepEqual([again.generation, again.protocolName], [one.generation + 1, 'y']);
  });

  test('one that is away does not lose its place to a rebalance, but to its session', async () => {
    const { group, clock } = coordinator();
    const { a } = await pair(group);
    const session = 40_000;
    const slow = joined(group, '', { groupInstanceId: 'b', sessionTimeoutMs: session });
    await group.sync(withInstance(await slow, 'b'), []);
    const joining = joined(group, a.memberId, { groupInstanceId: 'a' });
    await clock.advance(REBALANCE_MS);
    const leader = await joining;
    assert.deepEqual(leader.members.map(({ groupInstanceId }) => groupInstanceId).sort(), ['a', 'b']);
    await group.sync(withInstance(leader, 'a'), assignTo(leader.memberId));
    for (let ms = 0; ms < REBALANCE_MS; ms += SESSION_MS / 2) {
      await clock.advance(SESSION_MS / 2);
      await group.heartbeat(withInstance(leader, 'a')).catch(code('REBALANCE_IN_PROGRESS'));
    }
    // It has not asked for its assignment within the rebalance timeout.
    assert.deepEqual(
      group.describe(GROUP).members.map(({ groupInstanceId }) => groupInstanceId),
      ['a'],
    );
  });

  test('where all are away, the group waits for them and for nothing else', async () => {
    const { group, clock } = coordinator();
    const { a, b } = await pair(group);
    const leaving = group.leave(identity(b));
    await leaving;
    await clock.advance(SESSION_MS);
    assert.deepEqual([group.describe(GROUP).state, clock.pending], ['Empty', 0]);
    await assert.rejects(group.heartbeat(withInstance(a, 'a')), code('UNKNOWN_MEMBER_ID'));
  });

  test('leave together, by id or by instance, each with its own answer', async () => {
    const { group } = coordinator();
    const { a, b } = await pair(group);
    const outcomes = await group.leaveTogether(GROUP, [
      { memberId: '', groupInstanceId: 'a' },
      { memberId: '', groupInstanceId: 'nobody' },
      { memberId: 'ghost' },
      { memberId: a.memberId, groupInstanceId: 'b' },
      { memberId: b.memberId, groupInstanceId: 'b' },
      { memberId: '' },
    ]);
    assert.deepEqual(
      outcomes.map((error) => (error as { code?: string } | null)?.code ?? null),
      [null, 'UNKNOWN_MEMBER_ID', 'UNKNOWN_MEMBER_ID', 'FENCED_INSTANCE_ID', null, 'UNKNOWN_MEMBER_ID'],
    );
    assert.equal(group.describe(GROUP).state, 'Empty');
    const nobody = await group.leaveTogether('no such group', [{ memberId: a.memberId }]);
    assert.deepEqual(
      nobody.map((error) => (error as { code: string }).code),
      ['UNKNOWN_MEMBER_ID'],
    );
  });
});
