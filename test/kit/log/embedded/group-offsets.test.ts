import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { encodeSubscription } from '../../../../src/kit/log/assignment.ts';
import type { GroupCoordinator } from '../../../../src/kit/log/embedded/group-coordinator.ts';
import { GroupStore } from '../../../../src/kit/log/embedded/group-store.ts';
import { code, coordinator, GROUP, identity, joined, request, SESSION_MS } from './group-support.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const outside = (groupId = GROUP) => ({ groupId, generation: -1, memberId: '' });
const at = (topic: string, offset: number, partition = 0) => ({ topic, partition, offset });

async function stable(group: GroupCoordinator, topics = ['t']) {
  const protocols = [{ name: 'range', metadata: encodeSubscription(topics) }];
  const member = await joined(group, '', { protocols });
  await group.sync(identity(member), []);
  return member;
}

describe('committed offsets', () => {
  test('keep what their committers say beside them', async () => {
    const { group } = coordinator();
    await group.commit(outside(), [{ ...at('t', 5), leaderEpoch: 3, metadata: 'why\0not' }, at('t', 6, 1)]);
    assert.deepEqual(await group.committedWithMetadata(GROUP), [
      { ...at('t', 5), leaderEpoch: 3, metadata: 'why\0not' },
      { ...at('t', 6, 1), leaderEpoch: -1, metadata: '' },
    ]);
    assert.deepEqual(await group.committed(GROUP), [at('t', 5), at('t', 6, 1)]);
    assert.deepEqual(await group.committed('nobody'), []);
  });

  test('an offset below zero is none to start from', async () => {
    const { group } = coordinator();
    await group.commit(outside(), [at('t', -1)]);
    assert.deepEqual(await group.committed(GROUP), []);
  });

  test('who may commit', async () => {
    const { group } = coordinator();
    const offsets = [at('t', 1)];
    const refused = (who: object, expected: string) =>
      assert.rejects(group.commit({ ...outside(), ...who }, offsets), code(expected));
    await refused({ generation: 1 }, 'ILLEGAL_GENERATION');
    await group.commit({ ...outside(), memberId: 'anybody' }, offsets);
    assert.deepEqual(group.list(), [{ groupId: GROUP, protocolType: '', state: 'Empty' }]);
    await refused({ generation: 1, memberId: 'anybody' }, 'UNKNOWN_MEMBER_ID');
    const member = await joined(group);
    await refused({}, 'GROUP_ACTIVE');
    await refused({ memberId: member.memberId }, 'ILLEGAL_GENERATION');
    await refused({ memberId: 'anybody' }, 'UNKNOWN_MEMBER_ID');
    await refused({ groupInstanceId: 'instance' }, 'UNKNOWN_MEMBER_ID');
    await refused({ memberId: member.memberId, generation: 1 }, 'REBALANCE_IN_PROGRESS');
    await group.leave(identity(member));
    await group.commit(outside(), offsets);
  });

  test('a check alone stores nothing', async () => {
    const { group } = coordinator();
    await group.commit(outside(), []);
    assert.deepEqual(group.list(), []);
    await joined(group);
    await assert.rejects(group.commit(outside(), []), code('GROUP_ACTIVE'));
  });

  test('go with their topic', async () => {
    const { group } = coordinator();
    await group.commit(outside('one'), [at('gone', 1), at('kept', 2)]);
    await group.commit(outside('two'), [at('gone', 3)]);
    group.forgetTopic('gone');
    assert.deepEqual(await group.committed('one'), [at('kept', 2)]);
    assert.deepEqual(await group.committed('two'), []);
  });

  test('of topics that members read are not deleted', async () => {
    const { group } = coordinator();
    const partitions = [at('t', 0), at('other', 0)];
    const remove = (): (string | null)[] => group.deleteOffsets(GROUP, partitions).map((error) => error?.code ?? null);
    assert.throws(remove, code('UNKNOWN_GROUP'));
    await group.commit(outside(), [at('t', 1), at('other', 2), at('kept', 3)]);
    // Before the first generation nobody knows what it will read.
    const joining = joined(group);
    assert.deepEqual(remove(), ['GROUP_SUBSCRIBED', null]);
    await group.leave(identity(await joining));
    const member = await stable(group, ['t', 'u']);
    assert.deepEqual(remove(), ['GROUP_SUBSCRIBED', null]);
    assert.deepEqual(await group.committed(GROUP), [at('kept', 3), at('t', 1)]);
    await group.leave(identity(member));
    assert.deepEqual(remove(), [null, null]);
    assert.deepEqual(await group.committed(GROUP), [at('kept', 3)]);
  });

  test('of members that are no consumers, or that cannot be understood, are not deleted', async () => {
    const { group } = coordinator();
    const connect = {
      groupId: 'connect',
      protocolType: 'connect',
      protocols: [{ name: 'x', metadata: Buffer.alloc(0) }],
    };
    await joined(group, '', connect);
    assert.throws(() => group.deleteOffsets('connect', [at('t', 0)]), code('GROUP_ACTIVE'));
    await joined(group, '', { protocols: [{ name: 'own', metadata: Buffer.from('?') }] });
    assert.equal(group.deleteOffsets(GROUP, [at('t', 0)])[0]?.code, 'GROUP_SUBSCRIBED');
  });

  test('a group is deleted with its offsets, unless it has members', async () => {
    const { group, clock } = coordinator();
    assert.throws(() => group.deleteGroup(GROUP), code('UNKNOWN_GROUP'));
    const member = await stable(group);
    await group.commit(identity(member), [at('t', 1)]);
    assert.throws(() => group.deleteGroup(GROUP), code('GROUP_ACTIVE'));
    await group.leave(identity(member));
    await assert.rejects(group.join(request('')), code('MEMBER_ID_REQUIRED'));
    group.deleteGroup(GROUP);
    assert.deepEqual([group.describe(GROUP).state, await group.committed(GROUP), group.list()], ['Dead', [], []]);
    assert.equal(clock.pending, 0);
  });
});

describe('what nobody uses any more', () => {
  test('offsets of a group without members go a week after the last one left', async () => {
    const { group, clock } = coordinator();
    const member = await stable(group);
    await group.commit(identity(member), [at('t', 1)]);
    await clock.advance(4 * DAY_MS);
    await group.leave(identity(await stable(group)));
    await clock.advance(7 * DAY_MS - 1);
    assert.deepEqual(await group.committed(GROUP), [at('t', 1)]);
    await clock.advance(10 * MINUTE_MS);
    assert.deepEqual(await group.committed(GROUP), []);
    assert.deepEqual([group.describe(GROUP).state, group.list()], ['Dead', []]);
  });

  test('offsets of a group with members stay, however old', async () => {
    const { group, clock, store } = coordinator();
    await group.commit(outside(), [at('t', 1)]);
    await stable(group);
    store.expire(clock.now() + 30 * DAY_MS, 7 * DAY_MS, 0);
    assert.deepEqual(await group.committed(GROUP), [at('t', 1)]);
  });

  test('offsets of a simple consumer go a week after they were committed, each for itself', async () => {
    const { group, clock } = coordinator();
    await group.commit(outside(), [at('t', 1), at('t', 1, 1)]);
    await clock.advance(4 * DAY_MS);
    await group.commit(outside(), [at('t', 2)]);
    await clock.advance(3 * DAY_MS);
    assert.deepEqual(await group.committed(GROUP), [at('t', 2)]);
    await clock.advance(4 * DAY_MS);
    assert.deepEqual([await group.committed(GROUP), group.list()], [[], []]);
  });

  test('a committer may ask for another time', async () => {
    const { group, clock } = coordinator();
    await group.commit(outside('soon'), [at('t', 1)], 20 * MINUTE_MS);
    await group.commit(outside('late'), [at('t', 1)], 30 * DAY_MS);
    await group.commit(outside('never'), [at('t', 1)], Number.MAX_SAFE_INTEGER);
    await clock.advance(20 * MINUTE_MS);
    assert.deepEqual(await group.committed('soon'), []);
    await clock.advance(29 * DAY_MS);
    assert.deepEqual([await group.committed('late'), await group.committed('never')], [[at('t', 1)], [at('t', 1)]]);
    await clock.advance(DAY_MS);
    assert.deepEqual(
      group.list().map(({ groupId }) => groupId),
      ['never'],
    );
  });

  test('a group without offsets is remembered for ten minutes', async () => {
    const { group, clock } = coordinator();
    await group.leave(identity(await stable(group)));
    await clock.advance(9 * MINUTE_MS);
    assert.deepEqual(group.list(), [{ groupId: GROUP, protocolType: 'consumer', state: 'Empty' }]);
    await clock.advance(11 * MINUTE_MS);
    assert.deepEqual(group.list(), []);
  });
});

describe('over a restart', () => {
  test('groups are empty, their time begins, and generations go on', async () => {
    const { group, clock, store } = coordinator();
    const member = await stable(group);
    await group.commit(identity(member), [at('t', 1)]);
    group.close();
    await clock.advance(30 * DAY_MS);
    const { group: restarted } = coordinator({ store, clock });
    assert.deepEqual(restarted.list(), [{ groupId: GROUP, protocolType: 'consumer', state: 'Empty' }]);
    assert.deepEqual(await restarted.committed(GROUP), [at('t', 1)]);
    await assert.rejects(restarted.heartbeat(identity(member)), code('UNKNOWN_MEMBER_ID'));
    assert.equal((await joined(restarted)).generation, member.generation + 1);
  });

  test('files of the first releases are taken along, those of later ones refused', async (t) => {
    const directory = await mkdtemp(join(tmpdir(), 'groups-'));
    t.after(() => rm(directory, { recursive: true }));
    const file = join(directory, 'groups.db');
    const old = new DatabaseSync(file);
    old.exec(`
      CREATE TABLE groups (id TEXT PRIMARY KEY, generation INTEGER NOT NULL) WITHOUT ROWID;
      CREATE TABLE offsets (
        group_id TEXT NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT NULL, offset INTEGER NOT NULL,
        PRIMARY KEY (group_id, topic, partition)) WITHOUT ROWID;
      INSERT INTO groups VALUES ('members', 4);
      INSERT INTO offsets VALUES ('members', 't', 0, 7), ('simple', 't', 1, 8);`);
    old.close();
    new GroupStore(directory).close();
    const store = new GroupStore(directory);
    const { group, clock } = coordinator({ store });
    assert.deepEqual(group.list(), [
      { groupId: 'members', protocolType: 'consumer', state: 'Empty' },
      { groupId: 'simple', protocolType: '', state: 'Empty' },
    ]);
    assert.deepEqual(
      [await group.committed('members'), await group.committed('simple')],
      [[at('t', 7)], [at('t', 8, 1)]],
    );
    assert.equal((await joined(group, '', { groupId: 'members' })).generation, 5);
    await clock.advance(6 * DAY_MS);
    assert.deepEqual(await group.committed('simple'), [at('t', 8, 1)]);
    store.close();
    const later = new DatabaseSync(file);
    later.exec('PRAGMA user_version = 9');
    later.close();
    assert.throws(() => new GroupStore(directory), code('DATA_DIR_UNUSABLE'));
  });
});

describe('bounds', () => {
  test('of groups with members, and of groups that are remembered', async () => {
    const { group } = coordinator({ maxGroups: 2 });
    await joined(group, '', { groupId: 'one' });
    await group.commit(outside('two'), [at('t', 1)]);
    await assert.rejects(joined(group, '', { groupId: 'three' }), code('GROUP_LIMIT'));
    await assert.rejects(group.commit(outside('three'), [at('t', 1)]), code('GROUP_LIMIT'));
    await group.commit(outside('two'), [at('t', 2)]);
    group.deleteGroup('two');
    await joined(group, '', { groupId: 'three' });
  });

  test('of what members say and are assigned, given back when they go', async () => {
    const { group } = coordinator({ maxMemoryBytes: 20_000 });
    const sized = (bytes: number) => ({ protocols: [{ name: 'range', metadata: Buffer.alloc(bytes) }] });
    await assert.rejects(joined(group, '', sized(20_000)), code('GROUP_LIMIT'));
    assert.equal(group.describe(GROUP).state, 'Dead');
    for (let round = 0; round < 3; round++) {
      const one = await joined(group, '', sized(10_000));
      await assert.rejects(joined(group, one.memberId, sized(20_000)), code('GROUP_LIMIT'));
      const assign = (bytes: number) => [{ memberId: one.memberId, assignment: Buffer.alloc(bytes) }];
      await assert.rejects(group.sync(identity(one), assign(10_000)), code('GROUP_LIMIT'));
      assert.equal(group.describe(GROUP).state, 'CompletingRebalance');
      assert.equal((await group.sync(identity(one), assign(5_000))).length, 5_000);
      await assert.rejects(
        group.join(request('', { groupId: 'other', ...sized(5_000) }), { memberIdRequired: false }),
        code('GROUP_LIMIT'),
      );
      const again = await joined(group, one.memberId, sized(10_000));
      await group.leave(identity(again));
    }
    const outcomes = await Promise.allSettled(Array.from({ length: 40 }, () => group.join(request(''))));
    const codes = outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason.code);
    assert.deepEqual([codes[0], codes.at(-1)], ['MEMBER_ID_REQUIRED', 'GROUP_LIMIT']);
  });

  test('of members of one group, those who come back first having the room', async () => {
    const { group, clock } = coordinator({ maxMembers: 2 });
    const one = await joined(group);
    const joining = [joined(group), joined(group)];
    await assert.rejects(joined(group), code('GROUP_FULL'));
    await assert.rejects(joined(group, one.memberId), code('GROUP_FULL'));
    await clock.advance(SESSION_MS);
    const [two, three] = await Promise.all(joining);
    assert.deepEqual([two!.generation, two!.members.length, three!.leaderId], [2, 2, two!.memberId]);
    await group.sync(identity(two!), []);
    await assert.rejects(joined(group), code('GROUP_FULL'));
    await assert.rejects(group.join(request('')), code('GROUP_FULL'));
    assert.equal((await joined(group, three!.memberId)).generation, 2);
  });
});
