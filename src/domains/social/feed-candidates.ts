/**
 * What a user's feed chooses from: the newest posts of those they follow. Of two posts of one millisecond the one with
 * the greater author is the newer, then the one with the greater content id, in byte order.
 */
import { compareBytes, comparerOf } from '../../kit/projections/deltas.ts';
import type { Document } from '../../kit/projections/projection-store.ts';
import { CELEBRITIES, FEED_LIMITS, type FeedLimits, followingOf, postsOf, timelineOf } from './feed.ts';

/** A field of `timeline/<user>` or `posts/<author>`. */
export type PostEntry = readonly [contentId: string, value: string];

export interface Post {
  readonly content_id: string;
  readonly author: string;
  /** Event time, RFC 3339 UTC with milliseconds. */
  readonly created_at: string;
}

const TIME_CHARS = 24;

export function postOf([content_id, value]: PostEntry): Post {
  return { content_id, author: value.slice(TIME_CHARS + 1), created_at: value.slice(0, TIME_CHARS) };
}

function newerFirst([idA, valueA]: PostEntry, [idB, valueB]: PostEntry): number {
  return compareBytes(valueB, valueA) || compareBytes(idB, idA);
}

export function newestFirst(document: Document | null): PostEntry[] {
  const entries = Object.entries(document ?? {}) as [string, string][];
  const compare = comparerOf(entries.flat());
  return entries.sort(([idA, valueA], [idB, valueB]) => compare(valueB, valueA) || compare(idB, idA));
}

/** The newest of several lists, each newest first; a content that is in several of them once, as its newest. */
export function newestOf(lists: Iterable<readonly PostEntry[]>, keep: number): PostEntry[] {
  let found = new Map<string, string>();
  let oldest: PostEntry | null = null;
  for (const list of lists) {
    for (const entry of list) {
      if (oldest !== null && newerFirst(oldest, entry) <= 0) break;
      const [id, value] = entry;
      const known = found.get(id);
      if (known === undefined || compareBytes(value, known) > 0) found.set(id, value);
    }
    // seldom, as it sorts; the more often it has happened, the less of a list is looked at
    if (found.size > 4 * keep) {
      found = new Map([...found].sort(newerFirst).slice(0, keep));
      oldest = [...found].at(-1)!;
    }
  }
  return [...found].sort(newerFirst).slice(0, keep);
}

/** Of the followed authors, those whose posts are read when the feed is. */
export function celebritiesAmong(following: Document | null, isCelebrity: (author: string) => boolean): string[] {
  return Object.keys(following ?? {}).filter(isCelebrity);
}

/**
 * The documents as every order of the events gives them: each timeline with the celebrities' posts merged in.
 *
 * Stored timelines depend on the order in one way: posts that an author wrote with few followers were copied, and stay
 * when the author becomes a celebrity, unless the followers came first. Merged, both are the same, since what was copied is
 * among the celebrity's posts or older than as many of them as a timeline holds. (For a user who follows more authors
 * than are remembered, such copies of a forgotten one remain.) Compare states of different runs in this form.
 */
export function canonicalFeed(
  documents: ReadonlyMap<string, Document>,
  limits: FeedLimits = FEED_LIMITS,
): Map<string, Document> {
  const celebrities = documents.get(CELEBRITIES) ?? {};
  const canonical = new Map<string, Document>();
  const users = new Set<string>();
  for (const [key, document] of documents) {
    const user = [timelineOf(''), followingOf('')].find((prefix) => key.startsWith(prefix));
    if (user !== undefined) users.add(key.slice(user.length));
    if (user !== timelineOf('')) canonical.set(key, document);
  }
  for (const user of users) {
    const followed = celebritiesAmong(documents.get(followingOf(user)) ?? null, (author) =>
      Object.hasOwn(celebrities, author),
    );
    const sources = [timelineOf(user), ...followed.map(postsOf)].map((key) => newestFirst(documents.get(key) ?? null));
    const newest = newestOf(sources, limits.posts);
    if (newest.length > 0) canonical.set(timelineOf(user), Object.fromEntries(newest));
  }
  return canonical;
}
