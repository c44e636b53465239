/** The projections: how far they are, rebuilding one, and what one was at a time of the past. */
import Type from 'typebox';
import { KitError } from '../kit/errors.ts';
import type { Platform } from '../pipelines/platform.ts';
import { PROJECTION_NAMES, type Projection } from '../pipelines/projection.ts';
import type { ProjectionStatus } from '../pipelines/projection-status.ts';
import type { Closing } from './closing.ts';
import { momentOf, PAST_PROBLEMS, whileAsked } from './past.ts';
import { Count, json, Offset, Partition, problems, Timestamp, TopicName } from './schemas.ts';
import type { Api } from './typed.ts';

const Name = Type.Enum(PROJECTION_NAMES);
const Params = Type.Object({ name: Type.String({ minLength: 1, maxLength: 100, examples: ['engagement'] }) });
const Document = Type.Record(Type.String(), Type.Union([Type.Number(), Type.String()]));
const OrNull = <T extends Type.TSchema>(schema: T, description?: string) =>
  Type.Union([schema, Type.Null()], description === undefined ? {} : { description });

const Summary = Type.Object({
  name: Name,
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
});

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
    keep: Type.Optional(
      Type.Boolean({ description: 'Keeps the version that was live until the next rebuild that keeps.' }),
    ),
    incomplete: Type.Optional(Type.Boolean({ description: 'Although the log no longer has its beginning.' })),
  },
  { additionalProperties: false, examples: [{ shadow: true }] },
);
const Report = Type.Object({
  id: Type.String(),
  projection: Name,
  state: Type.Enum(['RUNNING', 'DONE', 'FAILED', 'CANCELLED']),
  phase: Type.Enum(['folding', 'switching', 'comparing']),
  shadow: Type.Boolean(),
  started_at: Timestamp,
  ended_at: OrNull(Timestamp),
  folded: Count,
  behind: Count,
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

const StateQuery = Type.Object(
  {
    key: Type.String({ minLength: 1, maxLength: 512, description: 'Of the document.', examples: ['post_991'] }),
    at: Timestamp,
  },
  { additionalProperties: false },
);
const State = Type.Object({
  projection: Name,
  key: Type.String(),
  at: Timestamp,
  document: Document,
  folded: Type.Integer({ minimum: 0, description: 'Records read for this answer.' }),
  from_snapshot: OrNull(Timestamp, 'What the fold began with; null: the beginning of the log.'),
  missing: Type.Integer({ minimum: 0, description: 'Records that the log has forgotten: the answer lacks them.' }),
});

const TAGS = { tags: ['projections'] };

export function projectionRoutes(app: Api, platform: Platform, closing: Closing): void {
  const named = (name: string): Projection => {
    const found = platform.projections.find((one) => one.name === name);
    if (found !== undefined) return found;
    throw new KitError(
      'UNKNOWN_PROJECTION',
      `There is no projection ${name}; there are ${PROJECTION_NAMES.join(', ')}.`,
      {
        details: { projection: name },
      },
    );
  };

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
        params: Params,
        response: {
          200: json('The projection.', Status),
          ...problems('UNKNOWN_PROJECTION', 'LOG_UNAVAILABLE', 'STORE_UNAVAILABLE'),
        },
      },
    },
    async ({ params }) => platform.projectionStatus(named(params.name)),
  );

  app.post(
    '/api/v1/projections/:name/rebuild',
    {
      schema: {
        ...TAGS,
        summary: 'Fold a projection from the log again; the rebuild goes on by itself',
        params: Params,
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
        params: Params,
        response: { 200: json('The rebuild.', Report), ...problems('UNKNOWN_PROJECTION', 'UNKNOWN_REBUILD') },
      },
    },
    async ({ params }) => platform.rebuilds.report(named(params.name).name),
  );

  app.delete(
    '/api/v1/projections/:name/rebuild',
    {
      schema: {
        ...TAGS,
        summary: 'Cancel the rebuild; the live version stays',
        params: Params,
        response: { 200: json('How it ended.', Report), ...problems('UNKNOWN_PROJECTION', 'UNKNOWN_REBUILD') },
      },
    },
    async ({ params }) => platform.rebuilds.cancel(named(params.name).name),
  );

  app.get(
    '/api/v1/projections/:name/state',
    {
      schema: {
        ...TAGS,
        summary: 'A document as it was before a time of the past',
        params: Params,
        querystring: StateQuery,
        response: {
          200: json('The document.', State),
          ...problems(
            'INVALID_ARGUMENT',
            'UNKNOWN_PROJECTION',
            'UNKNOWN_DOCUMENT',
            ...PAST_PROBLEMS,
            'STORE_UNAVAILABLE',
          ),
        },
      },
    },
    async ({ params, query: { key, at } }, reply) => {
      const { name } = named(params.name);
      return closing.orClosing(
        platform.stateAt.read(
          [name],
          momentOf(at, 'at'),
          async (states, origins) => {
            const { fromSnapshot, folded, missing } = origins[name];
            const document = await states[name].get(key);
            const origin = { folded, from_snapshot: fromSnapshot, missing };
            if (document !== null) return { projection: name, key, at, document, ...origin };
            throw new KitError('UNKNOWN_DOCUMENT', `${name} had nothing at ${key} before ${at}.`, {
              details: { projection: name, key, at, ...origin },
            });
          },
          whileAsked(reply, closing),
        ),
      );
    },
  );
}

function summaryOf({ partitions: _, ...summary }: ProjectionStatus) {
  return summary;
}
