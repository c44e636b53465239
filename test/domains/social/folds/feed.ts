/** Feeds folded straight from events, with plain maps and sorts: what `canonicalFeed` of the projection has to be. */

import type { SocialEvent } from '../../../../src/domains/social/events.ts';
import { FEED_LIMITS, type FeedLimits } from '../../../../src/domains/social/feed.ts';
import type { Document } from '../../../../src/kit/projections/projection-store.ts';

interface Post {
  readonly id: string;
  readonly author: string;
  readonly atMs: number;
}

export function foldFeed(events: Iterable<SocialEvent>, limits: FeedLimits = FEED_LIMITS): Map<string, Document> {
  const follows = new Map<string, Map<string, number>>();
  const posts = new Map<string, Map<string, number>>();
  for (const event of events) {
    const atMs = Date.parse(event.timestamp);
    if (event.event_type === 'follow_initiated' && event.user_id !== event.data.target_user_id)
      latest(follows, event.user_id, event.data.target_user_id, atMs);
    if (event.event_type === 'post_created') latest(posts, event.user_id, event.content_id, atMs);
  }
  const followers = new Map<string, Map<string, number>>();
  for (const [user, authors] of follows) for (const [author, atMs] of authors) latest(followers, author, user, atMs);
  const isCelebrity = (author: string) => followers.get(author)!.size > limits.fanOut;

  const documents = new Map<string, Document>();
  const put = (key: string, fields: readonly (readonly [string, string])[]) => {
    if (fields.length > 0) documents.set(key, Object.fromEntries(fields));
  };
  for (const [author, times] of followers) put(`followers/${author}`, newest(times, limits.fanOut + 1).map(asTime));
  for (const [author, times] of posts) put(`posts/${author}`, newest(times, limits.posts).map(asPost(author)));
  put(
    'celebrities',
    [...followers.keys()].filter(isCelebrity).map((author) => [author, 'yes']),
  );
  for (const [user, times] of follows) {
    const remembered = newest(times, limits.following);
    put(`following/${user}`, remembered.map(asTime));
    const seen = new Map<string, Post>();
    for (const author of times.keys()) {
      if (isCelebrity(author) && !remembered.some(([name]) => name === author)) continue;
      for (const [id, atMs] of posts.get(author) ?? []) {
        const known = seen.get(id);
        const post = { id, author, atMs };
        if (known === undefined || newer(post, known) < 0) seen.set(id, post);
      }
    }
    const shown = [...seen.values()].sort(newer).slice(0, limits.posts);
    put(
      `timeline/${user}`,
      shown.map(({ id, author, atMs }) => asPost(author)([id, atMs])),
    );
  }
  return documents;
}

function latest(table: Map<string, Map<string, number>>, row: string, column: string, atMs: number): void {
  const times = table.get(row) ?? new Map<string, number>();
  times.set(column, Math.max(atMs, times.get(column) ?? Number.NEGATIVE_INFINITY));
  table.set(row, times);
}

function newest(times: ReadonlyMap<string, number>, keep: number): (readonly [string, number])[] {
  return [...times].sort(([a, atA], [b, atB]) => atB - atA || bytes(b, a)).slice(0, keep);
}

function newer(a: Post, b: Post): number {
  return b.atMs - a.atMs || bytes(b.author, a.author) || bytes(b.id, a.id);
}

function bytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function asTime([name, atMs]: readonly [string, number]): readonly [string, string] {
  return [name, new Date(atMs).toISOString()];
}

function asPost(author: string) {
  return ([id, atMs]: readonly [string, number]) => [id, `${new Date(atMs).toISOString()} ${author}`] as const;
}
