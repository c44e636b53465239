import Type, { type Static } from 'typebox';
import { shownTime } from '../kit/schemas/formats.ts';
import type { Platform } from '../pipelines/platform.ts';
import { PROJECTION_NAMES } from '../pipelines/projection.ts';
import { FilterQuery, Fingerprint, filterOf, LetterCode, LetterId } from './dead-letter-json.ts';
import { Count, json, problems, Timestamp, TopicName } from './schemas.ts';
import type { Api } from './typed.ts';

const MAX_GROUPS = 200;

const Query = Type.Object(
  {
    ...FilterQuery.properties,
    buckets: Type.Optional(Type.Integer({ minimum: 2, maximum: 240, description: 'At most so many. 60.' })),
  },
  { additionalProperties: false },
);
const Counts = Type.Array(Count, { description: 'By bucket.' });
const Group = Type.Object({
  fingerprint: Fingerprint,
  code: LetterCode,
  group: Type.String(),
  handler: Type.Union([Type.Enum(PROJECTION_NAMES), Type.Null()], {
    description: 'Whose group it is; null: none of the projections.',
  }),
  topic: TopicName,
  shape: Type.String({ description: 'The reason without ids, numbers and quotations: … stands for them.' }),
  count: Count,
  open: Type.Integer({ minimum: 0, description: 'Of those, not replayed.' }),
  first_seen_at: Timestamp,
  last_seen_at: Timestamp,
  counts: Counts,
  example_id: LetterId,
  example_reason: Type.String(),
});
const Groups = Type.Object({
  groups: Type.Array(Group, { maxItems: MAX_GROUPS, description: 'Those that failed last first.' }),
  group_count: Count,
  from: { ...Timestamp, description: 'Of the first bucket.' },
  bucket_ms: Count,
  counts: Counts,
  matching: Count,
  depth: Type.Integer({ minimum: 0, description: 'Open ones of every kind.' }),
  older: Type.Integer({
    minimum: 0,
    description: 'Open ones too old to be listed, in no group here; they are still in their topic.',
  }),
  max_listed: Type.Integer({ minimum: 1, description: 'So many are listed, the newest.' }),
});
export type DeadLetterGroupJson = Static<typeof Group>;
export type DeadLetterGroupsJson = Static<typeof Groups>;

export function deadLetterGroupRoutes(app: Api, platform: Pick<Platform, 'deadLetters' | 'failures'>): void {
  app.get(
    '/api/v1/dlq/groups',
    {
      schema: {
        tags: ['dead letters'],
        summary: 'Dead letters by fingerprint, and how many came when; replayed ones included unless told otherwise',
        querystring: Query,
        response: { 200: json('Groups.', Groups), ...problems('INVALID_ARGUMENT', 'LOG_UNAVAILABLE') },
      },
    },
    async ({ query: { replayed, buckets: maxBuckets, ...query } }): Promise<DeadLetterGroupsJson> => {
      const found = await platform.deadLetters.groups({
        ...filterOf(query),
        ...(replayed === undefined ? {} : { replayed }),
        ...(maxBuckets === undefined ? {} : { maxBuckets }),
      });
      const { groups, buckets, matching, older, maxEntries } = found;
      const counts = new Array<number>(buckets.count).fill(0);
      for (const group of groups) for (const [bucket, count] of group.counts.entries()) counts[bucket]! += count;
      return {
        groups: groups.slice(0, MAX_GROUPS).map(({ firstSeenAt, lastSeenAt, example, ...group }) => ({
          ...group,
          counts: [...group.counts],
          handler: platform.failures.handlerOf(group.group),
          first_seen_at: shownTime(firstSeenAt),
          last_seen_at: shownTime(lastSeenAt),
          example_id: example.id,
          example_reason: example.reason,
        })),
        group_count: groups.length,
        from: shownTime(buckets.from),
        bucket_ms: buckets.widthMs,
        counts,
        matching,
        depth: await platform.deadLetters.depth(),
        older,
        max_listed: maxEntries,
      };
    },
  );
}
