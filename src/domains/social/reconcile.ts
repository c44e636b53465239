/**
 * A second opinion: folds the records of the log anew, with no code of the projections, and compares. Reads
 * partition by partition in offset order.
 *
 * Memory: one entry per event id of the partition at hand, about 90 bytes for a UUID (measured: 1,000,000 ids take
 * 91 MB), and one per content. Of a partition the last 1,000,000 ids are remembered, as many as a projection keeps, but
 * without its 24 hours: a repetition after that time shows up as a difference.
 */
import type { LogRecord, TopicPartition } from '../../kit/log/event-log.ts';
import { DEFAULT_WINDOW, type Document } from '../../kit/projections/projection-store.ts';
import type { EventCodec } from '../../kit/schemas/event-codec.ts';
import type { SocialEvent } from './events.ts';

export interface FoldedTopic {
  readonly topic: string;
  readonly in_log: number;
  /** Poison: no consumer can read these. */
  readonly unreadable: number;
  /** Readable, but seen before in the same partition. */
  readonly duplicates: number;
  /** Readable, but dead-lettered or parked, so that they have no effect (yet). */
  readonly set_aside: number;
  /** What is left: in_log = counted + duplicates + unreadable + set_aside */
  readonly counted: number;
}

export interface Fold {
  add(record: LogRecord): void;
  /** No more records of this partition: its event ids are forgotten. */
  endPartition(place: TopicPartition): void;
  topics(): FoldedTopic[];
  /** By content id: likes, shares, comments, views, last_updated. */
  engagement(): ReadonlyMap<string, Document>;
  /** By event type: total, last_event_at. */
  activity(): ReadonlyMap<string, Document>;
}

export interface Difference {
  readonly key: string;
  readonly field: string;
  /** Null where a side has no such text; a missing counter is 0. */
  readonly projection: number | string | null;
  readonly fold: number | string | null;
}

export interface Comparison {
  /** Keys that either side knows. */
  readonly compared: number;
  /** Of those, how many differ. */
  readonly differing: number;
  /** The first 100. */
  readonly differences: readonly Difference[];
}

const MAX_DIFFERENCES = 100;

/** Mutable while folding. */
interface ContentTally {
  likes: number;
  shares: number;
  comments: number;
  views: number;
  latestMs: number;
}

interface TopicTally {
  in_log: number;
  unreadable: number;
  duplicates: number;
  set_aside: number;
}

/**
 * @param isSetAside whether the record is among the dead-lettered or parked ones, by its place in the log. Such a record
 *   does not make a later one of the same id a duplicate.
 */
export function createFold(
  decode: EventCodec<SocialEvent>['decode'],
  isSetAside: (place: TopicPartition & { readonly offset: number }) => boolean = () => false,
): Fold {
  const topics = new Map<string, TopicTally>();
  const seen = new Map<string, Set<string>>();
  const contents = new Map<string, ContentTally>();
  const types = new Map<string, { total: number; latestMs: number }>();

  function count(event: SocialEvent): void {
    const atMs = eventTimeMs(event.timestamp);
    switch (event.event_type) {
      case 'post_liked':
      case 'content_shared':
      case 'comment_added':
      case 'story_viewed': {
        const tally = entry(contents, event.content_id, newContentTally);
        if (event.event_type === 'post_liked') tally.likes++;
        else if (event.event_type === 'content_shared') tally.shares++;
        else if (event.event_type === 'comment_added') tally.comments++;
        else tally.views++;
        if (atMs > tally.latestMs) tally.latestMs = atMs;
        return;
      }
      default: {
        const tally = entry(types, event.event_type, () => ({ total: 0, latestMs: Number.NEGATIVE_INFINITY }));
        tally.total++;
        if (atMs > tally.latestMs) tally.latestMs = atMs;
      }
    }
  }

  return {
    add(record) {
      const topic = entry(topics, record.topic, () => ({ in_log: 0, unreadable: 0, duplicates: 0, set_aside: 0 }));
      topic.in_log++;
      const decoded = decode(record);
      if (!decoded.ok) {
        topic.unreadable++;
        return;
      }
      if (isSetAside(record)) {
        topic.set_aside++;
        return;
      }
      const ids = entry(seen, placeKey(record), () => new Set<string>());
      if (ids.has(decoded.id)) {
        topic.duplicates++;
        return;
      }
      ids.add(decoded.id);
      // a Set keeps the order of insertion
      if (ids.size > DEFAULT_WINDOW.maxIdsPerPartition) ids.delete(ids.values().next().value!);
      count(decoded.event);
    },
    endPartition: (place) => void seen.delete(placeKey(place)),
    topics: () =>
      [...topics].map(([topic, tally]) => ({
        topic,
        ...tally,
        counted: tally.in_log - tally.unreadable - tally.duplicates - tally.set_aside,
      })),
    engagement: () =>
      new Map(
        [...contents].map(([id, { latestMs, ...counters }]) => [id, { ...counters, last_updated: isoText(latestMs) }]),
      ),
    activity: () =>
      new Map([...types].map(([type, { total, latestMs }]) => [type, { total, last_event_at: isoText(latestMs) }])),
  };
}

function placeKey({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}

function entry<V>(map: Map<string, V>, key: string, create: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = create();
    map.set(key, value);
  }
  return value;
}

function newContentTally(): ContentTally {
  return { likes: 0, shares: 0, comments: 0, views: 0, latestMs: Number.NEGATIVE_INFINITY };
}

function isoText(ms: number): string {
  return new Date(ms).toISOString();
}

/** By the engine's own parser, which knows no leap second and no lower-case T or Z. */
function eventTimeMs(timestamp: string): number {
  return Date.parse(timestamp.toUpperCase().replace(/:60(?:\.\d+)?(?=[Z+-])/, ':59.999'));
}

/** Every field of every key that either side has. */
export async function compare(
  documents: AsyncIterable<readonly [key: string, document: Document]> | Iterable<readonly [string, Document]>,
  fold: ReadonlyMap<string, Document>,
): Promise<Comparison> {
  const differences: Difference[] = [];
  let compared = 0;
  let differing = 0;
  function compareKey(key: string, projected: Document, folded: Document): void {
    compared++;
    const found = differencesOf(key, projected, folded);
    if (found.length > 0) differing++;
    differences.push(...found.slice(0, MAX_DIFFERENCES - differences.length));
  }

  const known = new Set<string>();
  for await (const [key, document] of documents) {
    known.add(key);
    compareKey(key, document, fold.get(key) ?? {});
  }
  for (const [key, document] of fold) if (!known.has(key)) compareKey(key, {}, document);
  return { compared, differing, differences };
}

function differencesOf(key: string, projected: Document, folded: Document): Difference[] {
  const found: Difference[] = [];
  for (const field of new Set([...Object.keys(projected), ...Object.keys(folded)])) {
    const missing = typeof (projected[field] ?? folded[field]) === 'number' ? 0 : null;
    const projection = projected[field] ?? missing;
    const fromFold = folded[field] ?? missing;
    if (projection !== fromFold) found.push({ key, field, projection, fold: fromFold });
  }
  return found;
}
