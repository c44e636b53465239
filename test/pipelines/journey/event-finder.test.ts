import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KitError } from '../../../src/kit/errors.ts';
import type { NewRecord } from '../../../src/kit/log/event-log.ts';
import { EventFinder } from '../../../src/pipelines/journey/event-finder.ts';
import { identityOf, idMatcher, timeInId } from '../../../src/pipelines/journey/event-identity.ts';
import { budgetOf, scan } from '../../../src/pipelines/journey/log-scan.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { NEVER, TIME } from './journey-scene.ts';

const TOPIC = 'content-interactions';
const NO_ANSWERS = { answerTo: async () => null };
const EVENT = { event_type: 'post_liked', user_id: 'u_1', content_id: 'post_1', timestamp: TIME };

function record(fields: object, timestamp = 0): NewRecord {
  return {
    key: Buffer.from('post_1'),
    value: Buffer.from(JSON.stringify({ ...EVENT, ...fields })),
    headers: [],
    timestamp,
  };
}

function logWith(records: readonly NewRecord[], partition = 0) {
  const log = new MemoryLog({ [TOPIC]: 2, [`${TOPIC}.dlq`]: 1, 'user-actions': 1 });
  return { log, filled: log.append({ topic: TOPIC, partition, records }) };
}

function finderOf(log: MemoryLog, idempotency: { answerTo(key: string): Promise<string | null> } = NO_ANSWERS) {
  return new EventFinder({ log, traces: () => [], idempotency });
}

test('ids are read from binary and plain records, also where the event is not valid', () => {
  const place = { topic: TOPIC, partition: 1, offset: 7 };
  const binary = {
    ...place,
    ...record({ event_id: 'not this' }),
    headers: [
      ['ce_id', Buffer.from('e-1')],
      ['ce_causationid', Buffer.from('e-0')],
    ] as const,
  };
  assert.deepEqual(identityOf(binary), { eventId: 'e-1', eventType: null, correlationId: null, causationId: 'e-0' });
  const plain = { ...place, ...record({ event_id: 'e-2', user_id: 42, metadata: { correlation_id: 'c' } }) };
  assert.deepEqual(identityOf(plain), {
    eventId: 'e-2',
    eventType: 'post_liked',
    correlationId: 'c',
    causationId: null,
  });
  assert.equal(identityOf({ ...place, ...record({}) }).eventId, `${TOPIC}/1/7`, 'an event without an id has its place');
  assert.equal(identityOf({ ...place, ...record({ user_id: 42 }) }).eventId, null);
  assert.equal(idMatcher('e-1')(binary), true);
  assert.equal(idMatcher('not this')(binary), false, 'what the value says does not count beside a header');
  assert.equal(idMatcher('e-2')(plain), true);
  assert.equal(idMatcher('post_1')(plain), false, 'an id of something else in it');
  assert.equal(timeInId('01970000-0000-7000-8000-000000000001'), 0x019700000000);
  assert.equal(timeInId('01970000-0000-4000-8000-000000000001'), null);
});

test('an event is found by its answer, by the time in its id, and by looking through the log', async () => {
  const now = 1_750_000_000_000;
  const hex = now.toString(16).padStart(12, '0');
  const timed = `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`;
  const { log, filled } = logWith(
    [record({ event_id: 'a' }, 1), record({ event_id: timed }, now + 20), record({}, now + 30)],
    1,
  );
  await filled;
  const finder = finderOf(log, {
    answerTo: async (key) => (key === 'event:a' ? JSON.stringify({ topic: TOPIC, partition: 1, offset: 0 }) : null),
  });
  const byAnswer = await finder.find('a', { signal: NEVER });
  assert.deepEqual([byAnswer.by, byAnswer.places], ['idempotency', [{ topic: TOPIC, partition: 1, offset: 0 }]]);
  const byTime = await finder.find(timed, { signal: NEVER, effort: 'quick' });
  assert.deepEqual([byTime.by, byTime.places.map(({ offset }) => offset)], ['time in the id', [1]]);
  const byPlace = await finder.find(`${TOPIC}/1/2`, { signal: NEVER });
  assert.deepEqual([byPlace.by, byPlace.places.map(({ offset }) => offset)], ['position', [2]]);
  const hint = { topic: TOPIC, partition: 1, offset: 0 };
  assert.equal((await finderOf(log).find('a', { signal: NEVER, hint })).by, 'position');
  const wrong = await finderOf(log).find('a', { signal: NEVER, hint: { ...hint, offset: 2 } });
  assert.equal(wrong.by, 'log', 'a hint is looked at, not believed');
  const stranger = await finderOf(log).find('a', { signal: NEVER });
  assert.equal(stranger.by, 'log');
  assert.deepEqual(
    stranger.searched.map(({ source, complete }) => [source, complete]).find(([source]) => source === 'dead letters'),
    ['dead letters', true],
  );
});

test('what is not found says what was looked at; who asks again has what came since looked at', async () => {
  const { log, filled } = logWith(Array.from({ length: 30 }, (_, n) => record({ event_id: `e-${n}` }, n)));
  await filled;
  const finder = finderOf(log);
  const read = log.read.bind(log);
  let reads = 0;
  log.read = (request) => {
    reads++;
    return read(request);
  };
  await assert.rejects(finder.find('x', { signal: NEVER }), (error: KitError) => {
    assert.equal(error.code, 'UNKNOWN_EVENT');
    const searched = error.details.searched as { source: string; records: number }[];
    assert.equal(searched.find(({ source }) => source === 'log')?.records, 30);
    return error.details.complete === true;
  });
  const before = reads;
  await assert.rejects(finder.find('x', { signal: NEVER }));
  assert.equal(reads, before, 'nothing is read twice');
  await log.append({ topic: TOPIC, partition: 1, records: [record({ event_id: 'x' }, 99)] });
  assert.deepEqual((await finder.find('x', { signal: NEVER })).places, [{ topic: TOPIC, partition: 1, offset: 0 }]);
  await assert.rejects(finderOf(log).find('y', { signal: NEVER, effort: 'quick' }), (error: KitError) => {
    assert.equal(error.details.complete, false, 'a quick look is none through the log');
    return true;
  });
});

test('further finds every record of an id, the older ones too', async () => {
  const { log, filled } = logWith([record({ event_id: 'twice' }, 1), record({}, 2), record({ event_id: 'twice' }, 3)]);
  await filled;
  const finder = finderOf(log);
  const { places } = await finder.find('twice', { signal: NEVER, effort: 'further' });
  assert.deepEqual(places.map(({ offset }) => offset).sort(), [0, 2]);
});

test('a scan keeps to its budget and tells what is left; two of them see everything once', async () => {
  const { log, filled } = logWith(Array.from({ length: 500 }, (_, n) => record({}, n)));
  await filled;
  const spans = [{ topic: TOPIC, partition: 0, from: 0, to: 500 }];
  for (const direction of ['forwards', 'backwards'] as const) {
    const seen: number[] = [];
    const visit = ({ offset }: { offset: number }) => seen.push(offset) === 0;
    const first = await scan(log, direction, spans, budgetOf(120, 10_000, NEVER), visit);
    assert.ok(first.records >= 120 && first.records <= 220, `${first.records}`);
    assert.equal(seen.includes(direction === 'forwards' ? 0 : 499), true);
    const second = await scan(log, direction, first.left, budgetOf(10_000, 10_000, NEVER), visit);
    assert.deepEqual(second.left, []);
    assert.deepEqual(
      seen.toSorted((a, b) => a - b),
      Array.from({ length: 500 }, (_, n) => n),
    );
  }
  const gone = AbortSignal.abort(new KitError('SHUTTING_DOWN', 'gone'));
  await assert.rejects(scan(log, 'forwards', spans, budgetOf(10, 10, gone), () => false));
});

test('so many search at a time, and no more', async () => {
  const { log, filled } = logWith([]);
  await filled;
  const held = Promise.withResolvers<null>();
  const finder = finderOf(log, { answerTo: () => held.promise });
  const searches = Array.from({ length: 8 }, (_, n) => finder.find(`e-${n}`, { signal: NEVER }));
  await assert.rejects(finder.find('one too many', { signal: NEVER }), (error: KitError) => error.retriable);
  held.resolve(null);
  for (const search of searches) await assert.rejects(search, (error: KitError) => error.code === 'UNKNOWN_EVENT');
});
