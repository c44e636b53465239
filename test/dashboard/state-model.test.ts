import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RebuildJson } from '../../src/api/projections.ts';
import {
  changeText,
  differenceText,
  fieldRows,
  isOutdated,
  kindName,
  kindOfKey,
  valueText,
} from '../../src/dashboard/views/state/document-model.ts';
import {
  bodyOf,
  differenceRows,
  phaseText,
  progressOf,
  stateKindOf,
} from '../../src/dashboard/views/state/rebuild-model.ts';
import {
  activityBars,
  axisOf,
  keyStep,
  momentOf,
  stepped,
  zoomed,
} from '../../src/dashboard/views/state/time-model.ts';

const KIND = {
  prefix: '',
  id: 'content',
  about: '',
  fields: {
    likes: { label: 'Likes', type: 'count', unit: 'events' },
    last_updated: { label: 'Latest event', type: 'time' },
  },
  entries: null,
} as const;

describe('times on the axis', () => {
  const axis = { from: 1_000_000, to: 9_000_000 };

  it('reads what is typed, and nothing else', () => {
    assert.equal(momentOf('2026-05-27T14:03:07.120Z'), Date.UTC(2026, 4, 27, 14, 3, 7, 120));
    assert.equal(momentOf(' 2026-05-27 14:03+02:00 '), Date.UTC(2026, 4, 27, 12, 3));
    assert.equal(momentOf('2026-05-27 14:03:07'), new Date(2026, 4, 27, 14, 3, 7).getTime());
    for (const text of ['', 'now', '14:03', '2026-05-27', '2026-13-27T14:03:07Z', '1748354587'])
      assert.equal(momentOf(text), null, text);
  });

  it('steps by a minute, an hour and an event, and not beyond the ends', () => {
    const at = 5_000_000;
    const none = { previous: null, next: null };
    const near = { previous: 4_999_990, next: 5_000_007 };
    assert.equal(stepped(at, 'minute', true, axis, none), at - 60_000);
    assert.equal(stepped(at, 'hour', false, axis, none), at + 3_600_000);
    assert.equal(stepped(axis.to - 5, 'hour', false, axis, none), axis.to);
    assert.equal(stepped(axis.to, 'hour', false, axis, none), null);
    assert.deepEqual(
      [true, false].map((back) => stepped(at, 'event', back, axis, near)),
      [4_999_990, 5_000_008],
    );
    assert.equal(stepped(at, 'event', true, axis, none), null);
    assert.deepEqual(keyStep('ArrowLeft', true), { step: 'minute', back: true });
    assert.deepEqual(keyStep('ArrowUp', false), { step: 'event', back: false });
    assert.equal(keyStep('Home', false), null);
  });

  it('zooms about a time and stays within the axis', () => {
    assert.deepEqual(zoomed(axis, 5_000_000), { from: 4_500_000, to: 5_500_000 });
    assert.deepEqual(zoomed(axis, axis.to), { from: 8_000_000, to: 9_000_000 });
    const same = { from: '2026-05-27T14:00:00Z', to: '2026-05-27T14:00:00Z' };
    const { from, to } = axisOf(same);
    assert.ok(to > from);
    const bars = activityBars({ from: same.from, bucket_ms: 10, counts: [0, 4, 1] });
    assert.deepEqual(
      bars.map(({ from: start, height }) => [start - from, height]),
      [
        [0, 0],
        [10, 1],
        [20, 0.5],
      ],
    );
  });
});

describe('a row', () => {
  it('is compared field by field', () => {
    const now = { likes: 5, last_updated: '2026-05-27T14:00:00.000Z', extra: 'b' };
    const past = { likes: 2, last_updated: '2026-05-27T13:58:30.000Z', gone: 1 };
    const rows = fieldRows(now, past, KIND);
    assert.deepEqual(
      rows.map((row) => [row.field, row.type, differenceText(row)]),
      [
        ['likes', 'count of events', '+3'],
        ['last_updated', 'time', '1 min 30 s later'],
        ['extra', 'text', 'new since'],
        ['gone', 'count', 'gone since'],
      ],
    );
    assert.ok(fieldRows(now, undefined, KIND).every(({ differs }) => !differs));
    assert.deepEqual(fieldRows(null, null, KIND), []);
    assert.deepEqual(
      fieldRows(null, { likes: 1 }, KIND).map((row) => [row.now, row.past, row.differs]),
      [[null, 1, true]],
    );
  });

  it('is written by type', () => {
    assert.equal(valueText(12_345, 'count'), '12,345');
    assert.equal(valueText('12 3', 'count and error'), '12 (at most 3 too high)');
    assert.equal(valueText('12 0', 'count and error'), '12');
    assert.match(valueText('2026-05-27T14:00:00.000Z author', 'time and text'), /^2026-05-27 .* · author$/);
    assert.equal(valueText('<b>', 'text'), '<b>');
    assert.equal(changeText({ field: 'likes', before: null, after: 1 }), 'likes 1');
    assert.equal(changeText({ field: 'likes', before: 1, after: 2 }), 'likes 1 → 2');
    assert.equal(changeText({ field: 'likes', before: 2, after: null }), 'likes 2 → gone');
  });

  it('is outdated where what was listed has left it otherwise', () => {
    const place = {
      topic: 't',
      partition: 0,
      event_id: 'e',
      event_type: 'x',
      user_id: 'u',
      event_time: '',
      field_count: 1,
    };
    const changes = [
      { ...place, at: 3, offset: 2, fields: [{ field: 'likes', before: 1, after: 2 }] },
      { ...place, at: 2, offset: 1, fields: [{ field: 'views', before: null, after: 1 }] },
      { ...place, at: 1, offset: 0, fields: [{ field: 'likes', before: null, after: 1 }] },
    ];
    assert.equal(isOutdated(changes, { likes: 2, views: 1, more: 1 }), false);
    assert.equal(isOutdated(changes, { likes: 2, views: 2 }), true);
    assert.equal(isOutdated(changes, null), true);
    assert.equal(isOutdated([], null), false);
  });

  it('is of the kind with the longest prefix', () => {
    const kinds = [
      { prefix: '', id: 'content' },
      { prefix: 'who/', id: 'x' },
      { prefix: 'who/like ', id: 'content' },
      { prefix: 'celebrities', id: null },
    ];
    assert.equal(kindOfKey(kinds, 'who/like a')?.prefix, 'who/like ');
    assert.equal(kindOfKey(kinds, 'celebrities')?.id, null);
    assert.equal(kindOfKey(kinds.slice(1), 'post'), null);
    assert.deepEqual(kinds.map(kindName), ['<content>', 'who/<x>', 'who/like <content>', 'celebrities']);
  });
});

describe('a rebuild', () => {
  const report: RebuildJson = {
    id: '1',
    projection: 'engagement',
    state: 'RUNNING',
    phase: 'folding',
    shadow: true,
    started_at: '2026-05-27T14:00:00Z',
    ended_at: null,
    folded: 2_000,
    behind: 8_000,
    total: 10_000,
    decide_by: null,
    version: null,
    swapped: false,
    paused_ms: null,
    from_snapshot: null,
    comparison: null,
    error: null,
  };
  const later = Date.parse(report.started_at) + 2_000;

  it('tells how far it is and how long it takes', () => {
    assert.deepEqual(progressOf(report, later), {
      share: 0.2,
      text: '2,000 of 10,000 records folded, 1,000 records/s, about 8.0 s left',
    });
    assert.deepEqual(progressOf({ ...report, total: null }, later), { share: null, text: '2,000 records folded' });
  });

  it('is asked for by what was chosen', () => {
    const options = { keep: true, incomplete: false, from: '' };
    assert.deepEqual(bodyOf({ ...options, way: 'compare' }), { shadow: true, diff: true, ask: true, keep: true });
    assert.deepEqual(bodyOf({ ...options, way: 'beside' }), { shadow: true, keep: true });
    assert.deepEqual(bodyOf({ way: 'in place', keep: true, incomplete: true, from: 'x' }), {
      execute: true,
      incomplete: true,
      from: 'x',
    });
  });

  it('says where it is, and what differs', () => {
    const waiting: RebuildJson = { ...report, phase: 'deciding', decide_by: '2026-05-27T14:10:00Z' };
    assert.deepEqual([stateKindOf(report), stateKindOf(waiting)], ['busy', 'warn']);
    assert.match(phaseText(waiting), /until you decide/);
    assert.match(phaseText({ ...report, state: 'DONE', swapped: true, version: 3 }), /version 3 is live/);
    assert.match(phaseText({ ...report, state: 'CANCELLED' }), /live version is as it was/);
    const differences = [
      { key: 'a', live: { likes: 1, views: 2 }, rebuilt: { likes: 3, views: 2 } },
      { key: 'b', live: null, rebuilt: { likes: 1 } },
    ];
    assert.deepEqual(differenceRows({ comparison: { compared: 9, differing: 2, differences } }), [
      { key: 'a', field: 'likes', live: 1, rebuilt: 3 },
      { key: 'b', field: 'likes', live: null, rebuilt: 1 },
    ]);
  });
});
