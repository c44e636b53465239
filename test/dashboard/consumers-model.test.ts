import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { GroupHistory, Reset } from '../../src/api/group-schemas.ts';
import type { Sample } from '../../src/api/pulse-sample.ts';
import {
  lately,
  matches,
  memberNames,
  ownership,
  rangesText,
  staleMs,
  stateOf,
  withPulse,
} from '../../src/dashboard/views/consumers/groups-model.ts';
import { extended, missingSeconds, NO_COURSE } from '../../src/dashboard/views/consumers/history-model.ts';
import {
  changeText,
  effectText,
  executionOf,
  parseForm,
  parsePartitions,
  type ResetForm,
  summaryText,
  undoOf,
} from '../../src/dashboard/views/consumers/reset-model.ts';

describe('groups', () => {
  const group = {
    group: 'billing',
    owner: null,
    topics: ['orders'],
    lag: 5,
    lag_seconds: 2,
    per_second: 1,
    lag_unknown: 0,
  };

  test('a sample that is newer than the list has its say; one that is older has not', () => {
    const flow = { group: 'billing', lag: 9, lag_seconds: 3, per_second: null };
    const sample = { at: '2026-11-21T14:00:02Z', groups: [flow] } as unknown as Sample;
    const [newer] = withPulse([group], '2026-11-21T14:00:00Z', sample);
    assert.deepEqual([newer!.lag, newer!.lag_seconds, newer!.per_second], [9, 3, 1]);
    assert.equal(withPulse([group], '2026-11-21T14:00:03Z', sample)[0]!.lag, 5);
    assert.equal(withPulse([{ ...group, lag: null }], null, sample)[0]!.lag, null, 'what is not known stays so');
    assert.equal(withPulse([group], null, null)[0]!.lag, 5);
  });

  test('what the log has not told for long is old, by the clock of the server', () => {
    const at = '2026-11-21T14:00:20Z';
    assert.equal(staleMs('2026-11-21T14:00:00Z', { at }), 20_000);
    assert.equal(staleMs('2026-11-21T14:00:10Z', { at }), null);
    assert.equal(staleMs(null, { at }), null);
  });

  test('are found by name, projection and topic', () => {
    for (const text of ['', 'BILL', 'orders ', 'ord']) assert(matches(group, text), text);
    assert(matches({ ...group, owner: 'feed' }, 'feed'));
    assert(!matches(group, 'users'));
  });

  test('every state has a shape; one that nobody knows is told as it is', () => {
    assert.deepEqual([stateOf('Stable').kind, stateOf('Empty').kind, stateOf(null).text], ['ok', 'idle', 'not known']);
    assert.equal(stateOf('Sleeping').text, 'Sleeping');
  });

  test('partitions as runs, members by the name that tells them apart', () => {
    assert.equal(rangesText([5, 0, 1, 2, 7, 8]), '0–2, 5, 7–8');
    assert.equal(rangesText([]), '');
    const members = [
      { member_id: 'w-111111', client_id: 'w' },
      { member_id: 'w-222222', client_id: 'w' },
      { member_id: 'x-333333', client_id: 'x' },
      { member_id: 'y-4', client_id: '' },
    ];
    assert.deepEqual([...memberNames(members).values()], ['w …111111', 'w …222222', 'x', 'y-4']);
  });

  test('a course begins where it is known, and is not too short', () => {
    assert.deepEqual(lately([null, null, 1, null, 2], 2), [1, null, 2]);
    assert.deepEqual(lately([null, null, 1], 2), [null, 1]);
    assert.deepEqual(lately([null, null, null], 2), [null, null]);
  });

  test('who reads what, topic by topic', () => {
    const partition = (topic: string, partition: number, member_id: string | null) =>
      ({ topic, partition, member_id }) as never;
    assert.deepEqual(
      ownership({ partitions: [partition('a', 0, 'm'), partition('a', 1, null), partition('b', 0, 'm')] }),
      [
        { topic: 'a', partitions: [0, 1], owners: ['m', null] },
        { topic: 'b', partitions: [0], owners: ['m'] },
      ],
    );
  });
});

describe("a group's course", () => {
  const piece = (from: string, lag: readonly number[], changes: Partial<GroupHistory> = {}): GroupHistory => ({
    group: 'g',
    from,
    seconds: lag.map((_, index) => index),
    lag: [...lag],
    lag_seconds: lag.map(() => 0),
    per_second: lag.map(() => 1),
    topics: [{ topic: 't', lag: [...lag] }],
    rebalances: [],
    ...changes,
  });
  const first = extended(NO_COURSE, piece('2026-11-21T14:00:00Z', [1, 2, 3]));

  test('is extended by what is later, once', () => {
    const next = extended(first, piece('2026-11-21T14:00:01Z', [2, 3, 4, 5]));
    assert.deepEqual([next.lag, next.topics.get('t'), next.times.length], [[1, 2, 3, 4, 5], [1, 2, 3, 4, 5], 5]);
    assert.equal(extended(next, piece('2026-11-21T14:00:01Z', [2, 3])).times.length, 5);
  });

  test('a topic that comes later has nothing before; what is older than ten minutes goes', () => {
    const topics = [{ topic: 'u', lag: [7] }];
    const next = extended(first, piece('2026-11-21T14:00:03Z', [4], { topics }));
    assert.deepEqual(
      [next.topics.get('t'), next.topics.get('u')],
      [
        [1, 2, 3, null],
        [null, null, null, 7],
      ],
    );
    assert.deepEqual(extended(first, piece('2026-11-21T14:10:01Z', [9])).lag, [2, 3, 9]);
  });

  test('rebalances are told once', () => {
    const at = '2026-11-21T14:00:02Z';
    const seen = { at, took_ms: null, generation: 2, members: 1, joined: [], left: [], moved_partitions: 0, text: '' };
    const once = extended(first, piece(at, [4], { rebalances: [seen] }));
    assert.equal(extended(once, piece(at, [4], { rebalances: [seen] })).rebalances.length, 1);
  });

  test('so much is asked for that the next piece meets it', () => {
    assert.equal(missingSeconds(NO_COURSE, 0), 600);
    const last = first.times.at(-1)!;
    assert.equal(missingSeconds(first, last + 2_000), 7);
    assert.equal(missingSeconds(first, last + 3_600_000), 600);
  });
});

describe('the form of a reset', () => {
  const form: ResetForm = { to: 'earliest', time: '', offset: '', by: '', topic: '', partitions: '' };
  const reset = (from: number | null, to: number, effect: Reset['resets'][number]['effect'], partition = 0) => ({
    ...{ topic: 'orders', partition, from, to, start: 0, end: 10, effect },
    records: from === null ? 0 : Math.abs(to - from),
  });

  test('becomes what the API is asked', () => {
    assert.deepEqual(parseForm(form).body, { to: 'earliest' });
    assert.deepEqual(parseForm({ ...form, to: 'shift', by: '-5', topic: 'orders' }).body, {
      to: 'shift',
      by: -5,
      topics: [{ topic: 'orders' }],
    });
    assert.deepEqual(parseForm({ ...form, to: 'offset', offset: '7', topic: 'orders', partitions: '0,2-3' }).body, {
      to: 'offset',
      offset: 7,
      topics: [{ topic: 'orders', partitions: [0, 2, 3] }],
    });
    assert.equal(parseForm({ ...form, to: 'time', time: '2026-11-21T14:00:00' }).body!.time?.endsWith('.000Z'), true);
  });

  test('says by its field what is wrong', () => {
    assert.deepEqual(Object.keys(parseForm({ ...form, to: 'time' }).errors!), ['time']);
    assert.deepEqual(Object.keys(parseForm({ ...form, to: 'offset', offset: '-1' }).errors!), ['offset']);
    assert.deepEqual(Object.keys(parseForm({ ...form, to: 'shift', by: 'x' }).errors!), ['by']);
    assert.deepEqual(Object.keys(parseForm({ ...form, topic: 't', partitions: '3-1' }).errors!), ['partitions']);
    assert.equal(parsePartitions('0-9999999'), undefined);
  });

  test('what was shown is what is done, and can be undone where there was something', () => {
    const resets = [reset(6, 0, 'repeated'), reset(null, 0, 'new', 1), reset(4, 4, 'unchanged', 2)];
    const plan = { resets, repeated: 6, skipped: 0 } as unknown as Reset;
    assert.deepEqual(
      executionOf(plan).offsets!.map(({ offset }) => offset),
      [0, 0, 4],
    );
    assert.deepEqual(undoOf(plan)!.offsets, [{ topic: 'orders', partition: 0, offset: 6 }]);
    assert.equal(undoOf({ resets: [reset(null, 0, 'new')] }), null);
  });

  test('in words', () => {
    const resets = [reset(6, 0, 'repeated'), reset(4, 4, 'unchanged', 1)];
    assert.equal(
      summaryText({ resets, repeated: 6, skipped: 0, executed: true }),
      '1 of 2 partitions moved: at most 6 records read again.',
    );
    assert.match(
      summaryText({ resets: [reset(4, 4, 'unchanged')], repeated: 0, skipped: 0, executed: false }),
      /^Nothing changes/,
    );
    assert.deepEqual(resets.map(effectText), ['6 records repeated', 'unchanged']);
    assert.deepEqual(
      [changeText(resets[0]!), changeText(reset(1, 3, 'skipped')), changeText(reset(null, 3, 'new'))],
      ['-6', '+2', ''],
    );
  });
});
