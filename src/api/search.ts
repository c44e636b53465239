import Type, { type Static } from 'typebox';
import type { Platform } from '../pipelines/platform.ts';
import { HIT_KINDS } from '../pipelines/search.ts';
import type { Closing } from './closing.ts';
import { whileAsked } from './past.ts';
import { Count, json, problems } from './schemas.ts';
import type { Api } from './typed.ts';

const MAX_TEXT_CHARS = 600;
const Kind = Type.Enum(HIT_KINDS);

const SearchJson = Type.Object(
  {
    q: Type.String(),
    hits: Type.Array(
      Type.Object({
        kind: Kind,
        title: Type.String(),
        detail: Type.String(),
        link: Type.String({ description: 'A path of the page.' }),
      }),
      { description: 'At most 5 of a kind; ids before names.' },
    ),
    missing: Type.Array(Kind, { description: 'Could not be looked up within 180 ms.' }),
    looked: Type.Union(
      [
        Type.Object({
          records: Count,
          complete: Type.Boolean({ description: 'Whether that is all of the log.' }),
        }),
        Type.Null(),
      ],
      {
        description:
          'How many of the newest records were looked through for a user that no projection has anything of; null where none were.',
      },
    ),
  },
  {
    examples: [
      {
        q: 'post_991',
        hits: [
          {
            kind: 'content',
            title: 'post_991',
            detail: '3 likes, 0 comments, 1 share, 40 views',
            link: '/state/engagement/post_991',
          },
        ],
        missing: [],
        looked: { records: 20_000, complete: false },
      },
    ],
  },
);

export type SearchJson = Static<typeof SearchJson>;

export function searchRoutes(app: Api, platform: Platform, closing: Closing): void {
  app.get(
    '/api/v1/search',
    {
      schema: {
        tags: ['search'],
        summary: 'Events, users, contents, topics, groups, documents and dead letters by id or name',
        description:
          'Events are looked for where they are found at once; `GET /api/v1/journeys/:event_id` looks through the log as well. ' +
          'Users are found by what projections have of them (registered, posted, follow or are followed, are told something, had a session), and ' +
          'who only reacts to others in the newest records: 20,000, or 100 ms of reading.',
        querystring: Type.Object(
          { q: Type.String({ minLength: 1, maxLength: MAX_TEXT_CHARS }) },
          { additionalProperties: false },
        ),
        response: { 200: json('What there is.', SearchJson), ...problems('INVALID_ARGUMENT') },
      },
    },
    async ({ query: { q } }, reply): Promise<SearchJson> => {
      const text = q.trim();
      if (text === '') return { q, hits: [], missing: [], looked: null };
      const { hits, missing, looked } = await closing.orClosing(platform.search.find(text, whileAsked(reply, closing)));
      return { q, hits: [...hits], missing: [...missing], looked };
    },
  );
}
