/** How notices leave the system: the bus for those in this process who listen, the webhook where one is set. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Settings } from '../config/settings.ts';
import { ConsumerTrace } from '../kit/consumers/consumer-trace.ts';
import type { RunningConsumer } from '../kit/consumers/run.ts';
import type { PartitionOffset } from '../kit/log/event-log.ts';
import { SqliteProjectionStore } from '../kit/projections/embedded/sqlite-store.ts';
import type { ProjectionStore } from '../kit/projections/projection-store.ts';
import { RedisProjectionStore } from '../kit/projections/redis/redis-store.ts';
import { DeliveryNotes } from './delivery-notes.ts';
import { identityOf } from './journey/event-identity.ts';
import type { Follower } from './journey/journeys.ts';
import { NotificationBus } from './notification-bus.ts';
import { deliveryGroupOf, startDelivery } from './notification-delivery.ts';
import { NotificationFinder } from './notification-finder.ts';
import { NotificationWebhook } from './notification-webhook.ts';
import { deduplicationWindow } from './open-stores.ts';
import type { Projection, ProjectionRun } from './projection.ts';

const APPLIED_TIMEOUT_MS = 5_000;

export interface OpenNotifications {
  readonly bus: NotificationBus;
  /** Null where this process delivers nothing. */
  readonly delivery: RunningConsumer | null;
  /** For journeys; null where no webhook is set. */
  readonly follower: Follower | null;
}

/** @param opened closes them */
export async function openNotifications(
  settings: Settings,
  { log, deadLetters, logger, limits }: ProjectionRun,
  /** That of notifications. */
  { store: state, topics }: Projection,
  applied: (position: PartitionOffset, timeoutMs: number) => Promise<void>,
  options: { readonly consume: boolean; readonly opened: AsyncDisposableStack },
): Promise<OpenNotifications> {
  const finder = new NotificationFinder({ state, applied: (position) => applied(position, APPLIED_TIMEOUT_MS) });
  const logged = logger === undefined ? {} : { logger };
  const bus = options.opened.adopt(new NotificationBus({ log, topics, finder, ...logged }), (open) => open.close());
  const { notificationsWebhookUrl: url, kafkaGroupId: groupId } = settings;
  if (url === null) return { bus, delivery: null, follower: null };
  const store = options.opened.adopt(await openStore(settings), (open) => open.close());
  const seen: Follower = { name: 'delivery', group: deliveryGroupOf(groupId), topics, store, deduplicate: false };
  if (!options.consume || !settings.consumerHandlers.includes('notifications'))
    return { bus, delivery: null, follower: seen };
  const trace = new ConsumerTrace({ idOf: (record) => identityOf(record).eventId });
  const notes = new DeliveryNotes();
  const bounded = limits === undefined ? {} : { limits };
  const sink = new NotificationWebhook(url);
  const delivery = await startDelivery({
    log,
    topics,
    store,
    deadLetters,
    groupId,
    finder,
    sink,
    notes,
    trace,
    ...logged,
    ...bounded,
  });
  return {
    bus,
    delivery: options.opened.adopt(delivery, (running) => running.stop()),
    follower: { ...seen, trace, textOf: (place, isDone) => notes.textOf(place, isDone) },
  };
}

/** Of positions alone. */
function openStore(settings: Settings): Promise<ProjectionStore> {
  const how = { name: 'delivery', window: deduplicationWindow(settings) };
  if (settings.log === 'kafka') {
    const { redisHost: host, redisPort: port, redisDb: db } = settings;
    return RedisProjectionStore.open({ host, port, db, ...how });
  }
  const directory = join(settings.dataDir, 'projections');
  mkdirSync(directory, { recursive: true });
  return SqliteProjectionStore.open({ path: join(directory, 'delivery.db'), ...how });
}
