/** Runs a projection over events as a consumer group does: partition by partition in order, but these in any order, in batches of any size. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { type SocialEvent, subjectOf } from '../../../src/domains/social/events.ts';
import { SqliteProjectionStore } from '../../../src/kit/projections/embedded/sqlite-store.ts';
import type { Delta, Document, ProjectionStore } from '../../../src/kit/projections/projection-store.ts';
import { MemoryStore } from '../../support/memory-store.ts';

export const PARTITIONS = 3;
const topic = 'events';

/** Whose turn it is, and how many of its events are one transaction. */
export type Turn = readonly [partition: number, batch: number];

export const turns: fc.Arbitrary<Turn[]> = fc.array(
  fc.tuple(fc.nat({ max: PARTITIONS - 1 }), fc.integer({ min: 1, max: 5 })),
  {
    maxLength: 40,
    size: 'max',
  },
);

/** Turns that find their partition at its end do nothing; what is left when they are over is one batch for each partition. */
export async function project(
  store: ProjectionStore,
  events: readonly SocialEvent[],
  order: readonly Turn[],
  deltasOf: (event: SocialEvent) => Delta[],
): Promise<Map<string, Document>> {
  const keyOf = (event: SocialEvent) => (event.event_type === 'content_moderated' ? subjectOf(event) : event.user_id);
  const byPartition = Map.groupBy(events, (event) => [...keyOf(event)].length % PARTITIONS);
  const logs = Array.from({ length: PARTITIONS }, (_, partition) => byPartition.get(partition) ?? []);
  const epochs = await Promise.all(logs.map((_, partition) => store.claim({ topic, partition })));
  const positions = logs.map(() => 0);
  for (const [partition, batch] of [...order, ...logs.map((log, at): Turn => [at, Math.max(1, log.length)])]) {
    const from = positions[partition]!;
    const effects = logs[partition]!.slice(from, from + batch).map((event, index) => ({
      offset: from + index,
      eventId: null,
      deltas: deltasOf(event),
    }));
    if (effects.length === 0) continue;
    const outcome = await store.apply({
      topic,
      partition,
      epoch: epochs[partition]!.epoch,
      expect: from === 0 ? null : from,
      next: from + effects.length,
      effects,
      park: [],
      unpark: [],
      dead: 0,
      now: 0,
    });
    if (outcome.status !== 'ok') throw new Error(JSON.stringify(outcome));
    positions[partition] = from + effects.length;
  }
  return documentsOf(store);
}

export async function documentsOf(store: Pick<ProjectionStore, 'documents'>): Promise<Map<string, Document>> {
  const documents = new Map<string, Document>();
  for await (const [key, document] of store.documents()) documents.set(key, document);
  return documents;
}

export const STORES = {
  async memory() {
    return Object.assign(new MemoryStore(), { [Symbol.asyncDispose]: async () => {} });
  },
  async SQLite() {
    const directory = mkdtempSync(join(tmpdir(), 'streamsocial-test-'));
    const store = await SqliteProjectionStore.open({ path: join(directory, 'p.db'), name: 'p' });
    return Object.assign(store, {
      async [Symbol.asyncDispose]() {
        await store.close();
        rmSync(directory, { recursive: true });
      },
    });
  },
} satisfies Record<string, () => Promise<ProjectionStore & AsyncDisposable>>;
