/** The handlers' documents beside what plain folds make of the log, with no code of the projections. */
import assert from 'node:assert/strict';
import { socialEventCodec } from '../../src/domains/social/codec.ts';
import { SOCIAL_TOPICS } from '../../src/domains/social/topics.ts';
import type { Document } from '../../src/kit/projections/projection-store.ts';
import { topOf } from '../../src/kit/projections/space-saving.ts';
import type { Platform } from '../../src/pipelines/platform.ts';
import type { ReactionName, StateReader } from '../../src/pipelines/projection.ts';
import { recordsOf } from '../../src/pipelines/records-of.ts';
import { type CountedRecord, foldAnalytics } from '../domains/social/folds/analytics.ts';
import { foldFeed } from '../domains/social/folds/feed.ts';
import { foldModeration } from '../domains/social/folds/moderation.ts';
import { foldNotifications } from '../domains/social/folds/notifications.ts';
import { foldSessions } from '../domains/social/folds/sessions.ts';

type Documents = ReadonlyMap<string, Document>;

/** Every document of the five equals its fold; what has none is empty on both sides. */
export async function assertStatesEqualFolds({ log, state }: Pick<Platform, 'log' | 'state'>): Promise<void> {
  const records = await countedRecords(log);
  const events = records.map(({ event }) => event);
  const { documents: analytics, top } = foldAnalytics(records);
  const folds: Readonly<Record<ReactionName, Documents>> = {
    feed: foldFeed(events),
    notifications: foldNotifications(events),
    analytics,
    moderation: foldModeration(events),
    sessions: foldSessions(events),
  };
  for (const [name, fold] of Object.entries(folds) as [ReactionName, Documents][]) {
    const documents = await documentsOf(state[name]);
    const tops = name === 'analytics' ? documents.filter(([key]) => key.startsWith('top/')) : [];
    assertEqual(
      name,
      documents.filter((entry) => !tops.includes(entry)),
      fold,
    );
    for (const [key, document] of tops) assertTop(key, document, top);
    if (name === 'analytics') assert.equal(tops.length, top.size);
  }
}

/** Bounds as `space-saving.ts` states them, which are equalities while there is room for every item. */
function assertTop(key: string, document: Document, folded: ReturnType<typeof foldAnalytics>['top']): void {
  const exact = folded.get(key);
  assert.ok(exact !== undefined, key);
  assert.equal(document.period, exact.period);
  for (const { item, count, error } of topOf(document)) {
    const seen = exact.counts.get(item) ?? 0;
    assert.ok(count - error <= seen && seen <= count, `${key} ${item}: ${count} (${error}), exactly ${seen}`);
  }
}

function assertEqual(name: string, documents: readonly (readonly [string, Document])[], fold: Documents): void {
  assert.ok(fold.size > 0, `${name}: nothing was folded`);
  assert.deepEqual(
    documents.map(([key]) => key),
    [...fold.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
    name,
  );
  for (const [key, document] of documents) assert.deepEqual({ ...document }, { ...fold.get(key) }, `${name} ${key}`);
}

async function documentsOf(state: StateReader): Promise<(readonly [string, Document])[]> {
  const found: (readonly [string, Document])[] = [];
  for await (const entry of state.documents()) found.push(entry);
  return found;
}

/** Of each partition what can be read, each event id once. */
async function countedRecords(log: Platform['log']): Promise<CountedRecord[]> {
  const counted: CountedRecord[] = [];
  for (const { name: topic, partitions } of (await log.describe(SOCIAL_TOPICS)).topics) {
    for (const { partition } of partitions) {
      const ids = new Set<string>();
      for await (const records of recordsOf(log, { topic, partition })) {
        for (const record of records) {
          const decoded = socialEventCodec.decode(record);
          if (!decoded.ok || ids.has(decoded.id)) continue;
          ids.add(decoded.id);
          counted.push({ event: decoded.event, partition, timestamp: record.timestamp });
        }
      }
    }
  }
  return counted;
}
