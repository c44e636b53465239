import Type from 'typebox';
import { DEFAULT_PAGE, MAX_PAGE, rankOf } from '../domains/social/feed-page.ts';
import { KitError } from '../kit/errors.ts';
import { FEED_STATES, FeedReader, type FeedStates } from '../pipelines/feed-reader.ts';
import type { Platform } from '../pipelines/platform.ts';
import { After, DEFAULT_WAIT_MS, positionOf, TimeoutMs } from './after.ts';
import { checkedId } from './checked-id.ts';
import type { Closing } from './closing.ts';
import { momentOf, PAST_PROBLEMS, whileAsked } from './past.ts';
import { Count, json, problems, Timestamp } from './schemas.ts';
import type { Api } from './typed.ts';

const Id = Type.String({ minLength: 1, maxLength: 256 });
const MAX_CURSOR_CHARS = 400;

const Feed = Type.Object(
  {
    user_id: Id,
    items: Type.Array(
      Type.Object({
        content_id: Id,
        author: Id,
        created_at: Timestamp,
        score: Type.Number({
          description: 'log2(1 + likes + 2 comments + 3 shares + 0.1 views) + seconds since the epoch / 43200',
        }),
        engagement: Type.Object({ likes: Count, comments: Count, shares: Count, views: Count }),
      }),
      { description: 'The highest score first; hidden and removed content is left out.' },
    ),
    next_cursor: Type.Union([Type.String(), Type.Null()], { description: 'Null on the last page.' }),
  },
  {
    examples: [
      {
        user_id: 'alice',
        items: [
          {
            content_id: 'post_991',
            author: 'bob',
            created_at: '2026-05-27T14:00:00.000Z',
            score: 41_204.626,
            engagement: { likes: 3, comments: 0, shares: 1, views: 40 },
          },
        ],
        next_cursor: null,
      },
    ],
  },
);

/** A user of whom nothing is known has an empty feed: events tell of users, nobody registers with us. */
export function feedRoutes(app: Api, platform: Platform, closing: Closing): void {
  const reader = new FeedReader(platform.state);
  app.get(
    '/api/v1/users/:id/feed',
    {
      schema: {
        tags: ['feeds'],
        summary: 'The newest posts of those a user follows, ranked, by the page',
        description:
          'Of the newest 500 posts. What is shown on one page does not come again on a later one; what rises meanwhile is seen from the top.',
        params: Type.Object({ id: Type.String({ description: 'User id, percent-encoded.', examples: ['alice'] }) }),
        querystring: Type.Object(
          {
            limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_PAGE, default: DEFAULT_PAGE })),
            cursor: Type.Optional(
              Type.String({ maxLength: MAX_CURSOR_CHARS, description: 'next_cursor of the page before.' }),
            ),
            after: After,
            timeout_ms: TimeoutMs,
            at: Type.Optional({
              ...Timestamp,
              description: 'The feed as it was before this time, folded from the log. Not together with `after`.',
            }),
          },
          { additionalProperties: false },
        ),
        response: {
          200: json('A page of the feed.', Feed),
          ...problems('INVALID_ARGUMENT', 'STORE_UNAVAILABLE', 'NOT_APPLIED_YET', ...PAST_PROBLEMS),
        },
      },
    },
    async ({ params: { id }, query }, reply) => {
      checkedId(id, 'user id');
      const { limit = DEFAULT_PAGE, cursor, after, timeout_ms = DEFAULT_WAIT_MS, at } = query;
      const page = cursor === undefined ? null : rankOf(cursor);
      if (at !== undefined) {
        if (after !== undefined) throw new KitError('INVALID_ARGUMENT', 'query: either after or at');
        const read = (state: FeedStates) => new FeedReader(state).read(id, { limit, after: page });
        const reading = platform.stateAt.read(FEED_STATES, momentOf(at, 'at'), read, whileAsked(reply, closing));
        return { user_id: id, ...(await closing.orClosing(reading)) };
      }
      if (after !== undefined) await closing.orClosing(platform.applied(positionOf(after), timeout_ms, 'feed'));
      return { user_id: id, ...(await reader.read(id, { limit, after: page, fresh: after !== undefined })) };
    },
  );
}
