/** Projections over a log, with events that fail as often as a test says, and journeys through all of it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { socialEventCodec } from '../../../src/domains/social/codec.ts';
import type { SocialEvent } from '../../../src/domains/social/events.ts';
import { socialTopicSpecs } from '../../../src/domains/social/topics.ts';
import type { RunningConsumer } from '../../../src/kit/consumers/run.ts';
import { DeadLetterQueue } from '../../../src/kit/dlq/dead-letter-queue.ts';
import { isKitError } from '../../../src/kit/errors.ts';
import { EmbeddedLog } from '../../../src/kit/log/embedded/embedded-log.ts';
import type { EventLog } from '../../../src/kit/log/event-log.ts';
import { SqliteIdempotencyStore } from '../../../src/kit/producers/embedded/sqlite-idempotency-store.ts';
import { EventPublisher } from '../../../src/kit/producers/event-publisher.ts';
import { HighVolumeProducer } from '../../../src/kit/producers/high-volume-producer.ts';
import { DEFAULT_WINDOW } from '../../../src/kit/projections/projection-store.ts';
import type { VersionedStore } from '../../../src/kit/projections/versioned-store.ts';
import { RetryPolicy } from '../../../src/kit/retry/retry-policy.ts';
import type { Journey } from '../../../src/pipelines/journey/journey-json.ts';
import { Journeys } from '../../../src/pipelines/journey/journeys.ts';
import { type ProjectionStores, sqliteVersions } from '../../../src/pipelines/open-stores.ts';
import {
  PROJECTION_NAMES,
  type ProjectionName,
  type ProjectionRun,
  runProjection,
} from '../../../src/pipelines/projection.ts';
import { reactions } from '../../../src/pipelines/reactions.ts';
import { socialProjections } from '../../../src/pipelines/social-projections.ts';
import { until } from '../../support/until.ts';

export interface JourneyScene {
  readonly log: EventLog;
  readonly producer: HighVolumeProducer;
  readonly deadLetters: DeadLetterQueue;
  readonly journeys: Journeys;
  /** As another process, which remembers nothing of what was. */
  readonly stranger: Journeys;
  readonly group: string;
  readonly consumers: ReadonlyMap<ProjectionName, RunningConsumer>;
  /** How often engagement fails it from now on. */
  readonly failures: Map<string, number>;
  /** @returns the event id */
  publish(fields: object): Promise<{ event_id: string; topic: string; partition: number; offset: number }>;
  follow(eventId: string): Promise<Journey>;
  settled(eventId: string, where?: (journey: Journey) => boolean): Promise<Journey>;
}

export interface SceneOptions {
  /** Default: an embedded one in memory. The scene closes it. */
  readonly log?: EventLog;
  readonly group?: string;
  readonly handlers?: readonly ProjectionName[];
  readonly attempts?: number;
}

export const NEVER = new AbortController().signal;
export const TIME = '2026-05-27T14:00:00.000Z';

export async function journeyScene(t: TestContext, options: SceneOptions = {}): Promise<JourneyScene> {
  const { group = 'g', handlers = ['engagement', 'notifications', 'analytics'], attempts = 3 } = options;
  const opened = new AsyncDisposableStack();
  t.after(() => opened.disposeAsync());
  const keep = <T extends { close(): Promise<void> }>(part: T): T => opened.adopt(part, (open) => open.close());
  const directory = await mkdtemp(join(tmpdir(), 'streamsocial-journey-'));
  opened.defer(() => rm(directory, { recursive: true, force: true }));
  const log = keep(options.log ?? (await EmbeddedLog.open({ directory: null })));
  await log.createTopics(socialTopicSpecs()).catch((error: unknown) => {
    if (!isKitError(error, 'TOPIC_EXISTS')) throw error;
  });
  const producer = keep(new HighVolumeProducer({ log }));
  const publisher = new EventPublisher<SocialEvent>({ codec: socialEventCodec, producer });
  const deadLetters = new DeadLetterQueue({ log, sender: producer });
  const idempotency = keep(await SqliteIdempotencyStore.open({ path: join(directory, 'idempotency.db') }));
  const found: Partial<Record<ProjectionName, VersionedStore>> = {};
  for (const name of PROJECTION_NAMES) found[name] = keep(sqliteVersions(name, directory, DEFAULT_WINDOW));
  const stores = found as ProjectionStores;
  const { engagement, activity } = socialProjections(stores, group);
  const projections = [engagement, activity, ...reactions(stores, group)];
  const failures = new Map<string, number>();
  const traces: NonNullable<ProjectionRun['traces']> = new Map();
  const retryPolicy = new RetryPolicy({ attempts, baseMs: 60, random: () => 0.99 });
  const consumers = new Map<ProjectionName, RunningConsumer>();
  for (const projection of projections.filter(({ name }) => handlers.includes(name))) {
    const planned = projection.name === 'engagement' ? failures : new Map<string, number>();
    const run = { log, codec: socialEventCodec, deadLetters, failures: planned, traces, retryPolicy };
    consumers.set(
      projection.name,
      opened.adopt(await runProjection(run, projection), (consumer) => consumer.stop()),
    );
  }
  const parts = { log, projections, deadLetters, idempotency };
  const journeys = new Journeys({ ...parts, traces });
  const follow = async (eventId: string) => (await journeys.ofEvent(eventId, { signal: NEVER })).journey;
  return {
    log,
    producer,
    deadLetters,
    journeys,
    stranger: new Journeys({ ...parts, traces: new Map() }),
    group,
    consumers,
    failures,
    async publish(fields) {
      const { event_id, topic, partition, offset } = await publisher.publish({
        event_type: 'post_liked',
        user_id: 'u_1',
        content_id: 'post_1',
        timestamp: TIME,
        ...fields,
      });
      return { event_id, topic, partition, offset };
    },
    follow,
    settled: (eventId, where = () => true) =>
      until(
        async () => {
          const journey = await follow(eventId);
          const done = journey.lanes.every(
            ({ handler, state }) =>
              !handlers.some((name) => name === handler) ||
              state === null ||
              state === 'COMMITTED' ||
              state === 'POISON_DLQ',
          );
          return done && where(journey) ? journey : null;
        },
        { everyMs: 5, what: `the end of ${eventId}` },
      ),
  };
}
