/** All seven projections over one embedded log, with seeded traffic: poison, events that fail for a while, events that are given up. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { socialEventCodec } from '../../src/domains/social/codec.ts';
import type { SocialEvent } from '../../src/domains/social/events.ts';
import { socialTopicSpecs } from '../../src/domains/social/topics.ts';
import { generateTraffic } from '../../src/domains/social/traffic.ts';
import { SILENT } from '../../src/kit/consumers/consumer-options.ts';
import { DeadLetterQueue } from '../../src/kit/dlq/dead-letter-queue.ts';
import { EmbeddedLog } from '../../src/kit/log/embedded/embedded-log.ts';
import { EventPublisher } from '../../src/kit/producers/event-publisher.ts';
import { HighVolumeProducer } from '../../src/kit/producers/high-volume-producer.ts';
import { withImage } from '../../src/kit/projections/embedded/sqlite-image.ts';
import type { SqliteProjectionStore } from '../../src/kit/projections/embedded/sqlite-store.ts';
import { DEFAULT_WINDOW, type Document, type ProjectionStore } from '../../src/kit/projections/projection-store.ts';
import type { RedisProjectionStore } from '../../src/kit/projections/redis/redis-store.ts';
import type { VersionedStore } from '../../src/kit/projections/versioned-store.ts';
import { RetryPolicy } from '../../src/kit/retry/retry-policy.ts';
import { type RedisAddress, RedisConnection } from '../../src/kit/stores/redis.ts';
import { type ProjectionStores, redisVersions, sqliteVersions } from '../../src/pipelines/open-stores.ts';
import {
  PROJECTION_NAMES,
  type Projection,
  type ProjectionName,
  runProjection,
} from '../../src/pipelines/projection.ts';
import { isQuiet, logEnds } from '../../src/pipelines/quiet.ts';
import { reactions } from '../../src/pipelines/reactions.ts';
import { type RebuildReport, type RebuildRequest, Rebuilds } from '../../src/pipelines/rebuild.ts';
import { socialProjections } from '../../src/pipelines/social-projections.ts';
import { StateAt, type StateAtLimits } from '../../src/pipelines/state-at.ts';
import { until } from '../support/until.ts';

const GROUP = 'g';

export interface Scene {
  readonly directory: string;
  readonly log: EmbeddedLog;
  readonly projections: Projection[];
  readonly stores: ProjectionStores;
  readonly past: StateAt;
  readonly rebuilds: Rebuilds;
  readonly warnings: string[];
  /** @param faulty shares of poison and of events that fail at first */
  publish(events: number, seed: number, faulty?: number): Promise<void>;
  like(contentId: string): Promise<void>;
  /** Moves all projections until the scene ends. */
  consume(): Promise<void>;
  quiet(): Promise<void>;
  rebuild(name: ProjectionName, request: RebuildRequest): Promise<RebuildReport>;
  /** The same with another function, as after a change of the code. */
  changed(name: ProjectionName, project: Projection['project']): Rebuilds;
}

export async function rebuildScene(
  t: TestContext,
  options: { readonly redis?: RedisAddress; readonly limits?: Partial<StateAtLimits> } = {},
): Promise<Scene> {
  const opened = new AsyncDisposableStack();
  t.after(() => opened.disposeAsync());
  const keep = <T extends { close(): Promise<void> }>(part: T): T => opened.adopt(part, (open) => open.close());
  const directory = await mkdtemp(join(tmpdir(), 'streamsocial-rebuild-'));
  opened.defer(() => rm(directory, { recursive: true, force: true }));
  const log = keep(await EmbeddedLog.open({ directory: null }));
  await log.createTopics(socialTopicSpecs());
  const producer = keep(new HighVolumeProducer({ log }));
  const publisher = new EventPublisher<SocialEvent>({ codec: socialEventCodec, producer });
  const deadLetters = new DeadLetterQueue({ log, sender: producer });
  const { redis } = options;
  const found: Partial<Record<ProjectionName, VersionedStore>> = {};
  for (const name of PROJECTION_NAMES) {
    if (redis === undefined) found[name] = keep(sqliteVersions(name, directory, DEFAULT_WINDOW));
    else found[name] = keep(redisVersions(name, keep(await RedisConnection.open(redis)), DEFAULT_WINDOW));
  }
  const stores = found as ProjectionStores;
  const { engagement, activity } = socialProjections(stores, GROUP);
  const projections = [engagement, activity, ...reactions(stores, GROUP)];
  const warnings: string[] = [];
  const logger = { ...SILENT, warn: (_: object, message: string) => void warnings.push(message) };
  const parts = { log, codec: socialEventCodec, logger };
  const past = keep(
    new StateAt({
      ...parts,
      projections,
      window: DEFAULT_WINDOW,
      dataDir: directory,
      madeBy: 'test',
      ...(options.limits === undefined ? {} : { limits: options.limits }),
    }),
  );
  const restore = (target: ProjectionStore, path: string) =>
    redis === undefined
      ? (target as SqliteProjectionStore).restore(path)
      : withImage(path, (image) => (target as RedisProjectionStore).restore(image));
  const rebuildsOf = (all: readonly Projection[]) =>
    keep(new Rebuilds({ ...parts, projections: all, stores, restore, past, limits: { graceMs: 0 } }));
  const rebuilds = rebuildsOf(projections);
  const failures = new Map<string, number>();
  return {
    directory,
    log,
    projections,
    stores,
    past,
    rebuilds,
    warnings,
    async publish(events, seed, faulty = 0.02) {
      const now = Date.UTC(2026, 4, 27);
      const items = [...generateTraffic({ seed, events, now, poisonShare: faulty, flakyShare: faulty })];
      await Promise.all(
        items.map(async (item) => {
          if (item.kind === 'poison') return producer.send({ ...item.record, topic: item.topic });
          const event = publisher.create(item.input);
          if (item.flakyAttempts > 0) failures.set(event.event_id, item.flakyAttempts);
          return publisher.publish(event);
        }),
      );
    },
    async like(contentId) {
      const event = { event_type: 'post_liked', user_id: 'u_1', content_id: contentId };
      await publisher.publish(publisher.create({ ...event, timestamp: '2026-05-27T00:00:00Z' }));
    },
    async consume() {
      const retryPolicy = new RetryPolicy({ attempts: 5, baseMs: 2 });
      for (const projection of projections) {
        const planned = projection.name === 'engagement' ? failures : new Map<string, number>();
        const run = { log, codec: socialEventCodec, deadLetters, failures: planned, retryPolicy };
        opened.adopt(await runProjection(run, projection), (consumer) => consumer.stop());
      }
    },
    quiet: async () => void (await until(async () => isQuiet(projections, await logEnds(log)), { everyMs: 10 })),
    async rebuild(name, request) {
      await rebuilds.start(name, request);
      return ended(rebuilds, name);
    },
    changed: (name, project) => rebuildsOf(projections.map((one) => (one.name === name ? { ...one, project } : one))),
  };
}

export function ended(rebuilds: Rebuilds, name: ProjectionName): Promise<RebuildReport> {
  return until(() => (rebuilds.report(name).state === 'RUNNING' ? null : rebuilds.report(name)), { everyMs: 5 });
}

export async function bytesOf(store: Pick<ProjectionStore, 'documents'>): Promise<string> {
  const lines: string[] = [];
  for await (const document of store.documents())
    lines.push(JSON.stringify(document satisfies readonly [string, Document]));
  return lines.join('\n');
}
