/** The projections: how far they are, and rebuilding one. */
import Type, { type Static } from 'typebox';
import type { Platform } from '../pipelines/platform.ts';
import type { Projection } from '../pipelines/projection.ts';
import type { ProjectionStatus } from '../pipelines/projection-status.ts';
import { momentOf } from './past.ts';
import { Document, namedProjection, OrNull, ProjectionName, ProjectionParams } from './projection-schemas.ts';
import { Count, json, Offset, Partition, problems, Timestamp, TopicName } from './schemas.ts';
import type { Api } from './typed.ts';

const Summary = Type.Object({
  name: ProjectionName,
  group: Type.String({ description: 'The consumer group that moves it.' }),
  topics: Type.Array(TopicName),
  version: Type.Integer({ minimum: 1, description: 'The live one.' }),
  kept_version: OrNull(Type.Integer(), 'Live before, and kept by a rebuild.'),
  rebuilding: Type.Boolean(),
  lag: Count,
  applied: Count,
  duplicates: Count,
  parked: Count,
  dead: Count,
});
const Report = Type.Object({
  id: Type.String(),
  projection: ProjectionName,
  state: Type.Enum(['RUNNING', 'DONE', 'FAILED', 'CANCELLED']),
  phase: Type.Enum(['folding', 'switching', 'comparing', 'deciding']),
  shadow: Type.Boolean(),
  started_at: Timestamp,
  ended_at: OrNull(Timestamp),
  folded: Count,
  behind: Count,
  total: OrNull(Count, 'Records to fold, as far as was known at the beginning.'),
  decide_by: OrNull(Timestamp, 'Until then it waits for whether to swap; then it lets the new version go.'),
  version: OrNull(Type.Integer({ minimum: 1 })),
  swapped: Type.Boolean(),
  paused_ms: OrNull(Count, 'How long its consumers waited.'),
  from_snapshot: OrNull(Timestamp),
  comparison: OrNull(
    Type.Object({
      compared: Count,
      differing: Count,
      differences: Type.Array(Type.Object({ key: Type.String(), live: OrNull(Document), rebuilt: OrNull(Document) }), {
        description: 'The first 20.',
      }),
    }),
  ),
  error: OrNull(Type.Object({ code: Type.String(), message: Type.String() })),
});

const Status = Type.Object({
  ...Summary.properties,
  partitions: Type.Array(
    Type.Object({
      topic: TopicName,
      partition: Partition,
      position: OrNull(Offset),
      end: Offset,
      lag: Count,
      applied: Count,
      duplicates: Count,
      parked: Count,
      dead: Count,
    }),
  ),
  rebuild: OrNull(Report, 'The one under way in this process, or its last one.'),
});

export type ProjectionSummaryJson = Static<typeof Summary>;
export type ProjectionStatusJson = Static<typeof Status>;

const RebuildBody = Type.Object(
  {
    shadow: Type.Optional(
      Type.Boolean({
        description: 'Beside the live version, and swapped in at once when it is there. Else in its place.',
      }),
    ),
    from: Type.Optional({
      ...Timestamp,
      description:
        'What was so at the newest snapshot not later than this is kept, and only what came later is folded anew.',
    }),
    diff: Type.Optional(
      Type.Boolean({ description: 'With `shadow`: compares both at equal positions. Swapped in only with `execute`.' }),
    ),
    execute: Type.Optional(Type.Boolean()),
    ask: Type.Optional(
      Type.Boolean({
        description:
          'With `diff`: when both are compared, it waits up to ten minutes for whether to swap; meanwhile it keeps up.',
      }),
    ),
    keep: Type.Optional(
      Type.Boolean({ description: 'Keeps the version that was live until the next rebuild that keeps.' }),
    ),
    incomplete: Type.Optional(Type.Boolean({ description: 'Although the log no longer has its beginning.' })),
  },
  { additionalProperties: false, examples: [{ shadow: true }] },
);
export type RebuildBodyJson = Static<typeof RebuildBody>;
export type RebuildJson = Static<typeof Report>;

const TAGS = { tags: ['projections'] };

export function projectionRoutes(app: Api, platform: Platform): void {
  const named = (name: string): Projection => namedProjection(platform, name);

  app.get(
    '/api/v1/projections',
    {
      schema: {
        ...TAGS,
        summary: 'What is made of the log, and how far',
        response: {
          200: json('Projections.', Type.Object({ projections: Type.Array(Summary) })),
          ...problems('LOG_UNAVAILABLE', 'STORE_UNAVAILABLE'),
        },
      },
    },
    async () => {
      const all = await Promise.all(platform.projections.map((one) => platform.projectionStatus(one)));
      return { projections: all.map(summaryOf) };
    },
  );

  app.get(
    '/api/v1/projections/:name',
    {
      schema: {
        ...TAGS,
        summary: 'One projection, by partition',
        params: ProjectionParams,
        response: {
          200: json('The projection.', Status),
          ...problems('UNKNOWN_PROJECTION', 'LOG_UNAVAILABLE', 'STORE_UNAVAILABLE'),
        },
      },
    },
    async ({ params }): Promise<ProjectionStatusJson> => {
      const projection = named(params.name);
      const rebuild = platform.rebuilds.latest();
      return {
        ...((await platform.projectionStatus(projection)) as Omit<ProjectionStatusJson, 'rebuild'>),
        rebuild: rebuild?.projection === projection.name ? (rebuild as RebuildJson) : null,
      };
    },
  );

  app.post(
    '/api/v1/projections/:name/rebuild',
    {
      schema: {
        ...TAGS,
        summary: 'Fold a projection from the log again; the rebuild goes on by itself',
        params: ProjectionParams,
        body: RebuildBody,
        response: {
          202: json('It has begun.', Report),
          ...problems(
            'INVALID_ARGUMENT',
            'INVALID_JSON',
            'UNSUPPORTED_MEDIA_TYPE',
            'UNKNOWN_PROJECTION',
            'REBUILD_RUNNING',
            'REBUILD_INCOMPLETE',
            'LOG_UNAVAILABLE',
            'STORE_UNAVAILABLE',
          ),
        },
      },
    },
    async ({ params, body: { shadow = false, from, ...choices } }, reply) => {
      const request = { ...choices, shadow, ...(from === undefined ? {} : { from: momentOf(from, 'from') }) };
      return reply.code(202).send(await platform.rebuilds.start(named(params.name).name, request));
    },
  );

  app.get(
    '/api/v1/projections/:name/rebuild',
    {
      schema: {
        ...TAGS,
        summary: 'The rebuild under way, or the last one',
        params: ProjectionParams,
        response: { 200: json('The rebuild.', Report), ...problems('UNKNOWN_PROJECTION', 'UNKNOWN_REBUILD') },
      },
    },
    async ({ params }) => platform.rebuilds.report(named(params.name).name),
  );

  app.post(
    '/api/v1/projections/:name/rebuild/decision',
    {
      schema: {
        ...TAGS,
        summary: 'Swap the rebuilt version in, or let it go, once it was compared',
        params: ProjectionParams,
        body: Type.Object({ swap: Type.Boolean() }, { additionalProperties: false }),
        response: {
          202: json('It goes on.', Report),
          ...problems(
            'INVALID_ARGUMENT',
            'INVALID_JSON',
            'UNSUPPORTED_MEDIA_TYPE',
            'UNKNOWN_PROJECTION',
            'UNKNOWN_REBUILD',
            'REBUILD_NOT_WAITING',
          ),
        },
      },
    },
    async ({ params, body }, reply) =>
      reply.code(202).send(platform.rebuilds.decide(named(params.name).name, body.swap)),
  );

  app.delete(
    '/api/v1/projections/:name/rebuild',
    {
      schema: {
        ...TAGS,
        summary: 'Cancel the rebuild; the live version stays',
        params: ProjectionParams,
        response: { 200: json('How it ended.', Report), ...problems('UNKNOWN_PROJECTION', 'UNKNOWN_REBUILD') },
      },
    },
    async ({ params }) => platform.rebuilds.cancel(named(params.name).name),
  );
}

function summaryOf({ partitions: _, ...summary }: ProjectionStatus) {
  return summary;
}
