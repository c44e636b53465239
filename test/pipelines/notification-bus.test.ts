/** The bus when the log fails it: whoever listens hears again once it is back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { socialEventCodec } from '../../src/domains/social/codec.ts';
import type { SocialEvent } from '../../src/domains/social/events.ts';
import { noticeOf } from '../../src/domains/social/notification-notice.ts';
import { SILENT } from '../../src/kit/consumers/consumer-options.ts';
import { KitError } from '../../src/kit/errors.ts';
import { EmbeddedLog } from '../../src/kit/log/embedded/embedded-log.ts';
import { EventPublisher } from '../../src/kit/producers/event-publisher.ts';
import { HighVolumeProducer } from '../../src/kit/producers/high-volume-producer.ts';
import { NotificationBus } from '../../src/pipelines/notification-bus.ts';
import { until } from '../support/until.ts';

const TOPICS = ['content-interactions'];

test('who listens hears again after the log was lost, although another came meanwhile in vain', async () => {
  const log = await EmbeddedLog.open({ directory: null });
  await log.createTopics(TOPICS.map((name) => ({ name, partitions: 1 })));
  const producer = new HighVolumeProducer({ log });
  const publisher = new EventPublisher<SocialEvent>({ codec: socialEventCodec, producer });
  const like = () => publisher.publish({ event_type: 'post_liked', user_id: 'bob', content_id: 'p' });
  let reads: 'pass' | 'lost' = 'pass';
  let described: PromiseWithResolvers<never> | null = null;
  let lost = false;
  const bus = new NotificationBus({
    topics: TOPICS,
    finder: {
      find: async ({ user_id }, { offset }) => [noticeOf('ann', { kind: 'like', id: `p${offset}` }, user_id, '')],
    },
    logger: {
      ...SILENT,
      error() {
        lost = true;
      },
    },
    log: {
      listOffsets: (at) => log.listOffsets(at),
      describe: (topics) => described?.promise ?? log.describe(topics),
      read: async (at) => {
        if (reads === 'lost') throw new KitError('OFFSET_OUT_OF_RANGE', 'gone');
        return log.read(at);
      },
    },
  });
  try {
    const told: string[] = [];
    await bus.subscribe('ann', ({ id }) => told.push(id));
    described = Promise.withResolvers();
    reads = 'lost';
    await like();
    await until(() => lost);
    const other = bus.subscribe('eve', () => {});
    // it is tried again after 50 ms at most, and finds the other at it
    await delay(100);
    told.length = 0;
    reads = 'pass';
    const failing = described;
    described = null;
    failing.reject(new KitError('LOG_UNAVAILABLE', 'not now', { retriable: true }));
    await assert.rejects(other, { code: 'LOG_UNAVAILABLE' });
    await until(async () => {
      await like();
      return told.length > 0;
    });
  } finally {
    bus.close();
    await producer.close({ timeoutMs: 1 });
    await log.close();
  }
});
