import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GroupDescription } from '../../../src/kit/log/log-admin.ts';
import { RebalanceWatch } from '../../../src/kit/monitoring/rebalances.ts';

/** Who owns which partitions of `t`; nobody: empty. */
function group(owners: Readonly<Record<string, readonly number[]>>, changes: Partial<GroupDescription> = {}) {
  const members = Object.entries(owners).map(([memberId, partitions]) => ({
    memberId,
    instanceId: null,
    clientId: memberId.split('-')[0]!,
    host: '/127.0.0.1',
    assignment: partitions.map((partition) => ({ topic: 't', partition })),
  }));
  return {
    groupId: 'g',
    protocolType: 'consumer',
    state: members.length === 0 ? 'Empty' : 'Stable',
    type: 'classic',
    assignor: 'range',
    coordinator: 0,
    generation: null,
    members,
    ...changes,
  };
}

const watching = (...looks: GroupDescription[]) => {
  const watch = new RebalanceWatch();
  return looks.map((look, index) => watch.saw(look, index * 1_000));
};

test('what a group is like at first, and goes on to be like, is no rebalance', () => {
  assert.deepEqual(watching(group({ 'a-1': [0, 1] }), group({ 'a-1': [0, 1] })), [null, null]);
});

test('members that come and go, and what moves, in words', () => {
  const seen = watching(
    group({}),
    group({ 'a-1': [0, 1, 2, 3] }),
    group({ 'a-1': [0, 1], 'a-2': [2], 'b-1': [3] }),
    group({ 'a-2': [0, 1, 2, 3] }),
    group({}),
  );
  assert.deepEqual(
    seen.map((one) => one?.text),
    [
      undefined,
      'a joined; 1 member, 4 partitions moved',
      'a, b joined; 3 members, 2 partitions moved',
      'a, b left; 1 member, 3 partitions moved',
      'a left; nobody is left',
    ],
  );
  const { atMs, tookMs, members, joined, left, moved } = seen[3]!;
  assert.deepEqual([atMs, tookMs, members, joined, left, moved], [3_000, null, 1, [], ['a', 'b'], 3]);
});

test('one that is seen under way has a time at which it began, and how long it took', () => {
  const busy = group({ 'a-1': [] }, { state: 'PreparingRebalance' });
  const [, , , done] = watching(group({ 'a-1': [0] }), busy, busy, group({ 'a-1': [0] }));
  assert.deepEqual([done!.atMs, done!.tookMs, done!.text], [1_000, 2_000, 'the same members; 1 member, nothing moved']);
});

test('a generation more is a rebalance, whatever came of it; partitions that were added are told', () => {
  const at = (generation: number, ...partitions: number[]) => group({ 'a-1': partitions }, { generation });
  const [, same, more] = watching(at(4, 0), at(6, 0), at(7, 0, 1, 2));
  assert.deepEqual([same!.generation, same!.moved], [6, 0]);
  assert.equal(more!.text, '2 partitions more; 1 member, 2 partitions moved');
});

test('many names are told short', () => {
  const owners = Object.fromEntries(['a-1', 'a-2', 'b-1', 'c-1', 'd-1', 'e-1'].map((id) => [id, []]));
  assert.match(watching(group({}), group(owners))[1]!.text, /^a \(2 members\), b, c and 2 more joined;/);
});
