/** A handler that is slow, or fails at every event, delays itself and no other. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { socialEventCodec } from '../../src/domains/social/codec.ts';
import { project } from '../../src/domains/social/engagement.ts';
import { CONTENT_INTERACTIONS } from '../../src/domains/social/events.ts';
import { DeadLetterQueue } from '../../src/kit/dlq/dead-letter-queue.ts';
import { KitError } from '../../src/kit/errors.ts';
import { EmbeddedLog } from '../../src/kit/log/embedded/embedded-log.ts';
import { EventPublisher } from '../../src/kit/producers/event-publisher.ts';
import { HighVolumeProducer } from '../../src/kit/producers/high-volume-producer.ts';
import { SqliteProjectionStore } from '../../src/kit/projections/embedded/sqlite-store.ts';
import type { ProjectionStore } from '../../src/kit/projections/projection-store.ts';
import { withApply } from '../../src/kit/projections/with-apply.ts';
import { type Projection, type ProjectionName, runProjection } from '../../src/pipelines/projection.ts';
import { sharedDecoding } from '../../src/pipelines/shared-decoding.ts';

const EVENTS = 500;
const CONTENTS = 20;
const LIKES_EACH = EVENTS / CONTENTS;
const TIMEOUT_MS = 20_000;

interface Scene {
  readonly log: EmbeddedLog;
  publish(): Promise<void>;
  store(name: string): Promise<ProjectionStore>;
  run(name: ProjectionName, changes: Partial<Projection> & Pick<Projection, 'store'>): ReturnType<typeof runProjection>;
}

async function inScene(body: (scene: Scene) => Promise<void>): Promise<void> {
  await using opened = new AsyncDisposableStack();
  const keep = <T extends { close(): Promise<void> }>(part: T): T => opened.adopt(part, (open) => open.close());
  const log = keep(await EmbeddedLog.open({ directory: null }));
  await log.createTopics([{ name: CONTENT_INTERACTIONS, partitions: 3 }]);
  const producer = keep(new HighVolumeProducer({ log }));
  const publisher = new EventPublisher({ codec: socialEventCodec, producer });
  const deadLetters = new DeadLetterQueue({ log, sender: producer });
  const codec = sharedDecoding(socialEventCodec);
  await body({
    log,
    async publish() {
      const events = Array.from({ length: EVENTS }, (_, n) => ({
        event_type: 'post_liked',
        user_id: `u_${n}`,
        content_id: `post_${n % CONTENTS}`,
        timestamp: '2026-01-01T00:00:00Z',
      }));
      const outcomes = await publisher.publishMany(events);
      assert.ok(outcomes.every(({ ok }) => ok));
    },
    store: async (name) => keep(await SqliteProjectionStore.open({ path: ':memory:', name })),
    async run(name, changes) {
      const projection = { name, group: name, topics: [CONTENT_INTERACTIONS], project, folded: null, ...changes };
      const consumer = await runProjection({ log, deadLetters, codec, failures: new Map() }, projection);
      return opened.adopt(consumer, (running) => running.stop());
    },
  });
}

async function likes(store: ProjectionStore): Promise<number[]> {
  const found: number[] = [];
  for await (const [, document] of store.documents()) found.push(Number(document.likes));
  return found;
}

const ALL = Array.from({ length: CONTENTS }, () => LIKES_EACH);

describe('independent handlers', { concurrency: true }, () => {
  it('one whose store hangs keeps nobody waiting, and has everything once the store answers', () =>
    inScene(async (scene) => {
      const [healthy, inner] = [await scene.store('engagement'), await scene.store('feed')];
      const release = Promise.withResolvers<void>();
      let held = 0;
      const hanging = withApply(inner, async (batch) => {
        held += 1;
        await release.promise;
        return inner.apply(batch);
      });
      const [fast, slow] = [
        await scene.run('engagement', { store: healthy }),
        await scene.run('feed', { store: hanging }),
      ];
      await scene.publish();
      await fast.caughtUp(TIMEOUT_MS);
      assert.deepEqual(await likes(healthy), ALL);
      assert.deepEqual(await likes(inner), []);
      assert.ok(held > 0, 'the other handler was under way');
      release.resolve();
      await slow.caughtUp(TIMEOUT_MS);
      assert.deepEqual(await likes(inner), ALL);
    }));

  it('one whose store is gone keeps nobody waiting, and has everything once it is back', () =>
    inScene(async (scene) => {
      const [healthy, inner] = [await scene.store('engagement'), await scene.store('feed')];
      let isGone = true;
      const flickering = withApply(inner, async (batch) => {
        if (isGone) throw new KitError('STORE_UNAVAILABLE', 'the store is gone', { retriable: true });
        return inner.apply(batch);
      });
      const [fast, slow] = [
        await scene.run('engagement', { store: healthy }),
        await scene.run('feed', { store: flickering }),
      ];
      await scene.publish();
      await fast.caughtUp(TIMEOUT_MS);
      assert.deepEqual([await likes(healthy), await likes(inner)], [ALL, []]);
      isGone = false;
      await slow.caughtUp(TIMEOUT_MS);
      assert.deepEqual(await likes(inner), ALL);
    }));

  it('one that fails at every event gives each up for itself', () =>
    inScene(async (scene) => {
      const [healthy, broken] = [await scene.store('engagement'), await scene.store('feed')];
      const fast = await scene.run('engagement', { store: healthy });
      const failing = await scene.run('feed', {
        store: broken,
        project: () => {
          throw new KitError('NO_SUCH_USER', 'a refusal that no retry helps');
        },
      });
      await scene.publish();
      await fast.caughtUp(TIMEOUT_MS);
      assert.deepEqual(await likes(healthy), ALL);
      await failing.caughtUp(TIMEOUT_MS);
      const tallies = (await broken.partitions()).map(({ tallies: { dead } }) => dead);
      assert.equal(
        tallies.reduce((sum, dead) => sum + dead, 0),
        EVENTS,
      );
      assert.deepEqual(await likes(healthy), ALL);
    }));
});
