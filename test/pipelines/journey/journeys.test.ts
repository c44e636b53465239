import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '../../kit/consumers/harness.ts';
import { failsAndIsReplayed } from './fails-and-is-replayed.ts';
import { journeyScene, NEVER } from './journey-scene.ts';

test('an event that fails, is retried, given up and replayed: every step, in order, with durations that fit', async (t) => {
  await failsAndIsReplayed(await journeyScene(t));
});

test('a handler that does not run, does not read it, or has not come to it says so', async (t) => {
  const scene = await journeyScene(t, { handlers: ['engagement'] });
  const { event_id } = await scene.publish({});
  const journey = await scene.settled(event_id);
  const lane = (name: string) => journey.lanes.find(({ handler }) => handler === name)!;
  assert.deepEqual([lane('activity').reads, lane('activity').state, lane('activity').fates], [false, null, []]);
  const [waiting] = lane('analytics').fates;
  assert.deepEqual(
    [waiting!.outcome, waiting!.state, waiting!.lag, lane('analytics').here],
    ['waiting', 'UNVALIDATED', 0, false],
  );
  assert.deepEqual([journey.state, journey.settled], ['UNVALIDATED', false]);
});

test('what happened in another process is proved by the position, and the time is not made up', async (t) => {
  const scene = await journeyScene(t, { handlers: ['engagement'] });
  const plain = await scene.publish({});
  const failing = '01970000-0000-7000-8000-000000000002';
  scene.failures.set(failing, 9);
  await scene.publish({ event_id: failing, content_id: 'post_2' });
  await scene.settled(plain.event_id);
  await scene.settled(failing, (journey) => journey.dead_letters.length > 0);
  const seen = (await scene.stranger.ofEvent(plain.event_id, { signal: NEVER })).journey;
  assert.equal(seen.found_by, 'time in the id');
  const [fate] = seen.lanes.find(({ handler }) => handler === 'engagement')!.fates;
  assert.deepEqual([fate!.outcome, fate!.at, fate!.batch], ['applied', null, null]);
  assert.match(fate!.note!, /does not run in this process/);
  assert.deepEqual(
    seen.steps.map(({ kind }) => kind),
    ['created', 'stored'],
  );
  const dead = (await scene.stranger.ofEvent(failing, { signal: NEVER })).journey;
  assert.deepEqual(
    dead.steps.filter(({ handler }) => handler === 'engagement').map(({ kind, attempt }) => [kind, attempt]),
    [
      ['failed', 1],
      ['dead', 3],
    ],
  );
});

test('an event behind a failing one of its key is parked; one that comes twice is a duplicate', async (t) => {
  const scene = await journeyScene(t, { handlers: ['engagement'] });
  const head = '01970000-0000-7000-8000-000000000003';
  scene.failures.set(head, 2);
  const first = await scene.publish({ event_id: head });
  const behind = await scene.publish({});
  const journey = await scene.settled(behind.event_id);
  const kinds = journey.steps.filter(({ handler }) => handler === 'engagement');
  assert.deepEqual(
    kinds.map(({ kind, behind, attempt }) => [kind, behind, attempt]),
    [
      ['parked', first.offset, null],
      ['applied', null, 1],
    ],
  );
  await scene.publish({ event_id: behind.event_id });
  const twice = await scene.settled(behind.event_id, ({ records }) => records.length === 2);
  assert.deepEqual(
    twice.records.map(({ role }) => role),
    ['original', 'repetition'],
  );
  assert.deepEqual(
    twice.lanes.find(({ handler }) => handler === 'engagement')!.fates.map(({ outcome }) => outcome),
    ['applied', 'duplicate'],
  );
});

test('a record that nobody can read has a journey by its place, to its dead letter', async (t) => {
  const scene = await journeyScene(t);
  const sent = await scene.producer.send({
    topic: 'content-interactions',
    partition: 2,
    key: Buffer.from('post_1'),
    value: Buffer.from('{'),
    headers: [],
  });
  const place = { ...sent, topic: 'content-interactions', partition: 2 };
  const follow = async () => (await scene.journeys.ofPlace(place, { signal: NEVER })).journey;
  for (let tries = 0; (await follow()).dead_letters.length === 0; tries++) assert.ok(tries < 2_000);
  const journey = await follow();
  assert.deepEqual([journey.event_id, journey.event, journey.unreadable?.code], [null, null, 'NOT_JSON']);
  assert.equal(journey.state, 'POISON_DLQ');
  await assert.rejects(
    scene.journeys.ofPlace({ ...place, offset: 10_000 }, { signal: NEVER }),
    hasCode('UNKNOWN_EVENT'),
  );
});
