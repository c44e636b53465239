import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConsumerTrace } from '../../../src/kit/consumers/consumer-trace.ts';
import type { LogRecord } from '../../../src/kit/log/event-log.ts';
import { type FateFacts, fateOf } from '../../../src/pipelines/journey/fate.ts';

const AT = { topic: 'content-interactions', partition: 0 };
const RECORD: LogRecord = { ...AT, offset: 5, key: null, value: null, headers: [], timestamp: 1_000 };
const state = (next: number | null) => ({
  ...AT,
  epoch: 1,
  next,
  tallies: { applied: 0, duplicates: 0, dead: 0 },
  parked: 0,
});

function facts(known: Partial<FateFacts>): FateFacts {
  return {
    projection: { name: 'engagement', group: 'g' },
    record: RECORD,
    trace: null,
    state: state(6),
    parked: [],
    earliest: 0,
    letter: undefined,
    unreadable: null,
    repeats: false,
    documents: [],
    ...known,
  };
}

test('what is applied without a time says who has the time, or that nobody has', () => {
  const trace = new ConsumerTrace({ clock: { now: () => 2_000 } });
  assert.match(fateOf(facts({ trace })).note!, /another member of g/);
  trace.claimed(AT, 6);
  assert.match(fateOf(facts({ trace })).note!, /before this process took the partition over/);
  trace.released(AT);
  trace.claimed(AT, 0);
  assert.match(fateOf(facts({ trace })).note!, /too long ago/);
  assert.match(fateOf(facts({ trace, repeats: true })).note!, /applied, or found to be a duplicate/);
});

test('what waits counts what is before it, and says why nothing moves', () => {
  const trace = new ConsumerTrace({ clock: { now: () => 2_000 } });
  const waiting = fateOf(facts({ trace, state: state(2) }));
  assert.deepEqual([waiting.outcome, waiting.state, waiting.lag, waiting.note], ['waiting', 'UNVALIDATED', 3, null]);
  assert.equal(fateOf(facts({ trace, state: undefined, earliest: 1 })).lag, 4);
  trace.paused(AT, 2, new Error('Redis is gone'));
  assert.match(fateOf(facts({ trace, state: state(2) })).note!, /paused since .*: Redis is gone/);
  trace.begun(AT, [RECORD]);
  const underWay = fateOf(facts({ trace, state: state(2) }));
  assert.deepEqual([underWay.outcome, underWay.state, underWay.since_stored_ms], ['processing', 'PROCESSING', 1_000]);
});

test('a transaction tells when, with how many, how long; and when its unusual events are forgotten', () => {
  const trace = new ConsumerTrace({ clock: { now: () => 2_000 }, maxEntries: 1 });
  const note = { record: { ...RECORD, offset: 6 }, eventId: 'x', at: 0, attempt: 1, startedAt: null };
  const notes = [{ ...note, kind: 'dead' as const, code: 'X', reason: 'y' }];
  const chunk = { size: 3, notes, effects: [] };
  trace.stored(AT, { chunk, from: 4, next: 7, duplicates: [], durationMs: 1.5 }, 0);
  const fate = fateOf(facts({ trace, state: state(7) }));
  assert.deepEqual(
    [fate.at, fate.since_stored_ms, fate.batch],
    ['1970-01-01T00:00:02.000Z', 1_000, { records: 3, duration_ms: 1.5 }],
  );
  assert.equal(fate.note, null);
  trace.stored(AT, { chunk: { ...chunk, size: 1 }, from: 7, next: 8, duplicates: [], durationMs: 1 }, 0);
  assert.match(fateOf(facts({ trace, state: state(8) })).note!, /found to be a duplicate/);
});
