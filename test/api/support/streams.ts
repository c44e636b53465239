/** An API over an embedded log in memory, and WebSocket clients of it. */
import { buildApi } from '../../../src/api/build-api.ts';
import type { StreamLimits } from '../../../src/api/stream-limits.ts';
import { socialEventCodec } from '../../../src/domains/social/codec.ts';
import type { SocialEvent } from '../../../src/domains/social/events.ts';
import { noticeOf } from '../../../src/domains/social/notification-notice.ts';
import { SOCIAL_TOPICS, socialTopicSpecs } from '../../../src/domains/social/topics.ts';
import { DeadLetterQueue } from '../../../src/kit/dlq/dead-letter-queue.ts';
import { EmbeddedLog } from '../../../src/kit/log/embedded/embedded-log.ts';
import type { EventLog } from '../../../src/kit/log/event-log.ts';
import { EmbeddedHealth } from '../../../src/kit/monitoring/embedded-health.ts';
import { EventPublisher } from '../../../src/kit/producers/event-publisher.ts';
import { HighVolumeProducer } from '../../../src/kit/producers/high-volume-producer.ts';
import { NotificationBus } from '../../../src/pipelines/notification-bus.ts';
import type { Platform } from '../../../src/pipelines/platform.ts';
import { Pulse } from '../../../src/pipelines/pulse/pulse.ts';
import { StreamClient } from '../../support/stream-client.ts';
import { FakePlatform } from './fake-platform.ts';

export interface StreamOptions {
  readonly authToken?: string;
  readonly host?: string;
  readonly limits?: Partial<StreamLimits>;
  /** What the API sees of the log. */
  readonly seen?: (log: EmbeddedLog) => EventLog;
}

/** Close what comes back with `await using`. */
export async function openStreams({ authToken, host = '127.0.0.1', limits, seen = (log) => log }: StreamOptions = {}) {
  const log = await EmbeddedLog.open({ directory: null });
  await log.createTopics(socialTopicSpecs());
  const producer = new HighVolumeProducer({ log });
  const publisher = new EventPublisher<SocialEvent>({ codec: socialEventCodec, producer });
  // who is liked is told, by a rule of the test's own
  const find = async (event: SocialEvent) =>
    event.event_type === 'post_liked'
      ? [
          noticeOf(
            `owner_of_${event.content_id}`,
            { kind: 'like', id: event.content_id },
            event.user_id,
            event.timestamp,
          ),
        ]
      : [];
  const notifications = new NotificationBus({ log, topics: SOCIAL_TOPICS, finder: { find } });
  const fake = new FakePlatform();
  fake.pulse.close();
  const watched = new EmbeddedHealth({ log, groups: [], maxAgeMs: 0 });
  const pulse = new Pulse({
    log,
    producer,
    controller: fake.controller,
    deadLetters: new DeadLetterQueue({ log, sender: producer }),
    store: async () => [],
    own: () => [],
    health: () => watched.report(),
    rebuild: () => null,
  });
  const platform = Object.assign(fake, { log: seen(log), producer, publisher, notifications, pulse });
  const app = buildApi({
    platform: platform as unknown as Platform,
    settings: { host, port: 0, authToken: authToken ?? null, mode: 'embedded' },
    ...(limits === undefined ? {} : { streamLimits: limits }),
  });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  let clients: StreamClient[] = [];
  return {
    app,
    log,
    pulse,
    controller: fake.controller,
    url,
    streamUrl: `${url.replace('http', 'ws')}/api/v1/stream`,
    /** Partition and offset of the event. */
    publish: (event: Record<string, unknown>) => publisher.publish({ user_id: 'u_1', ...event }),
    like: (content: string, user = 'u_1', data = {}) =>
      publisher.publish({ event_type: 'post_liked', user_id: user, content_id: content, data }),
    async connect(): Promise<StreamClient> {
      const client = await StreamClient.connect(`${url.replace('http', 'ws')}/api/v1/stream`);
      clients.push(client);
      return client;
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.socket.terminate();
      clients = [];
      await app.close();
      notifications.close();
      await platform.close();
      await producer.close({ timeoutMs: 1 });
      await log.close();
    },
  };
}
