/** Reads a user's feed: candidates from feed, counters from engagement, what is hidden from moderation. */
import { CELEBRITIES, FEED_LIMITS, followingOf, postsOf, timelineOf } from '../domains/social/feed.ts';
import { celebritiesAmong, newestFirst, newestOf, type PostEntry, postOf } from '../domains/social/feed-candidates.ts';
import { below, cursorOf, type FeedPage } from '../domains/social/feed-page.ts';
import { type Rank, type RankedPost, rank } from '../domains/social/feed-ranking.ts';
import { isHidden } from '../domains/social/moderation.ts';
import type { Document } from '../kit/projections/projection-store.ts';
import type { Platform } from './platform.ts';

export interface FeedQuery {
  readonly limit: number;
  /** Where the page before ended; null: from the top. */
  readonly after: Rank | null;
  /** Nothing older than this call: for who has just waited for an event. */
  readonly fresh?: boolean;
}

/** How old celebrities and their posts may be. */
const MAX_AGE_MS = 1_000;
/** Whose posts are kept for that long; of 500 posts each, some 20 MB. */
const MAX_CACHED_AUTHORS = 256;
/** Documents of celebrities, or of moderation, that are read at a time. */
const CHUNK = 64;

/** The projections that a feed is read from, now or as they were. */
export const FEED_STATES = ['feed', 'engagement', 'moderation'] as const;
export type FeedStates = Pick<Platform['state'], (typeof FEED_STATES)[number]>;

interface Aged<T> {
  readonly value: T;
  readonly readAtMs: number;
}

/** Round trips: three, one more for every 64 celebrities that are not at hand and for every 64 posts that turn out hidden. */
export class FeedReader {
  readonly #state: FeedStates;
  readonly #nowMs: () => number;
  #celebrities: Aged<Document> | null = null;
  /** Least recently read first. */
  readonly #posts = new Map<string, Aged<readonly PostEntry[]>>();

  constructor(state: FeedStates, nowMs = () => performance.now()) {
    this.#state = state;
    this.#nowMs = nowMs;
  }

  /** A user of whom nothing is known has an empty feed. @throws KitError STORE_UNAVAILABLE */
  async read(user: string, { limit, after, fresh = false }: FeedQuery): Promise<FeedPage> {
    const oldestMs = fresh ? Number.POSITIVE_INFINITY : this.#nowMs() - MAX_AGE_MS;
    const posts = (await this.#candidates(user, oldestMs)).map(postOf);
    const counters = await this.#state.engagement.getMany(posts.map(({ content_id }) => content_id));
    return this.#page(below(rank(posts, counters), after), limit);
  }

  async #candidates(user: string, oldestMs: number): Promise<PostEntry[]> {
    const [[timeline, following], celebrities] = await Promise.all([
      this.#state.feed.getMany([timelineOf(user), followingOf(user)]),
      this.#readCelebrities(oldestMs),
    ]);
    const authors = celebritiesAmong(following ?? null, (author) => Object.hasOwn(celebrities, author));
    let newest = newestFirst(timeline ?? null);
    for (let at = 0; at < authors.length; at += CHUNK)
      newest = newestOf(
        [newest, ...(await this.#readPosts(authors.slice(at, at + CHUNK), oldestMs))],
        FEED_LIMITS.posts,
      );
    return newest;
  }

  async #readCelebrities(oldestMs: number): Promise<Document> {
    const known = this.#celebrities;
    if (known !== null && known.readAtMs >= oldestMs) return known.value;
    const readAtMs = this.#nowMs();
    const value = (await this.#state.feed.get(CELEBRITIES)) ?? {};
    this.#celebrities = { value, readAtMs };
    return value;
  }

  async #readPosts(authors: readonly string[], oldestMs: number): Promise<(readonly PostEntry[])[]> {
    const atHand = (author: string) => (this.#posts.get(author)?.readAtMs ?? Number.NEGATIVE_INFINITY) >= oldestMs;
    const found = new Map(authors.filter(atHand).map((author) => [author, this.#posts.get(author)!]));
    const absent = authors.filter((author) => !found.has(author));
    const readAtMs = this.#nowMs();
    const documents = absent.length === 0 ? [] : await this.#state.feed.getMany(absent.map(postsOf));
    for (const [index, author] of absent.entries())
      found.set(author, { value: newestFirst(documents[index] ?? null), readAtMs });
    for (const [author, posts] of found) {
      this.#posts.delete(author);
      this.#posts.set(author, posts);
    }
    for (const author of this.#posts.keys()) {
      if (this.#posts.size <= MAX_CACHED_AUTHORS) break;
      this.#posts.delete(author);
    }
    return authors.map((author) => found.get(author)!.value);
  }

  /** The first that are not hidden, and whether there are more. */
  async #page(ranked: readonly RankedPost[], limit: number): Promise<FeedPage> {
    const shown: RankedPost[] = [];
    const chunk = Math.max(CHUNK, limit + 1);
    for (let at = 0; at < ranked.length && shown.length <= limit; at += chunk) {
      const asked = ranked.slice(at, at + chunk);
      const moderation = await this.#state.moderation.getMany(asked.map(({ content_id }) => content_id));
      shown.push(...asked.filter((_, index) => !isHidden(moderation[index] ?? null)));
    }
    const items = shown.slice(0, limit);
    return { items, next_cursor: shown.length > limit ? cursorOf(items.at(-1)!) : null };
  }
}
