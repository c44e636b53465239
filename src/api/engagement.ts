import type { FastifyRequest } from 'fastify';
import Type from 'typebox';
import { KitError } from '../kit/errors.ts';
import type { Platform } from '../pipelines/platform.ts';
import { After, DEFAULT_WAIT_MS, positionOf, TimeoutMs } from './after.ts';
import { checkedId } from './checked-id.ts';
import type { Closing } from './closing.ts';
import { Count, json, problems, Timestamp } from './schemas.ts';
import type { Api } from './typed.ts';

const ContentId = Type.String({ minLength: 1, maxLength: 256, examples: ['post_991'] });
const Query = Type.Object(
  {
    after: After,
    timeout_ms: TimeoutMs,
    content_id: Type.Optional(ContentId),
  },
  { additionalProperties: false },
);
const Engagement = Type.Object(
  {
    content_id: Type.String(),
    likes: Count,
    shares: Count,
    comments: Count,
    views: Count,
    last_updated: Type.Union([Timestamp, Type.Null()], { description: 'The latest event time.' }),
  },
  {
    examples: [
      { content_id: 'post_991', likes: 3, shares: 1, comments: 0, views: 40, last_updated: '2026-05-27T14:00:00.000Z' },
    ],
  },
);

const schema = {
  tags: ['engagement'],
  summary: 'Counters of one content',
  querystring: Query,
  response: {
    200: json('Counters.', Engagement),
    ...problems('INVALID_ARGUMENT', 'UNKNOWN_CONTENT', 'STORE_UNAVAILABLE', 'NOT_APPLIED_YET'),
  },
};

/** The id may hold anything, slashes included; encoded or not, it is the rest of the path. */
export function engagementRoutes(app: Api, platform: Platform, closing: Closing): void {
  async function answer(contentId: string, after: string | undefined, timeoutMs = DEFAULT_WAIT_MS) {
    checkedId(contentId, 'content_id');
    if (after !== undefined) await closing.orClosing(platform.applied(positionOf(after), timeoutMs));
    const document = await platform.state.engagement.get(contentId);
    if (document === null)
      throw new KitError('UNKNOWN_CONTENT', `Nothing has happened to ${contentId} yet.`, {
        details: { content_id: contentId },
      });
    const { likes = 0, shares = 0, comments = 0, views = 0, last_updated = null } = document;
    return { content_id: contentId, likes, shares, comments, views, last_updated };
  }

  app.get(
    '/api/v1/engagement/*',
    {
      schema,
      config: {
        swaggerTransform: ({ schema }) => ({
          url: '/api/v1/engagement/:content_id',
          schema: { ...schema, params: Type.Object({ content_id: ContentId }) },
        }),
      },
    },
    async ({ params, query }) => answer((params as { '*': string })['*'], query.after, query.timeout_ms),
  );

  // `.` and `..` cannot stand in a path: clients remove them
  app.get(
    '/api/v1/engagement',
    { schema },
    async ({ query }: FastifyRequest<{ Querystring: Type.Static<typeof Query> }>) => {
      if (query.content_id === undefined) throw new KitError('INVALID_ARGUMENT', 'query content_id: is required here');
      return answer(query.content_id, query.after, query.timeout_ms);
    },
  );
}
