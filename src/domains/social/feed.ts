/**
 * Who follows whom, who posted what, and for every user the newest posts of those they follow.
 *
 * A post is copied to the timelines of its author's followers when it is written, as long as they are few; the posts of
 * an author with more than `fanOut` followers, a celebrity, are merged in when a feed is read (`feed-candidates.ts`).
 * Documents, all of texts and bounded:
 * - `followers/<author>`: follower -> when they followed last; one more than `fanOut`, enough to tell a celebrity;
 * - `following/<user>`: author -> when they were followed last;
 * - `posts/<author>`, `timeline/<user>`: content id -> `<when> <author>`;
 * - `celebrities`: author -> `yes`.
 * Times are RFC 3339 UTC with milliseconds, 24 characters, so that the newest is the greatest.
 */
import type { Delta } from '../../kit/projections/projection-store.ts';
import { utcText } from '../../kit/schemas/formats.ts';
import type { SocialEvent, SocialEventOf } from './events.ts';

export interface FeedLimits {
  /** Followers up to which a post is copied to each of them. */
  readonly fanOut: number;
  /** Posts kept per author and per timeline, and what a feed can go back to. */
  readonly posts: number;
  /** Authors remembered per user, those followed last. */
  readonly following: number;
  readonly celebrities: number;
}

export const FEED_LIMITS: FeedLimits = { fanOut: 1_000, posts: 500, following: 5_000, celebrities: 10_000 };

export const CELEBRITIES = 'celebrities';
export const followersOf = (author: string): string => `followers/${author}`;
export const followingOf = (user: string): string => `following/${user}`;
export const postsOf = (author: string): string => `posts/${author}`;
export const timelineOf = (user: string): string => `timeline/${user}`;

/** Follows and posts, in whatever order they come; other events change nothing. Who follows themselves is not told of it. */
export function projectFeed(event: SocialEvent): Delta[] {
  return feedDeltas(event, FEED_LIMITS);
}

export function feedDeltas(event: SocialEvent, limits: FeedLimits): Delta[] {
  switch (event.event_type) {
    case 'follow_initiated':
      return followed(event, limits);
    case 'post_created':
      return posted(event, limits);
    default:
      return [];
  }
}

function followed(event: SocialEventOf<'follow_initiated'>, limits: FeedLimits): Delta[] {
  const { fanOut, posts, following, celebrities } = limits;
  const user = event.user_id;
  const author = event.data.target_user_id;
  if (user === author) return [];
  const at = utcText(event.timestamp);
  const fieldsOf = followersOf(author);
  return [
    { key: fieldsOf, max: { [user]: at }, keep: fanOut + 1 },
    { key: followingOf(user), max: { [author]: at }, keep: following },
    { key: timelineOf(user), from: postsOf(author), keep: posts, when: { fieldsOf, atMost: fanOut } },
    { key: CELEBRITIES, max: { [author]: 'yes' }, keep: celebrities, when: { fieldsOf, moreThan: fanOut } },
  ];
}

function posted(event: SocialEventOf<'post_created'>, { fanOut, posts }: FeedLimits): Delta[] {
  const author = event.user_id;
  const max = { [event.content_id]: `${utcText(event.timestamp)} ${author}` };
  const fieldsOf = followersOf(author);
  return [
    { key: postsOf(author), max, keep: posts },
    { key: timelineOf(''), each: fieldsOf, max, keep: posts, when: { fieldsOf, atMost: fanOut } },
  ];
}
