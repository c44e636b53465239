/**
 * The order of a feed. With w = likes + 2 comments + 3 shares + 0.1 views,
 *
 *     score = log2(1 + w) + seconds since the epoch / 43,200
 *
 * One point is one half-life of 12 hours: a post stands level with one that is 12 hours younger when its 1 + w is twice
 * as great. This is the order of (1 + w) * 2^(-age / 12 h), recency that decays, without an age in it: it holds at any
 * time, so pages fit together. As counters only grow, so do scores: what was shown on one page never comes again on a later one.
 */
import { compareBytes } from '../../kit/projections/deltas.ts';
import type { Document } from '../../kit/projections/projection-store.ts';
import type { Post } from './feed-candidates.ts';

export const HALF_LIFE_SECONDS = 12 * 60 * 60;
export const WEIGHTS = { likes: 1, comments: 2, shares: 3, views: 0.1 } as const;

export type FeedEngagement = Readonly<Record<keyof typeof WEIGHTS, number>>;

export interface RankedPost extends Post {
  readonly score: number;
  readonly engagement: FeedEngagement;
}

/** Where a post stands in its feed. */
export type Rank = Pick<RankedPost, 'score' | 'content_id'>;

export function scoreOf(engagement: FeedEngagement, createdAtMs: number): number {
  const { likes, comments, shares, views } = engagement;
  const weight = WEIGHTS.likes * likes + WEIGHTS.comments * comments + WEIGHTS.shares * shares + WEIGHTS.views * views;
  return Math.log2(1 + weight) + createdAtMs / 1000 / HALF_LIFE_SECONDS;
}

/** @param counters of engagement, one for each post; null where nothing has happened to it */
export function rank(posts: readonly Post[], counters: readonly (Document | null)[]): RankedPost[] {
  return posts
    .map((post, index) => {
      const { likes = 0, comments = 0, shares = 0, views = 0 } = (counters[index] ?? {}) as Partial<FeedEngagement>;
      const engagement = { likes, comments, shares, views };
      const { content_id, author, created_at } = post;
      const score = scoreOf(engagement, Date.parse(created_at));
      return { content_id, author, created_at, score, engagement };
    })
    .sort(higherFirst);
}

/** Of equal scores the lesser content id comes first, in byte order. */
export function higherFirst(a: Rank, b: Rank): number {
  return b.score - a.score || compareBytes(a.content_id, b.content_id);
}
