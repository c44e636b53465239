import Type, { type Static } from 'typebox';
import { SOCIAL_TOPICS } from '../domains/social/topics.ts';
import type { Platform } from '../pipelines/platform.ts';
import type { Closing } from './closing.ts';
import { momentOf, whileAsked } from './past.ts';
import { namedProjection, OrNull } from './projection-schemas.ts';
import { Count, json, problems, Timestamp } from './schemas.ts';
import type { Api } from './typed.ts';

const Query = Type.Object(
  {
    projection: Type.Optional(
      Type.String({ maxLength: 100, description: 'Of the topics that it reads. Default: all topics of events.' }),
    ),
    from: Type.Optional({ ...Timestamp, description: 'Default: the first record.' }),
    to: Type.Optional({ ...Timestamp, description: 'Default: the last record.' }),
    buckets: Type.Optional(Type.Integer({ minimum: 1, maximum: 240, description: 'At most. Default 96.' })),
  },
  { additionalProperties: false },
);
const Range = Type.Object({
  first: OrNull(Timestamp, 'Time of the first record that the log still has; null in an empty log.'),
  last: OrNull(Timestamp, 'Time of the last record.'),
  records: Count,
  from: Timestamp,
  to: Timestamp,
  bucket_ms: Type.Integer({ minimum: 1 }),
  counts: Type.Array(Count, { description: 'Records by bucket, from `from` to `to`.' }),
  partitions_counted: Type.Integer({ minimum: 0, description: 'Fewer than there are where there are very many.' }),
  partitions: Count,
});
export type LogRangeJson = Static<typeof Range>;

export function logRangeRoutes(app: Api, platform: Platform, closing: Closing): void {
  app.get(
    '/api/v1/log/range',
    {
      schema: {
        tags: ['topics'],
        summary: 'When records came to the log: the first, the last, and how many over time',
        querystring: Query,
        response: {
          200: json('The range.', Range),
          ...problems('INVALID_ARGUMENT', 'UNKNOWN_PROJECTION', 'LOG_UNAVAILABLE'),
        },
      },
    },
    async ({ query: { projection, from, to, buckets = 96 } }, reply): Promise<LogRangeJson> => {
      const topics = projection === undefined ? SOCIAL_TOPICS : namedProjection(platform, projection).topics;
      const request = {
        topics,
        buckets,
        ...(from === undefined ? {} : { from: momentOf(from, 'from') }),
        ...(to === undefined ? {} : { to: momentOf(to, 'to') }),
      };
      const range = await closing.orClosing(platform.logRange(request, whileAsked(reply, closing)));
      const text = (at: number) => new Date(at).toISOString();
      return {
        first: range.first === null ? null : text(range.first),
        last: range.last === null ? null : text(range.last),
        records: range.records,
        from: text(range.from),
        to: text(range.to),
        bucket_ms: range.bucketMs,
        counts: [...range.counts],
        partitions_counted: range.partitions.counted,
        partitions: range.partitions.all,
      };
    },
  );
}
