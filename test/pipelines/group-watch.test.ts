import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PartitionProgress } from '../../src/kit/consumers/consumer-metrics.ts';
import type { GroupDescription } from '../../src/kit/log/log-admin.ts';
import type { GroupLook } from '../../src/kit/monitoring/group-look.ts';
import { GroupWatch } from '../../src/pipelines/groups/group-watch.ts';

/** A group that reads `t`, whose partitions all end at 100. */
function sight(
  group: string,
  committed: readonly number[],
  members: readonly string[] = [],
): GroupLook['groups'][number] {
  const partitions = committed.map((offset, partition) => ({
    topic: 't',
    partition,
    committed_offset: offset,
    lag: 100 - offset,
    lag_seconds: offset === 100 ? 0 : 7,
  }));
  const description: GroupDescription = {
    groupId: group,
    protocolType: 'consumer',
    state: members.length === 0 ? 'Empty' : 'Stable',
    type: 'classic',
    assignor: 'range',
    coordinator: 0,
    generation: null,
    members: members.map((memberId, index) => ({
      memberId,
      instanceId: null,
      clientId: memberId,
      host: '/127.0.0.1',
      assignment: index === 0 ? committed.map((_, partition) => ({ topic: 't', partition })) : [],
    })),
  };
  const state = description.state;
  const lag_seconds = Math.max(...partitions.map((one) => one.lag_seconds));
  return { health: { group, state, members: members.length, lag: 0, lag_seconds, partitions }, description };
}

const ENDS = new Map([0, 1].map((partition) => [`t:${partition}`, 100]));
const STARTS = new Map([0, 1].map((partition) => [`t:${partition}`, 0]));

function watching(handlers: { group: string; partitions: readonly PartitionProgress[] }[] = []) {
  const watch = new GroupWatch({
    groupId: 'ours',
    handlers: () => handlers.map(({ group, partitions }) => ({ group, metrics: { partitions } })),
  });
  const look = (atMs: number, groups: GroupLook['groups'], incomplete: readonly string[] = [], steadyMs = atMs) =>
    watch.saw({ atMs, steadyMs, groups, starts: STARTS, ends: ENDS, incomplete });
  return { watch, look };
}

test('lag is told from where a handler of ours is; from what is committed for all others', () => {
  const position = { topic: 't', partition: 0, position: 98, end_offset: 100, lag: 2, waiting_since: 9_500 };
  const { watch, look } = watching([{ group: 'ours', partitions: [position] }]);
  look(10_000, [sight('ours', [60]), sight('theirs', [60, 100], ['a'])]);
  const [ours, theirs] = watch.groups();
  assert.deepEqual([ours!.owner, ours!.lag, ours!.lag_seconds], ['engagement', 2, 0.5]);
  assert.deepEqual([theirs!.owner, theirs!.lag, theirs!.lag_seconds], [null, 40, 7]);
  const [read] = theirs!.partitions;
  assert.deepEqual([read!.start, read!.end, read!.committed, read!.position, read!.member_id], [0, 100, 60, null, 'a']);
});

test('lag, age and consumption over time, by group and topic, once a second at most', () => {
  const { watch, look } = watching();
  look(1_000, [sight('g', [10, 100])]);
  look(1_300, [sight('g', [15, 100])]);
  look(2_000, [sight('g', [30, 100])]);
  look(3_000, [sight('g', [5, 100])]);
  const { times, lag, lagSeconds, perSecond, topics } = watch.history('g', 0);
  assert.deepEqual(
    [times, lag],
    [
      [1_000, 2_000, 3_000],
      [90, 70, 95],
    ],
  );
  assert.deepEqual(
    [lagSeconds, perSecond],
    [
      [7, 7, 7],
      [null, 20, 0],
    ],
    'a reset back consumes nothing',
  );
  assert.deepEqual([...topics], [['t', [90, 70, 95]]]);
  assert.equal(watch.perSecond('g'), 10);
  assert.deepEqual(watch.recentLag('g', 1_000, 3_000), [null, 90, 95]);
  assert.deepEqual(watch.history('g', 2_500).lag, [95]);
});

test('rebalances are remembered; a group that is gone is not', () => {
  const { watch, look } = watching();
  look(1_000, [sight('g', [10], ['a'])]);
  look(2_000, [sight('g', [10], ['a', 'b'])]);
  assert.deepEqual(
    watch.rebalances('g').map(({ atMs, joined }) => [atMs, joined]),
    [[2_000, ['b']]],
  );
  look(3_000, [], ['groups of broker 2: no answer']);
  assert.equal(watch.group('g')?.group, 'g', 'not every broker could be asked');
  assert.deepEqual(watch.incomplete, ['groups of broker 2: no answer']);
  look(4_000, []);
  assert.equal(watch.group('g'), null);
});

test('a clock that is set, back or ahead, changes neither rates nor durations, nor what is kept', () => {
  const { watch, look } = watching();
  const HOUR = 3_600_000;
  const settled = sight('g', [10], ['a']);
  const moving = { ...settled, description: { ...settled.description!, state: 'PreparingRebalance' } };
  look(5 * HOUR, [settled], [], 1_000);
  look(5 * HOUR + 1_000, [moving], [], 2_000);
  // set back by an hour
  look(4 * HOUR + 2_000, [sight('g', [30], ['a', 'b'])], [], 3_000);
  look(4 * HOUR + 3_000, [sight('g', [40], ['a', 'b'])], [], 4_000);
  const { times, perSecond } = watch.history('g', 4 * HOUR);
  assert.deepEqual(perSecond, [null, 0, 20, 10]);
  assert.deepEqual(
    times,
    [4 * HOUR, 4 * HOUR + 1_000, 4 * HOUR + 2_000, 4 * HOUR + 3_000],
    'one axis, as the clock is now',
  );
  assert.deepEqual(watch.history('g', 4 * HOUR + 2_500).perSecond, [10]);
  assert.deepEqual(
    watch.rebalances('g').map(({ atMs, tookMs }) => [atMs, tookMs]),
    [[4 * HOUR + 1_000, 1_000]],
  );
  assert.equal(watch.perSecond('g'), 10);
  // set ahead by a day: a group that was not seen for a second is not gone
  look(28 * HOUR, [], ['groups of broker 2: no answer'], 5_000);
  assert.equal(watch.group('g')?.group, 'g');
  assert.deepEqual(watch.recentLag('g', 1_000, 4_000), [90, 90, 70, 60]);
});
