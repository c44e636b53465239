/** Puts a platform together: ports meet adapters here and nowhere else. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Settings } from '../config/settings.ts';
import { socialEventCodec } from '../domains/social/codec.ts';
import type { SocialEvent } from '../domains/social/events.ts';
import { validateTenCoreEvents } from '../domains/social/taxonomy.ts';
import { socialTopicSpecs } from '../domains/social/topics.ts';
import { ConsumerMeter } from '../kit/consumers/consumer-metrics.ts';
import type { ConsumerLogger } from '../kit/consumers/consumer-options.ts';
import { SILENT } from '../kit/consumers/consumer-options.ts';
import type { RunningConsumer } from '../kit/consumers/run.ts';
import { DeadLetterQueue } from '../kit/dlq/dead-letter-queue.ts';
import { EmbeddedLog } from '../kit/log/embedded/embedded-log.ts';
import type { EventLog } from '../kit/log/event-log.ts';
import { KafkaLog } from '../kit/log/kafka/kafka-log.ts';
import { TopicManager } from '../kit/log/topic-manager.ts';
import type { BrokerTelemetry } from '../kit/monitoring/broker-telemetry.ts';
import { SqliteIdempotencyStore } from '../kit/producers/embedded/sqlite-idempotency-store.ts';
import { EventPublisher } from '../kit/producers/event-publisher.ts';
import { HighVolumeProducer } from '../kit/producers/high-volume-producer.ts';
import type { IdempotencyStore } from '../kit/producers/idempotency-store.ts';
import { RedisIdempotencyStore } from '../kit/producers/redis/redis-idempotency-store.ts';
import { SqliteProjectionStore } from '../kit/projections/embedded/sqlite-store.ts';
import { RedisProjectionStore } from '../kit/projections/redis/redis-store.ts';
import { RetryPolicy } from '../kit/retry/retry-policy.ts';
import { untilApplied } from './applied.ts';
import { demoRunner } from './demo.ts';
import { EngagementConsumer } from './engagement-consumer.ts';
import { healthSource, notWritableBecause } from './health.ts';
import { withLogEnds } from './log-ends.ts';
import type { PlannedFailures } from './planned-failures.ts';
import type { ConsumerReport, Platform } from './platform.ts';
import { type Projection, type ProjectionRun, runProjection } from './projection.ts';
import { reconcile } from './reconciliation.ts';
import { RuntimeController } from './runtime-controller.ts';
import { type ServeWhere, serveLog } from './serve-log.ts';
import { type SocialStores, socialProjections } from './social-projections.ts';

export interface OpenOptions {
  /** Whether this process moves the projections along. */
  readonly consume: boolean;
  readonly logger?: ConsumerLogger;
  /** What whoever launched the brokers knows of them, for `health`. */
  readonly telemetry?: BrokerTelemetry;
  /** Whether the embedded log is opened to clients of Kafka's protocol, where the settings do not say `off`. */
  readonly serve?: ServeWhere;
}

interface Stores extends SocialStores {
  readonly idempotency: IdempotencyStore;
}

const CLOSE_MS = 9_000;
/** Of that, what is kept for closing log and stores; the rest may be taken by what is under way. */
const CLOSE_RESERVE_MS = 1_500;
const MIN_DRAIN_MS = 500;
/** How long the consumers wait for handlers and dead letters when they stop. */
const CONSUMER_GRACE_MS = 2_000;
const KAFKA_REPLICAS = 3;

/** @throws KitError DATA_DIR_LOCKED, LOG_UNAVAILABLE, STORE_UNAVAILABLE, TOPIC_MISMATCH, TAXONOMY_INVALID */
export async function openPlatform(
  settings: Settings,
  { consume, logger = SILENT, telemetry, serve }: OpenOptions,
): Promise<Platform> {
  validateTenCoreEvents();
  // what is open already is closed again when a later part cannot be opened
  await using opened = new AsyncDisposableStack();
  const log = opened.adopt(await openLog(settings), (open) => open.close());
  const served = serve === undefined ? null : await serveLog(log, settings, { where: serve, logger });
  if (served !== null) opened.adopt(served, (broker) => broker.close());
  const topics = new TopicManager(log);
  await ensureTopics(topics, log, settings, logger);
  let closeBy = Number.POSITIVE_INFINITY;
  const drainMs = () => Math.max(MIN_DRAIN_MS, Math.min(CLOSE_MS, closeBy - performance.now()) - CLOSE_RESERVE_MS);
  const producer = opened.adopt(
    new HighVolumeProducer({ log, deliveryTimeoutMs: settings.producerDeliveryTimeoutMs }),
    (open) => open.close({ timeoutMs: Math.round(drainMs()) }),
  );
  const publisher = new EventPublisher<SocialEvent>({ codec: socialEventCodec, producer });
  const stores = await openStores(settings, opened);
  const deadLetters = new DeadLetterQueue({ log, sender: producer });

  const failures: PlannedFailures = new Map();
  const { engagement, activity } = socialProjections(stores, settings.kafkaGroupId);
  const projections = [engagement, activity];
  const controller = new RuntimeController(
    demoRunner({ log, producer, publisher, projections, failures, reconcile: () => reconcile(log, projections) }),
  );
  opened.defer(() => controller.stop());

  const run: ProjectionRun = {
    log,
    deadLetters,
    failures,
    logger,
    retryPolicy: new RetryPolicy({ attempts: settings.consumerRetryAttempts, baseMs: settings.consumerRetryBaseMs }),
    limits: { stopGraceMs: CONSUMER_GRACE_MS },
  };
  const consumers = consume ? await startConsumers(run, engagement, activity, opened) : null;
  for (const consumer of consumers ? [consumers.engagement, consumers.activity] : []) {
    consumer.ended.catch((error: Error) => {
      logger.error({ err: error }, 'a consumer cannot go on');
      controller.fail(error.message);
    });
  }
  const groups = projections.map(({ group }) => group);
  const health = opened.adopt(healthSource(log, settings, groups, telemetry), (source) => source.close());
  // both at once: without a quorum each takes its time
  const stopConsuming = async () => {
    await Promise.all([consumers?.engagement.stop(), consumers?.activity.stop()]);
  };
  const closing = opened.move();
  let closed: Promise<void> | null = null;

  return {
    log,
    broker: served === null ? null : `${served.host}:${served.port}`,
    topics,
    producer,
    publisher,
    deadLetters,
    idempotency: stores.idempotency,
    controller,
    engagement: (contentId) => stores.engagement.get(contentId),
    applied: (position, timeoutMs) =>
      untilApplied(position, timeoutMs, projections, consumers ? [consumers.engagement, consumers.activity] : []),
    async consumerMetrics(): Promise<ConsumerReport> {
      const metrics = consumers?.engagement.metrics() ?? NO_CONSUMER;
      const [dlq_depth, upToDate] = await Promise.all([deadLetters.depth(), withLogEnds(metrics, log)]);
      return { ...upToDate, dlq_depth };
    },
    health: () => health.report(),
    async notReadyBecause() {
      const reasons: string[] = [];
      if (controller.state === 'SYSTEM_ERROR') reasons.push(controller.cause ?? 'the system is in error');
      const unready = notWritableBecause(await health.report());
      if (unready !== null) reasons.push(unready);
      const { stalledSinceMs, lastErrorCode } = producer.health();
      if (stalledSinceMs !== null)
        reasons.push(`nothing is acknowledged since ${new Date(stalledSinceMs).toISOString()} (${lastErrorCode})`);
      await stores.engagement.partitions().catch((cause: Error) => reasons.push(cause.message));
      return reasons;
    },
    reconcile: () => reconcile(log, projections),
    stopConsuming,
    close(timeoutMs = CLOSE_MS) {
      closeBy = Math.min(closeBy, performance.now() + timeoutMs);
      closed ??= stopConsuming().then(() => closing.disposeAsync());
      return closed;
    },
  };
}

const NO_CONSUMER = new ConsumerMeter().report({ uptimeMs: 0, running: false, parked: 0, partitions: [] });

function openLog(settings: Settings): Promise<EventLog> {
  if (settings.log === 'kafka')
    return KafkaLog.connect({ bootstrap: settings.kafkaBootstrap, clientId: 'streamsocial' });
  return EmbeddedLog.open({ directory: join(settings.dataDir, 'log') });
}

async function ensureTopics(
  topics: TopicManager,
  log: EventLog,
  settings: Settings,
  logger: ConsumerLogger,
): Promise<void> {
  const { brokers } = await log.describe([]);
  const replicas = log.kind === 'kafka' ? Math.min(KAFKA_REPLICAS, brokers.length) : 1;
  const { created, warnings } = await topics.ensure(socialTopicSpecs(settings.preset, replicas));
  if (created.length > 0) logger.info({ created }, 'topics created');
  for (const warning of warnings) logger.warn(warning, 'a topic is not as the preset asks');
}

async function openStores(settings: Settings, opened: AsyncDisposableStack): Promise<Stores> {
  const window = { windowMs: settings.consumerDedupHours * 3_600_000, maxIdsPerPartition: 1_000_000 };
  const keep = <T extends { close(): Promise<void> }>(store: T): T => opened.adopt(store, (open) => open.close());
  if (settings.log === 'kafka') {
    const address = { host: settings.redisHost, port: settings.redisPort, db: settings.redisDb };
    return {
      engagement: keep(await RedisProjectionStore.open({ ...address, name: 'engagement', window })),
      activity: keep(await RedisProjectionStore.open({ ...address, name: 'activity', window })),
      idempotency: keep(await RedisIdempotencyStore.open(address)),
    };
  }
  const directory = join(settings.dataDir, 'projections');
  mkdirSync(directory, { recursive: true });
  const path = (name: string) => join(directory, `${name}.db`);
  return {
    engagement: keep(await SqliteProjectionStore.open({ path: path('engagement'), name: 'engagement', window })),
    activity: keep(await SqliteProjectionStore.open({ path: path('activity'), name: 'activity', window })),
    idempotency: keep(await SqliteIdempotencyStore.open({ path: path('idempotency') })),
  };
}

async function startConsumers(
  run: ProjectionRun,
  engagement: Projection,
  activity: Projection,
  opened: AsyncDisposableStack,
): Promise<{ engagement: EngagementConsumer; activity: RunningConsumer }> {
  return {
    engagement: opened.adopt(await EngagementConsumer.start(run, engagement), (consumer) => consumer.stop()),
    activity: opened.adopt(await runProjection(run, activity), (consumer) => consumer.stop()),
  };
}
