import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JourneyAnswer } from '../../src/api/journeys.ts';
import { journeyLink } from '../../src/dashboard/journey-link.ts';
import { endToEndMs, journeyPath, stepDetail, stepTitle } from '../../src/dashboard/views/journey/journey-words.ts';
import { relative, type Step, timelineOf } from '../../src/dashboard/views/journey/timeline.ts';

const PLACE = { topic: 't', partition: 0, offset: 7 };
const ZERO = Date.parse('2026-05-27T14:00:00.000Z');
const at = (ms: number) => new Date(ZERO + ms).toISOString();

function step(kind: Step['kind'], ms: number, more: Partial<Step> = {}): Step {
  const nothing = { attempt: null, code: null, reason: null, next_at: null, delay_ms: null, behind: null, batch: null };
  const timed = { at: at(ms), since_stored_ms: ms, started_at: null, duration_ms: null };
  return { kind, state: null, handler: null, ...PLACE, ...nothing, ...timed, dead_letter: null, ...more };
}

function journey(steps: readonly Step[], more: Partial<JourneyAnswer> = {}): JourneyAnswer {
  const fate = { handler: 'engagement', group: 'g', ...PLACE, outcome: 'applied', state: 'COMMITTED', documents: [] };
  return {
    steps,
    settled: true,
    as_of: at(100_000),
    records: [{ ...PLACE, at: at(0), role: 'original', replay_count: 0 }],
    lanes: [
      {
        handler: 'engagement',
        group: 'g',
        topics: ['t'],
        reads: true,
        here: true,
        state: 'COMMITTED',
        fates: [{ ...fate, at: at(1) }],
      },
      { handler: 'feed', group: 'f', topics: ['u'], reads: false, here: true, state: null, fates: [] },
    ],
    ...more,
  } as JourneyAnswer;
}

const ENGAGEMENT = { handler: 'engagement' as const };
const STEPS = [
  step('created', -3_600_000),
  step('stored', 0),
  step('failed', 12, { ...ENGAGEMENT, started_at: at(10), attempt: 1, delay_ms: 60 }),
  step('applied', 80, { ...ENGAGEMENT, started_at: at(75), attempt: 2 }),
];

test('marks keep the order of time, and every gap has room', () => {
  const { lanes, ticks } = timelineOf(journey(STEPS));
  assert.deepEqual(
    lanes.map(({ name }) => name),
    ['log', 'engagement'],
  );
  const [log, engagement] = lanes;
  const marks = [...log!.marks, ...engagement!.marks];
  assert.deepEqual(
    marks.map(({ index }) => index),
    [0, 1, 2, 3],
  );
  const xs = marks.map(({ x }) => x);
  assert.deepEqual(
    xs,
    xs.toSorted((a, b) => a - b),
  );
  assert.equal(xs[0], 0);
  assert.equal(xs.at(-1), 1);
  for (const [index, x] of xs.slice(1).entries()) assert.ok(x - xs[index]! > 0.05, `${xs}`);
  assert.ok(xs[1]! < 0.6, 'an hour does not take all the room');
  assert.deepEqual(
    ticks.map(({ text }) => text),
    ['−1 h', 'stored', '+12 ms', '+80 ms'],
  );
});

test('what is between the marks is waiting, work or delay', () => {
  const [, lane] = timelineOf(journey(STEPS)).lanes;
  assert.deepEqual(
    lane!.segments.map(({ look }) => look),
    ['waiting', 'working', 'delayed', 'working'],
  );
  for (const { from, to } of lane!.segments) assert.ok(to > from);
  const parked = [step('stored', 0), step('parked', 5, { ...ENGAGEMENT, behind: 3 }), step('applied', 9, ENGAGEMENT)];
  assert.deepEqual(
    timelineOf(journey(parked)).lanes[1]!.segments.map(({ look }) => look),
    ['waiting', 'held'],
  );
});

test('one that is under way reaches until now', () => {
  const base = journey(STEPS.slice(0, 3));
  const fate = { ...base.lanes[0]!.fates[0]!, state: 'RETRY_DELAY' as const, outcome: 'retrying' as const };
  const open = journey(STEPS.slice(0, 3), { settled: false, lanes: [{ ...base.lanes[0]!, fates: [fate] }] });
  const { lanes, ticks } = timelineOf(open);
  assert.equal(ticks.at(-1)!.text, 'now');
  assert.deepEqual(lanes[1]!.segments.at(-1)!.look, 'delayed');
  assert.equal(lanes[1]!.segments.at(-1)!.to, 1);
});

test('work that began before its record is drawn from the record on; nothing is NaN', () => {
  const early = [step('stored', 0), step('applied', 3, { ...ENGAGEMENT, started_at: at(-2) })];
  const { lanes } = timelineOf(journey(early));
  assert.deepEqual(lanes[1]!.segments, [{ from: 0, to: 1, look: 'working' }]);
  assert.deepEqual(timelineOf(journey([], { records: [] })), { lanes: [], ticks: [] });
  const alone = timelineOf(journey([step('stored', 0)]));
  assert.deepEqual(alone.ticks, [{ x: 0, text: 'stored' }]);
});

test('steps in words', () => {
  assert.equal(stepTitle(STEPS[2]!), 'attempt 1 failed');
  assert.equal(stepDetail({ ...STEPS[2]!, reason: 'no luck' }), 'no luck; next attempt after 60 ms');
  assert.equal(stepTitle(STEPS[3]!), 'applied by attempt 2');
  assert.equal(relative(61_000), '+1 min 1 s');
  assert.equal(endToEndMs(journey(STEPS)), 80);
});

test('an id, a place, and ids that cannot stand in a path', () => {
  assert.equal(journeyPath('a/b c'), '/api/v1/journeys/a%2Fb%20c');
  assert.equal(journeyPath('user-actions/3/17'), '/api/v1/journeys?position=user-actions%3A3%3A17');
  assert.equal(journeyPath('user-actions:3:17'), '/api/v1/journeys?position=user-actions%3A3%3A17');
  assert.equal(journeyPath('..'), '/api/v1/journeys?event_id=..');
  assert.equal(journeyPath('a', 't:0:1'), '/api/v1/journeys/a?at=t%3A0%3A1');
  assert.equal(journeyPath('a', 'anywhere'), '/api/v1/journeys/a');
  assert.equal(journeyLink('a b', 't:0:1'), '/journey/a%20b?at=t%3A0%3A1');
  assert.equal(journeyLink(null, 't:0:1'), '/journey/t%3A0%3A1');
});
