/** Notices on their way out: by the bus to who listens, by the webhook at least once; neither delays the lists. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { socialEventCodec } from '../../src/domains/social/codec.ts';
import { type Notice, noticeOf } from '../../src/domains/social/notification-notice.ts';
import { projectNotifications } from '../../src/domains/social/notifications.ts';
import { DeadLetterQueue } from '../../src/kit/dlq/dead-letter-queue.ts';
import { isKitError, KitError } from '../../src/kit/errors.ts';
import { EmbeddedLog } from '../../src/kit/log/embedded/embedded-log.ts';
import { EventPublisher } from '../../src/kit/producers/event-publisher.ts';
import { HighVolumeProducer } from '../../src/kit/producers/high-volume-producer.ts';
import { SqliteProjectionStore } from '../../src/kit/projections/embedded/sqlite-store.ts';
import { NotificationBus } from '../../src/pipelines/notification-bus.ts';
import { deliveryGroupOf, type NotificationSink, startDelivery } from '../../src/pipelines/notification-delivery.ts';
import { NotificationFinder } from '../../src/pipelines/notification-finder.ts';
import { NotificationWebhook } from '../../src/pipelines/notification-webhook.ts';
import { runProjection } from '../../src/pipelines/projection.ts';
import { until } from '../support/until.ts';

const TOPICS = ['user-actions', 'content-interactions'];

async function openScene(opened: AsyncDisposableStack) {
  const keep = <T extends { close(): unknown }>(part: T): T =>
    opened.adopt(part, async (open) => void (await open.close()));
  const log = keep(await EmbeddedLog.open({ directory: null }));
  await log.createTopics(TOPICS.map((name) => ({ name, partitions: 3 })));
  const producer = keep(new HighVolumeProducer({ log }));
  const publisher = new EventPublisher({ codec: socialEventCodec, producer });
  const deadLetters = new DeadLetterQueue({ log, sender: producer });
  const state = keep(await SqliteProjectionStore.open({ path: ':memory:', name: 'notifications' }));
  const projection = {
    name: 'notifications',
    group: 'g.notifications',
    topics: TOPICS,
    store: state,
    project: projectNotifications,
    folded: null,
  } as const;
  const consumer = await runProjection({ log, deadLetters, codec: socialEventCodec, failures: new Map() }, projection);
  opened.adopt(consumer, (running) => running.stop());
  const finder = new NotificationFinder({ state, applied: (position) => consumer.waitFor(position, 5_000) });
  return {
    state,
    deadLetters,
    bus: keep(new NotificationBus({ log, topics: TOPICS, finder })),
    async publish(event_type: string, user_id: string, more: object = {}) {
      await publisher.publish({ event_type, user_id, ...more });
    },
    async deliverTo(sink: NotificationSink) {
      const store = keep(await SqliteProjectionStore.open({ path: ':memory:', name: 'delivery' }));
      const options = { log, topics: TOPICS, store, deadLetters, groupId: 'g', finder, sink };
      return opened.adopt(await startDelivery(options), (running) => running.stop());
    },
  };
}

const short = ({ user_id, kind, actor, content_id }: Notice) => [user_id, kind, actor, content_id].join(' ');

describe('notices', { concurrency: true }, () => {
  it('come to who listens, whichever of post and like is first, and not to others', async () => {
    await using opened = new AsyncDisposableStack();
    const { bus, publish } = await openScene(opened);
    const told: string[] = [];
    const end = await bus.subscribe('ann', (notice) => told.push(short(notice)));
    const other: string[] = [];
    await bus.subscribe('zoe', (notice) => other.push(short(notice)));
    await publish('post_liked', 'bob', { content_id: 'early' });
    await publish('post_created', 'ann', { content_id: 'early' });
    await publish('post_liked', 'ann', { content_id: 'early' });
    await publish('post_created', 'ann', { content_id: 'p' });
    await publish('comment_added', 'cat', { content_id: 'p' });
    await publish('follow_initiated', 'dan', { data: { target_user_id: 'ann' } });
    await until(() => told.length >= 3);
    assert.deepEqual(told.sort(), ['ann comment cat p', 'ann follow dan ', 'ann like bob early']);
    end();
    await publish('follow_initiated', 'eve', { data: { target_user_id: 'ann' } });
    await publish('follow_initiated', 'eve', { data: { target_user_id: 'zoe' } });
    await until(() => other.length > 0);
    assert.deepEqual([told.length, other], [3, ['zoe follow eve ']]);
  });

  it('are what the receiver wants, and not older than a day', async () => {
    await using opened = new AsyncDisposableStack();
    const { bus, publish } = await openScene(opened);
    const told: string[] = [];
    await bus.subscribe('ann', (notice) => told.push(short(notice)));
    await publish('profile_updated', 'ann', { data: { notification_preferences: { follow: false } } });
    await publish('post_created', 'ann', { content_id: 'p' });
    await publish('post_liked', 'old', { content_id: 'p', timestamp: '2026-01-01T00:00:00Z' });
    await publish('follow_initiated', 'bob', { data: { target_user_id: 'ann' } });
    await publish('post_liked', 'cat', { content_id: 'p' });
    await until(() => told.length > 0);
    assert.deepEqual(told, ['ann like cat p']);
  });

  it('wait for a sink that is down, while the lists go on, and none is lost', async () => {
    await using opened = new AsyncDisposableStack();
    const { publish, deliverTo, state, deadLetters } = await openScene(opened);
    let isUp = false;
    let attempts = 0;
    const delivered: string[] = [];
    const running = await deliverTo({
      async deliver(notice) {
        attempts++;
        if (!isUp) throw new KitError('SINK_UNAVAILABLE', 'down', { retriable: true });
        delivered.push(short(notice));
      },
    });
    for (let i = 0; i < 20; i++) await publish('follow_initiated', `u${i}`, { data: { target_user_id: 'ann' } });
    await until(async () => Object.keys((await state.get('who/follow ann')) ?? {}).length === 20 && attempts > 3);
    assert.deepEqual(delivered, []);
    isUp = true;
    await running.caughtUp(10_000);
    assert.deepEqual([...new Set(delivered)].sort(), Array.from({ length: 20 }, (_, i) => `ann follow u${i} `).sort());
    assert.equal(await deadLetters.depth(), 0);
  });

  it('that the sink refuses for good are dead letters of the delivery group, and the others go on', async () => {
    await using opened = new AsyncDisposableStack();
    const { publish, deliverTo, deadLetters } = await openScene(opened);
    const delivered: string[] = [];
    const running = await deliverTo({
      async deliver(notice) {
        if (notice.actor === 'bob') throw new KitError('NOTICE_REFUSED', 'no');
        delivered.push(notice.actor);
      },
    });
    for (const user of ['ann', 'bob', 'cat'])
      await publish('follow_initiated', user, { data: { target_user_id: 'x' } });
    await running.caughtUp(10_000);
    assert.deepEqual(delivered.sort(), ['ann', 'cat']);
    assert.equal(await deadLetters.depth(), 1);
    assert.equal(deliveryGroupOf('g'), 'g.delivery');
  });
});

describe('the webhook', () => {
  const notice = noticeOf('ann', { kind: 'like', id: 'p' }, 'bob', '2026-05-27T14:00:00.000Z');

  async function answering(status: number, body: (url: string, seen: unknown[]) => Promise<void>): Promise<void> {
    const seen: unknown[] = [];
    const server = createServer(async (request, response) => {
      let text = '';
      for await (const chunk of request) text += chunk;
      seen.push([request.method, request.headers['idempotency-key'], JSON.parse(text)]);
      if (status === 0) return;
      response.writeHead(status, { location: 'http://127.0.0.1:1/' }).end('whatever');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      await body(`http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, seen);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }

  it('is sent the notice and its id', () =>
    answering(204, async (url, seen) => {
      await new NotificationWebhook(url).deliver(notice);
      assert.deepEqual(seen, [['POST', notice.id, notice]]);
      assert.match(notice.id, /^[\w-]{22}$/);
    }));

  for (const [status, code] of [
    [500, 'SINK_UNAVAILABLE'],
    [429, 'SINK_UNAVAILABLE'],
    [302, 'NOTICE_REFUSED'],
    [400, 'NOTICE_REFUSED'],
  ] as const)
    it(`that answers ${status} is ${code}`, () =>
      answering(status, (url) =>
        assert.rejects(new NotificationWebhook(url).deliver(notice), (error) => isKitError(error, code)),
      ));

  it('that is silent, or not there, is unavailable', async () => {
    const unavailable = (error: unknown) => isKitError(error, 'SINK_UNAVAILABLE');
    await answering(0, (url) =>
      assert.rejects(new NotificationWebhook(url, { timeoutMs: 50 }).deliver(notice), unavailable),
    );
    await assert.rejects(new NotificationWebhook('http://127.0.0.1:1/').deliver(notice), unavailable);
  });
});
