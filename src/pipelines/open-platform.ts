/** Puts a platform together: ports meet adapters here and nowhere else. */
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
import type { LogAdmin } from '../kit/log/log-admin.ts';
import { TopicManager } from '../kit/log/topic-manager.ts';
import type { BrokerTelemetry } from '../kit/monitoring/broker-telemetry.ts';
import { EventPublisher } from '../kit/producers/event-publisher.ts';
import { HighVolumeProducer } from '../kit/producers/high-volume-producer.ts';
import { RetryPolicy } from '../kit/retry/retry-policy.ts';
import { untilApplied } from './applied.ts';
import { demoRunner } from './demo.ts';
import { EngagementConsumer } from './engagement-consumer.ts';
import { exceptUnreadable } from './except-unreadable.ts';
import { openFailures } from './failures.ts';
import { GroupWatch } from './groups/group-watch.ts';
import { openGroups } from './groups/open-groups.ts';
import { healthSource, notWritableBecause } from './health.ts';
import { Journeys } from './journey/journeys.ts';
import { withLogEnds } from './log-ends.ts';
import { deliveryGroupOf } from './notification-delivery.ts';
import { openNotifications } from './open-notifications.ts';
import { openStores } from './open-stores.ts';
import type { PlannedFailures } from './planned-failures.ts';
import type { ConsumerReport, Platform } from './platform.ts';
import { type Projection, type ProjectionName, type ProjectionRun, runProjection } from './projection.ts';
import { openPulse } from './pulse/open-pulse.ts';
import { reactions } from './reactions.ts';
import { openPast } from './rebuild-parts.ts';
import { GivenUpReading } from './rebuild-set-aside.ts';
import { reconcile } from './reconciliation.ts';
import { RuntimeController } from './runtime-controller.ts';
import { Search } from './search.ts';
import { type ServeWhere, serveLog } from './serve-log.ts';
import { sharedDecoding } from './shared-decoding.ts';
import { socialProjections } from './social-projections.ts';

export interface OpenOptions {
  /** Whether this process moves the projections along. */
  readonly consume: boolean;
  readonly logger?: ConsumerLogger;
  /** What whoever launched the brokers knows of them, for `health`. */
  readonly telemetry?: BrokerTelemetry;
  /** Whether the embedded log is opened to clients of Kafka's protocol, where the settings do not say `off`. */
  readonly serve?: ServeWhere;
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
  const broker = served === null ? null : `${served.host}:${served.port}`;
  const admin = lazyAdmin(log.kind === 'kafka' ? settings.kafkaBootstrap : broker === null ? null : [broker], opened);
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
  const { engagement, activity } = socialProjections(stores.projections, settings.kafkaGroupId);
  const projections = [engagement, activity];
  const reacting = reactions(stores.projections, settings.kafkaGroupId);
  const reconcileAll = () => reconcile(log, projections, reacting);
  const controller = new RuntimeController(
    demoRunner({ log, producer, publisher, projections, reactions: reacting, failures, reconcile: reconcileAll }),
  );
  opened.defer(() => controller.stop());

  const all = [...projections, ...reacting];
  const run: ProjectionRun = {
    log,
    givenUp: new GivenUpReading(log, all),
    codec: sharedDecoding(socialEventCodec),
    deadLetters,
    failures,
    traces: new Map(),
    logger,
    retryPolicy: new RetryPolicy({ attempts: settings.consumerRetryAttempts, baseMs: settings.consumerRetryBaseMs }),
    limits: { stopGraceMs: CONSUMER_GRACE_MS },
  };
  const consumers: Consumers = consume
    ? await startConsumers(run, settings.consumerHandlers, projections, reacting, opened)
    : new Map();
  for (const [name, consumer] of consumers) {
    consumer.ended.catch((error: Error) => {
      logger.error({ projection: name, err: error }, 'a consumer cannot go on');
      controller.fail(`${name}: ${error.message}`);
    });
  }
  const applied: Platform['applied'] = (position, timeoutMs, name) =>
    untilApplied(
      position,
      timeoutMs,
      name === undefined ? projections : all.filter((one) => one.name === name),
      consumers,
    );
  const { bus, delivery, follower } = await openNotifications(
    settings,
    run,
    reacting.find(({ name }) => name === 'notifications')!,
    (position, timeoutMs) => applied(position, timeoutMs, 'notifications'),
    { consume, opened },
  );
  delivery?.ended.catch((error: Error) => controller.fail(`delivery: ${error.message}`));
  const groups = all.map(({ group }) => group);
  if (delivery !== null) groups.push(deliveryGroupOf(settings.kafkaGroupId));
  const handlers: Platform['handlers'] = () =>
    all.flatMap(({ name, group }) => {
      const metrics = consumers.get(name)?.metrics();
      return metrics === undefined ? [] : [{ name, group, metrics }];
    });
  const watch = new GroupWatch({ groupId: settings.kafkaGroupId, handlers });
  const health = opened.adopt(await healthSource(log, settings, groups, { telemetry, onGroups: watch.saw }), (source) =>
    source.close(),
  );
  // all at once: without a quorum each takes its time
  const stopConsuming = async () => {
    await Promise.all([delivery?.stop(), ...[...consumers.values()].map((consumer) => consumer.stop())]);
  };
  const past = openPast({ log, codec: socialEventCodec, projections: all, stores, settings, logger, opened });
  const failing = openFailures({
    log,
    producer,
    publisher,
    deadLetters,
    projections: all,
    planned: failures,
    attempts: settings.consumerRetryAttempts,
    ownedPartitions: () =>
      consumers
        .get('engagement')
        ?.metrics()
        .partitions.map(({ partition }) => partition) ?? [],
    opened,
  });
  const pulse = openPulse({
    log,
    producer,
    controller,
    deadLetters,
    projections: all,
    consumers,
    delivery: delivery === null ? null : { group: deliveryGroupOf(settings.kafkaGroupId), consumer: delivery },
    store: () => stores.projections.engagement.partitions(),
    health: () => health.report(),
    rebuild: () => past.rebuilds.latest(),
    opened,
  });
  const { projections: state, idempotency } = stores;
  const journeys = new Journeys({
    ...{ log, projections: all, deadLetters, idempotency, traces: run.traces ?? new Map() },
    followers: follower === null ? [] : [follower],
  });
  const search = new Search({
    log,
    codec: run.codec,
    state,
    projections: all,
    deadLetters,
    finder: journeys.finder,
    health: () => health.report(),
  });
  const closing = opened.move();
  let closed: Promise<void> | null = null;

  return {
    log,
    broker,
    admin,
    topics,
    producer,
    publisher,
    deadLetters,
    idempotency: stores.idempotency,
    controller,
    state: stores.projections,
    projections: all,
    ...past,
    failures: failing,
    journeys,
    search,
    applied,
    notifications: bus,
    async consumerMetrics(): Promise<ConsumerReport> {
      const metrics = consumers.get('engagement')?.metrics() ?? NO_CONSUMER;
      const [dlq_depth, upToDate] = await Promise.all([deadLetters.depth(), withLogEnds(metrics, log)]);
      return { ...upToDate, dlq_depth };
    },
    handlers,
    groups: openGroups({ log, admin, watch, health, settings, projections: all, ...past }),
    pulse,
    health: () => health.report(),
    lookAgain: () => health.lookAgain(),
    async notReadyBecause() {
      const reasons: string[] = [];
      if (controller.state === 'SYSTEM_ERROR') reasons.push(controller.cause ?? 'the system is in error');
      const unready = notWritableBecause(await health.report());
      if (unready !== null) reasons.push(unready);
      const { stalledSinceMs, lastErrorCode } = producer.health();
      if (stalledSinceMs !== null)
        reasons.push(`nothing is acknowledged since ${new Date(stalledSinceMs).toISOString()} (${lastErrorCode})`);
      await stores.projections.engagement.partitions().catch((cause: Error) => reasons.push(cause.message));
      return reasons;
    },
    reconcile: reconcileAll,
    stopConsuming,
    close(timeoutMs = CLOSE_MS) {
      closeBy = Math.min(closeBy, performance.now() + timeoutMs);
      closed ??= stopConsuming().then(() => closing.disposeAsync());
      return closed;
    },
  };
}

const NO_CONSUMER = new ConsumerMeter().report({ uptimeMs: 0, running: false, parked: 0, partitions: [] });

/** The client of Kafka is loaded where it is used: without it a process is up a third sooner. */
async function openLog(settings: Settings): Promise<EventLog> {
  if (settings.log !== 'kafka') return EmbeddedLog.open({ directory: join(settings.dataDir, 'log') });
  const { KafkaLog } = await import('../kit/log/kafka/kafka-log.ts');
  return KafkaLog.connect({ bootstrap: settings.kafkaBootstrap, clientId: 'streamsocial' });
}

/** @param opened closes it */
function lazyAdmin(bootstrap: readonly string[] | null, opened: AsyncDisposableStack): () => Promise<LogAdmin> | null {
  if (bootstrap === null) return () => null;
  let admin: Promise<LogAdmin> | null = null;
  opened.defer(async () => (await admin)?.close());
  const open = async (): Promise<LogAdmin> => {
    const { KafkaAdmin } = await import('../kit/log/kafka/kafka-admin.ts');
    return new KafkaAdmin({ bootstrap, clientId: 'streamsocial-admin' });
  };
  return () => {
    admin ??= open();
    return admin;
  };
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

type Consumers = ReadonlyMap<ProjectionName, RunningConsumer | EngagementConsumer>;

async function startConsumers(
  run: ProjectionRun,
  wanted: readonly ProjectionName[],
  projections: readonly Projection[],
  reacting: readonly Projection[],
  opened: AsyncDisposableStack,
): Promise<Consumers> {
  // the others report what nobody can read; the demo's failures are planned for them alone
  const reactionRun = { ...run, deadLetters: exceptUnreadable(run.deadLetters), failures: new Map() };
  const isWanted = ({ name }: Projection) => wanted.includes(name);
  const start = async (how: ProjectionRun, projection: Projection) => {
    const run = projection.name === 'engagement' ? EngagementConsumer.start : runProjection;
    const consumer = opened.adopt(await run(how, projection), (running) => running.stop());
    return [projection.name, consumer] as const;
  };
  return new Map(
    await Promise.all([
      ...projections.filter(isWanted).map((projection) => start(run, projection)),
      ...reacting.filter(isWanted).map((reaction) => start(reactionRun, reaction)),
    ]),
  );
}
