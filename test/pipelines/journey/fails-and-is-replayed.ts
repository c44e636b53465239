/** The whole journey of one event, on whatever log: it fails three times, is given up, is replayed, and counts. */
import assert from 'node:assert/strict';
import { systemClock } from '../../../src/kit/clock.ts';
import { uuidV7Maker } from '../../../src/kit/schemas/uuid-v7.ts';
import type { JourneyScene } from './journey-scene.ts';

const FAILS = 'a failure planned by the demo';

/** @param scene with three attempts, and engagement, notifications and analytics */
export async function failsAndIsReplayed(scene: JourneyScene): Promise<void> {
  const event_id = uuidV7Maker(systemClock)();
  const content_id = `post-${event_id}`;
  scene.failures.set(event_id, 3);
  const before = Date.now();
  const place = await scene.publish({ event_id, content_id });
  const letterId = `${scene.group}/${place.topic}/${place.partition}/${place.offset}`;
  const dead = await scene.settled(event_id, (journey) => journey.dead_letters.length > 0);
  assert.equal(dead.state, 'POISON_DLQ');
  assert.deepEqual(
    dead.lanes.filter(({ state }) => state !== null).map(({ handler, state }) => [handler, state]),
    [
      ['engagement', 'POISON_DLQ'],
      ['notifications', 'COMMITTED'],
      ['analytics', 'COMMITTED'],
    ],
  );

  const [item] = await scene.deadLetters.replay({ ids: [letterId], execute: true });
  assert.equal(item?.status, 'sent');
  const whole = await scene.settled(event_id, ({ records }) => records.length === 2);
  assert.equal(whole.state, 'COMMITTED');
  assert.deepEqual(
    whole.records.map(({ role, replay_count, offset }) => ({ role, replay_count, offset })),
    [
      { role: 'original', replay_count: 0, offset: place.offset },
      { role: 'replay', replay_count: 1, offset: item!.offset },
    ],
  );
  const own = whole.steps.filter(({ handler }) => handler === null || handler === 'engagement');
  assert.deepEqual(
    own.map(({ kind, attempt }) => [kind, attempt]),
    [
      ['created', null],
      ['stored', null],
      ['failed', 1],
      ['failed', 2],
      ['failed', 3],
      ['dead', 3],
      ['replayed', null],
      ['applied', 1],
    ],
  );
  const times = own.slice(1).map(({ at }) => Date.parse(at));
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
    'in order',
  );
  assert.ok(times[0]! >= before - 1 && times.at(-1)! <= Date.now());
  const [first, second, third] = own.filter(({ kind }) => kind === 'failed');
  assert.equal(first!.reason, FAILS);
  assert.equal(first!.state, 'RETRY_DELAY');
  // the policy waits 0.99 of 60 and 120 ms, and gives up at once after the last attempt
  assert.deepEqual([first!.delay_ms, second!.delay_ms, third!.delay_ms], [60, 119, null]);
  assert.ok(Date.parse(second!.started_at!) >= Date.parse(first!.next_at!), 'tried again when it was due');
  assert.ok(Date.parse(third!.started_at!) >= Date.parse(second!.next_at!));
  const burial = own.find(({ kind }) => kind === 'dead')!;
  assert.deepEqual([burial.code, burial.dead_letter, burial.state], ['RETRIES_EXHAUSTED', letterId, 'POISON_DLQ']);
  const effect = own.at(-1)!;
  assert.equal(effect.batch!.records, 1);
  assert.ok(effect.batch!.duration_ms > 0 && effect.batch!.duration_ms < 1_000);
  assert.deepEqual(
    whole.lanes
      .find(({ handler }) => handler === 'engagement')!
      .fates.map(({ outcome, documents }) => [outcome, documents]),
    [
      ['dead', []],
      ['applied', [content_id]],
    ],
  );
  // the others have counted the first record already, or do not care
  const analytics = whole.lanes.find(({ handler }) => handler === 'analytics')!;
  assert.deepEqual(
    analytics.fates.map(({ outcome }) => outcome),
    ['applied', 'duplicate'],
  );
  const [letter] = whole.dead_letters;
  assert.deepEqual([letter!.replayed, letter!.replayed_at.length, letter!.delivery_count], [true, 1, 3]);
  assert.equal(whole.settled, true);
}
