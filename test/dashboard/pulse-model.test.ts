import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Demo, GroupFlow, Mark, Point, Sample, TopicFlow } from '../../src/api/pulse-sample.ts';
import {
  DEFAULT_DRAFT,
  fieldError,
  isChecking,
  requestOf,
  stepsOf,
  verdictOf,
} from '../../src/dashboard/views/pulse/demo-model.ts';
import { layoutOf, lineWidth, type PlacedNode } from '../../src/dashboard/views/pulse/flow-layout.ts';
import { flowOf, groupState, lagText } from '../../src/dashboard/views/pulse/flow-model.ts';
import { coursesOf, lagCourses, marksWithin, pointsOf, spanOf } from '../../src/dashboard/views/pulse/pulse-series.ts';
import { isUntouched, latencyPair, worstLag } from '../../src/dashboard/views/pulse/pulse-words.ts';
import { DEMO } from '../api/support/fake-platform.ts';
import { group as groupOf, PRODUCER, point as pointOf } from '../pipelines/pulse/reports.ts';

const group = (changes: Parameters<typeof groupOf>[0] = {}) => groupOf(changes) as GroupFlow;
const topic = (name: string, end: number | null, per_second: number | null = 0): TopicFlow => ({
  name,
  partitions: 3,
  end,
  per_second,
});

const HANDLERS = {
  engagement: ['content-interactions'],
  activity: ['user-actions', 'system-events'],
  feed: ['user-actions'],
  sessions: ['system-events'],
} as const;

function sample(changes: Partial<Sample> = {}): Sample {
  return {
    at: '2026-05-27T14:00:00.000Z',
    runtime: { state: 'SYSTEM_STOPPED', cause: null },
    log: {
      mode: 'embedded',
      status: 'healthy',
      brokers: [],
      under_replicated_partitions: 0,
      offline_partitions: 0,
      under_min_isr_partitions: 0,
      controller_id: 0,
    },
    producer: PRODUCER,
    topics: [topic('content-interactions', 10, 5), topic('system-events', 1), topic('user-actions', 4, 2)],
    groups: Object.entries(HANDLERS).map(([handler, topics]) =>
      group({ group: handler, handler: handler as 'feed', topics: [...topics] }),
    ),
    end_to_end: null,
    dead_letters: { depth: 0 },
    demo: null,
    troubles: [],
    ...changes,
  };
}

describe('the map', () => {
  test('has every handler beside what it feeds, and a line for all that is read', () => {
    const { topics, groups, projections, edges, left } = flowOf(sample());
    assert.deepEqual(
      topics.map(({ title }) => title),
      ['user-actions', 'content-interactions', 'system-events'],
    );
    assert.deepEqual(
      groups.map(({ title }) => title),
      ['feed', 'engagement', 'activity', 'sessions'],
      'by what they read, so that few lines cross',
    );
    assert.deepEqual(
      projections.map(({ href }) => href),
      ['/state/feed', '/state/engagement', '/state/activity', '/state/sessions'],
    );
    const reads = edges.filter(({ from }) => from.startsWith('topic ')).map(({ from, to }) => `${from} > ${to}`);
    assert.deepEqual(reads, [
      'topic user-actions > group feed',
      'topic content-interactions > group engagement',
      'topic user-actions > group activity',
      'topic system-events > group activity',
      'topic system-events > group sessions',
    ]);
    assert.equal(left, 0);
  });

  test('shows topics and groups of others while they have members, and counts those without a place', () => {
    const other = group({ group: 'billing', handler: null, topics: ['orders'], members: 2 });
    const gone = group({ group: 'console', handler: null, topics: ['orders'], members: 0, state: 'Empty' });
    const own = sample();
    const { topics, groups, projections, left } = flowOf({
      ...own,
      topics: [...own.topics, topic('orders', 7), topic('orders.dlq', 1), topic('unread', 1)],
      groups: [...own.groups, other, gone],
    });
    assert.ok(topics.some(({ title }) => title === 'orders'));
    assert.ok(!topics.some(({ title }) => title === 'unread' || title === 'orders.dlq'));
    assert.equal(groups.at(-1)?.title, 'billing');
    assert.equal(projections.length, 4);
    assert.equal(left, 1);
  });

  test('tells of dead letters where there are some, and nothing where that is not known', () => {
    const own = sample();
    const dead = {
      ...own,
      topics: [...own.topics, topic('content-interactions.dlq', 3, 1)],
      dead_letters: { depth: 3 },
    };
    const { deadLetters, edges } = flowOf(dead);
    assert.deepEqual([deadLetters?.detail, deadLetters?.kind], ['3 open', 'warn']);
    assert.ok(edges.some(({ from, to }) => from === 'topic content-interactions' && to === 'dead letters'));
    assert.equal(flowOf(sample({ dead_letters: { depth: null } })).deadLetters, null);
  });

  test('says how far behind a group is, and how bad that is', () => {
    assert.equal(lagText({ lag: 0, lag_seconds: 0 }), 'up to date');
    assert.equal(lagText({ lag: 1_200, lag_seconds: 0.4 }), '1.2k behind');
    assert.equal(lagText({ lag: 1_200, lag_seconds: 40 }), '1.2k behind, 40 s');
    assert.equal(lagText({ lag: 5, lag_seconds: null }), '5 behind');
    assert.equal(lagText({ lag: 0, lag_seconds: null }), 'lag not known');
    assert.equal(groupState(group({ handler: null, lag: 0, lag_seconds: null, per_second: null })), 'idle');
    const states = [
      group(),
      group({ per_second: 3 }),
      group({ parked: 1 }),
      group({ lag: 4, lag_seconds: 0.02, per_second: 900, errors_per_second: 8 }),
      group({ per_second: 2, errors_per_second: 8 }),
      group({ lag: 1, lag_seconds: 12 }),
      group({ lag: 1, lag_seconds: 90 }),
      group({ lag: 1, members: 0 }),
      group({ halted: 'stopped' }),
    ].map(groupState);
    assert.deepEqual(states, ['ok', 'busy', 'busy', 'busy', 'warn', 'warn', 'bad', 'bad', 'bad']);
  });

  test('calls nobody up to date who is stopped, or whose store does not answer', () => {
    const halted = (changes: Parameters<typeof groupOf>[0]) => {
      const { groups, projections } = flowOf(sample({ groups: [group(changes)] }));
      return [groups[0]?.detail, projections[0]?.detail, projections[0]?.kind];
    };
    assert.deepEqual(halted({ halted: 'store_unavailable' }), ['store down', 'its store does not answer', 'bad']);
    assert.deepEqual(halted({ halted: 'stopped', lag: 5 }), ['stopped · 5 behind', '', 'ok']);
    assert.deepEqual(halted({ per_second: 2, errors_per_second: 8 }), ['8.0/s fail · up to date', '', 'ok']);
  });

  test('stands within its width, nothing upon anything else, at any width', () => {
    const flow = flowOf(sample({ dead_letters: { depth: 1 } }));
    for (const width of [300, 358, 719, 720, 1_060, 1_700]) {
      const { nodes, height, edges } = layoutOf(flow, width);
      for (const node of nodes) {
        assert.ok(node.x >= 0 && node.x + node.width <= width + 0.01, `${node.id} at ${width}`);
        assert.ok(node.y >= 0 && node.y + node.height <= height, `${node.id} at ${width}`);
      }
      for (const [index, one] of nodes.entries())
        for (const other of nodes.slice(index + 1))
          assert.ok(!overlap(one, other), `${one.id} and ${other.id} at ${width}`);
      assert.ok(edges.length > 0 && edges.every(({ path }) => !path.includes('NaN')));
    }
    assert.ok(lineWidth(null) === 1 && lineWidth(10) < lineWidth(1_000) && lineWidth(1e9) <= 4.5);
  });
});

function overlap(a: PlacedNode, b: PlacedNode): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

describe('courses over time', () => {
  const at = (seconds: number) => new Date(Date.UTC(2026, 4, 27, 14, 0, seconds)).toISOString();
  const points = [0, 30, 60, 90, 119, 120].map(
    (seconds) =>
      pointOf({
        at: at(seconds),
        groups: [
          group({ group: 'a', per_second: 10, lag_seconds: seconds === 90 ? 4 : 0 }),
          group({ group: 'b', per_second: null, lag_seconds: 0.1 }),
        ],
      }) as Point,
  );

  test('of the last minutes alone', () => {
    assert.deepEqual(
      pointsOf(points, '1').map((one) => one.at),
      [60, 90, 119, 120].map(at),
    );
    assert.equal(pointsOf(points, '10').length, 6);
    assert.deepEqual(pointsOf([], '1'), []);
    assert.deepEqual(['1', '10', '7', ''].map(spanOf), ['1', '10', '3', '3']);
  });

  test('what is not known stays unknown; rates of handlers are summed up', () => {
    const { applied, publishP50, times } = coursesOf(points);
    assert.deepEqual([applied[0], publishP50[0], times[1]], [10, null, Date.parse(at(30))]);
    const unknown = pointOf({ groups: [group({ per_second: null })] }) as Point;
    assert.equal(coursesOf([unknown]).applied[0], null);
  });

  test('lag of those that were behind', () => {
    const [course, ...others] = lagCourses(points, 8);
    assert.deepEqual([course?.group, course?.values, others], ['a', [0, 0, 0, 4, 0, 0], []]);
  });

  test('marks that belong to them', () => {
    const mark = (seconds: number): Mark => ({ at: at(seconds), kind: 'demo', text: '', link: null });
    assert.equal(marksWithin([mark(10), mark(100)], coursesOf(pointsOf(points, '1')).times).length, 1);
    assert.deepEqual(marksWithin([mark(10)], []), []);
  });
});

describe("the demo's form", () => {
  test('asks for what the API takes', () => {
    assert.deepEqual(requestOf(DEFAULT_DRAFT), {
      events: 10_000,
      rate_per_second: 2_000,
      poison_share: 0.01,
      real: false,
    });
    assert.equal(requestOf({ ...DEFAULT_DRAFT, seed: '7' })?.seed, 7);
  });

  test('says what is wrong, and asks for nothing then', () => {
    for (const wrong of [
      { events: '' },
      { events: '0' },
      { events: '1.5' },
      { rate: '-1' },
      { poison: '51' },
      { seed: 'x' },
    ]) {
      const draft = { ...DEFAULT_DRAFT, ...wrong };
      assert.match(fieldError(draft, Object.keys(wrong)[0] as 'events')!, /number from/, JSON.stringify(wrong));
      assert.equal(requestOf(draft), null);
    }
  });

  test('tells how far it is', () => {
    const running = { ...DEMO, published: 5_000, applied: 3_000, dead_lettered: 40, parked: 7 } as Demo;
    const [published, processed] = stepsOf(running);
    assert.deepEqual([published?.share, published?.text], [0.5, '5,000 of 10,000']);
    assert.deepEqual(
      [processed?.share, processed?.text],
      [0.304, '3,000 applied, 40 dead-lettered, 7 waiting for a retry'],
    );
    assert.equal(isChecking(running), false);
    assert.equal(isChecking({ ...running, applied: 9_960 }), true);
    assert.equal(stepsOf({ ...running, requested: 0 })[0]?.share, null);
  });

  test('tells how it ended', () => {
    const done = { ...DEMO, state: 'DONE', balanced: true, in_log: 10_000, applied: 9_960, dead_lettered: 40 } as Demo;
    assert.equal(
      verdictOf(done),
      'All 10,000 events are accounted for: 10,000 in the log, 9,960 applied, 40 set aside as dead letters.',
    );
    assert.match(verdictOf({ ...done, balanced: false }), /do not balance/);
    assert.match(verdictOf({ ...done, state: 'FAILED', error: 'gone' }), /failed: gone/);
  });
});

test('nothing has happened only where that is known', () => {
  const empty = { topics: [topic('user-actions', 0), topic('content-interactions', 0), topic('orders', 5)] };
  assert.equal(isUntouched(sample(empty)), true);
  assert.equal(isUntouched(sample({ topics: [] })), false);
  assert.equal(isUntouched(sample({ topics: [topic('user-actions', null)] })), false);
  assert.equal(isUntouched(sample({ ...empty, demo: DEMO as Demo })), false);
  assert.equal(isUntouched(sample()), false);
});

test('two latencies have their unit once where it is one', () => {
  assert.equal(latencyPair(29, 170), '29 / 170 ms');
  assert.equal(latencyPair(106, 1_900), '106 ms / 1.9 s');
  assert.equal(latencyPair(1_900, 130_000), '1.9 s / 2 min 10 s');
  assert.equal(latencyPair(null, undefined), '–');
});

test('who is furthest behind, of the own handlers', () => {
  assert.equal(worstLag([group()]), null);
  const other = group({ handler: null, lag: 9, lag_seconds: 900 });
  const near = group({ handler: 'feed', lag: 900, lag_seconds: 1 });
  const far = group({ handler: 'sessions', lag: 2, lag_seconds: 30 });
  assert.deepEqual(worstLag([other, near, far]), { name: 'sessions', lag: 2, lag_seconds: 30 });
});
