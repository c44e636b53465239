/** The webhook of notifications in the journey of an event. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadSettings } from '../../../src/config/settings.ts';
import { DeliveryNotes } from '../../../src/pipelines/delivery-notes.ts';
import { openPlatform } from '../../../src/pipelines/open-platform.ts';
import { until } from '../../support/until.ts';
import { NEVER } from './journey-scene.ts';

test('what was sent to the webhook, how often it was tried, and what it refused', async (t) => {
  const answers: number[] = [503, 503];
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(answers.shift() ?? 204).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  const dataDir = await mkdtemp(join(tmpdir(), 'streamsocial-delivery-'));
  t.after(() => rm(dataDir, { recursive: true, force: true }));
  const env = { STREAMSOCIAL_NOTIFICATIONS_WEBHOOK_URL: url };
  const { settings } = loadSettings({ flags: { dataDir, brokerPort: 'off' }, env });
  const platform = await openPlatform(settings, { consume: true });
  t.after(() => platform.close());
  const follow = async (user_id: string, event: object) => {
    const { event_id } = await platform.publisher.publish({ user_id, ...event });
    const laneOf = async () => {
      const { journey } = await platform.journeys.ofEvent(event_id, { signal: NEVER });
      return { journey, lane: journey.lanes.find(({ handler }) => handler === 'delivery')! };
    };
    return until(
      async () => {
        const found = await laneOf();
        return found.lane.fates[0]?.at != null && found.lane.state !== 'PROCESSING' && found;
      },
      { what: 'the end of the delivery', timeoutMs: 20_000 },
    );
  };
  const followed = { event_type: 'follow_initiated', data: { target_user_id: 'ann' } };

  const late = await follow('bob', followed);
  assert.deepEqual([late.lane.here, late.lane.reads, late.lane.state], [true, true, 'COMMITTED']);
  assert.equal(late.lane.fates[0]!.note, '1 notice accepted by the webhook at attempt 3: follow to ann.');
  const paused = late.journey.steps.filter(({ handler, kind }) => handler === 'delivery' && kind === 'paused');
  assert.deepEqual(
    paused.map(({ code, reason }) => [code, reason]),
    Array(2).fill(['SINK_UNAVAILABLE', 'the webhook of notifications answered 503']),
  );
  assert.equal(late.journey.settled, true);

  const nobody = await follow('ann', { event_type: 'post_created', content_id: 'p' });
  assert.equal(nobody.lane.fates[0]!.note, 'Nobody was to be told of it: nothing was sent to the webhook.');

  answers.push(400);
  const refused = await follow('cat', followed);
  assert.deepEqual([refused.lane.state, refused.lane.fates[0]!.outcome], ['POISON_DLQ', 'dead']);
  assert.match(refused.lane.fates[0]!.note!, /^Tried once at the webhook, and not accepted\./);
  assert.match(refused.lane.fates[0]!.reason!, /status 400/);
});

test('notes of deliveries are bounded, and what they have forgotten they do not claim to know', () => {
  const notes = new DeliveryNotes(2);
  const place = (offset: number) => ({ topic: 't', partition: 0, offset });
  const notice = { id: 'n', user_id: 'ann', kind: 'like', content_id: 'p', actor: 'bob', at: '' } as const;
  for (const offset of [3, 4, 6]) notes.tried(place(offset), [notice], true);
  notes.tried(place(5), [], true);
  assert.equal(notes.textOf(place(3), true), null);
  assert.equal(notes.textOf(place(2), true), null);
  assert.match(notes.textOf(place(4), true)!, /^1 notice accepted by the webhook: like to ann/);
  assert.match(notes.textOf(place(5), true)!, /^Nobody was to be told/);
  assert.equal(notes.textOf(place(7), false), null, 'not yet');
});
