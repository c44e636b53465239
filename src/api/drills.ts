/** Drills: what there is to run and what is missing for it, a run as it goes on, and the reports of earlier ones. */
import Type, { type Static } from 'typebox';
import { KitError } from '../kit/errors.ts';
import { Count, json, problems, Timestamp } from './schemas.ts';
import type { Api } from './typed.ts';

const OrNull = <T extends Type.TSchema>(schema: T, description?: string) =>
  Type.Union([schema, Type.Null()], description === undefined ? {} : { description });

const DrillName = Type.String({ minLength: 1, maxLength: 100, examples: ['broker-kill'] });
const Rate = Type.Integer({ minimum: 1, maximum: 100_000, examples: [3000] });
const Seed = Type.Integer({ minimum: 0, maximum: 2 ** 31 });
const Scale = Type.Number({ minimum: 0.05, maximum: 5 });
const Milliseconds = Type.Number({ minimum: 0 });
const Id = Type.String({ minLength: 1, maxLength: 200 });

const Options = {
  rate_per_second: Rate,
  seed: Seed,
  scale: Scale,
  sabotage: OrNull(Type.String(), 'The safeguard that was taken away, to see the drill fail.'),
};

const Criterion = Type.Object({
  name: Type.String(),
  limit: Type.String({ examples: ['at most 5 s'] }),
  measured: Type.String(),
  pass: Type.Boolean(),
});
const Finding = Type.Object({ kind: Type.String(), count: Count, examples: Type.Array(Type.String()) });
const Verdict = Type.Object({
  passed: Type.Boolean(),
  criteria: Type.Array(Criterion),
  findings: Type.Array(Finding),
  notes: Type.Array(Type.String()),
  error: OrNull(Type.String(), 'Why it could not be brought to its end.'),
});

const Bucket = Type.Object({
  at_ms: Type.Number({ description: 'Since the first publish.' }),
  acked: Count,
  applied: Count,
  p50_ms: OrNull(Milliseconds),
  p99_ms: OrNull(Milliseconds),
  max_ms: OrNull(Milliseconds),
});
const Timeline = Type.Object({
  bucket_ms: Type.Integer({ minimum: 1 }),
  from: Type.Integer({ minimum: 0, description: 'Which bucket the first of `buckets` is.' }),
  total: Count,
  buckets: Type.Array(Bucket),
});
const Mark = Type.Object({ at_ms: Type.Number(), label: Type.String() });

const Run = Type.Object({
  id: Id,
  drill: DrillName,
  state: Type.Enum(['RUNNING', 'CANCELLING', 'PASSED', 'FAILED', 'CANCELLED', 'BROKEN'], {
    description: 'BROKEN: its process ended without a verdict.',
  }),
  ...Options,
  started_at: Timestamp,
  ended_at: OrNull(Timestamp),
  progress: Type.Array(Type.Object({ at: Timestamp, text: Type.String() }), { description: 'The last 200 lines.' }),
  marks: Type.Array(Mark),
  timeline: Timeline,
  verdict: OrNull(Verdict),
  report: OrNull(Id, 'Of the report that it left.'),
  error: OrNull(Type.Object({ code: Type.String(), message: Type.String() })),
});
const RunSummary = Type.Pick(Run, ['id', 'drill', 'state', 'started_at', 'ended_at']);

const ReportSummary = Type.Object({
  id: Id,
  drill: DrillName,
  ...Options,
  started_at: Timestamp,
  duration_s: Type.Number(),
  passed: Type.Boolean(),
  missed: Type.Array(Type.String(), { description: 'Criteria that were not met.' }),
});
const Report = Type.Object({
  ...ReportSummary.properties,
  proves: Type.String(),
  promises: Type.Array(Type.String()),
  verdict: Verdict,
  marks: Type.Array(Mark),
  timeline: Timeline,
  checked: OrNull(Type.Record(Type.String(), Count), 'What the checker looked at.'),
  memory: Type.Array(Type.Object({ process: Type.String(), highest_bytes: Count })),
  machine: Type.Object({ cores: Count, memory_bytes: Count, node: Type.String() }),
});

const Drill = Type.Object({
  name: DrillName,
  proves: Type.String(),
  promises: Type.Array(Type.String(), { examples: [['P1', 'P8']] }),
  requires: Type.Array(Type.String()),
  missing: OrNull(Type.Object({ requirement: Type.String(), remedy: Type.String() }), 'Why it cannot be run here.'),
  defaults: Type.Object({ rate_per_second: Rate, scale: Scale }),
  last_report: OrNull(ReportSummary),
});
const Catalog = Type.Object({
  drills: Type.Array(Drill),
  promises: Type.Record(Type.String(), Type.String(), { description: 'What each of them says.' }),
  sabotages: Type.Array(Type.String()),
  run: OrNull(RunSummary, 'Under way, or the last one.'),
});

const StartBody = Type.Object(
  {
    rate_per_second: Type.Optional(Rate),
    seed: Type.Optional(Seed),
    scale: Type.Optional(Scale),
    sabotage: Type.Optional(OrNull(Type.String({ maxLength: 100 }))),
  },
  { additionalProperties: false, examples: [{ scale: 0.5 }] },
);

export type DrillCatalog = Static<typeof Catalog>;
export type DrillEntry = Static<typeof Drill>;
export type DrillRun = Static<typeof Run>;
export type DrillReportSummary = Static<typeof ReportSummary>;
export type DrillReportDocument = Static<typeof Report>;
export type DrillVerdict = Static<typeof Verdict>;
export type DrillTimeline = Static<typeof Timeline>;
export type DrillStart = Static<typeof StartBody>;

/** Who runs drills: one at a time, each on a system of its own. */
export interface DrillRuns {
  catalog(): Promise<DrillCatalog>;
  /** @throws KitError UNKNOWN_DRILL, MISSING_COMPONENT, DRILL_RUNNING, INVALID_ARGUMENT */
  start(drill: string, options: DrillStart): Promise<DrillRun>;
  /** @param fromBucket the timeline from there on @throws KitError UNKNOWN_DRILL_RUN */
  run(id: string, fromBucket: number): DrillRun;
  /** Of one that has ended nothing is changed. @throws KitError UNKNOWN_DRILL_RUN */
  cancel(id: string): DrillRun;
  /** The newest first. */
  reports(choice: { readonly drill: string | null; readonly limit: number }): Promise<{
    readonly reports: readonly DrillReportSummary[];
    readonly total: number;
  }>;
  /** @throws KitError UNKNOWN_DRILL_REPORT */
  report(id: string): Promise<DrillReportDocument>;
}

function nobody(): never {
  throw new KitError('UNKNOWN_DRILL', 'This server was started without drills.');
}

/** Of a server that was given none. */
export const NO_DRILLS: DrillRuns = {
  catalog: async () => ({ drills: [], promises: {}, sabotages: [], run: null }),
  start: nobody,
  run: nobody,
  cancel: nobody,
  reports: async () => ({ reports: [], total: 0 }),
  report: nobody,
};

const TAGS = { tags: ['drills'] };
const MAX_REPORTS = 200;
const RunParams = Type.Object({ id: Id });

export function drillRoutes(app: Api, drills: DrillRuns): void {
  app.get(
    '/api/v1/drills',
    {
      schema: {
        ...TAGS,
        summary: 'The drills, what each proves, what is missing here to run it, and how it ended last',
        response: { 200: json('Drills.', Catalog), ...problems() },
      },
    },
    () => drills.catalog(),
  );

  app.post(
    '/api/v1/drills/:name/runs',
    {
      schema: {
        ...TAGS,
        summary: 'Run a drill on a system of its own, in a process of its own; one at a time',
        params: Type.Object({ name: DrillName }),
        body: StartBody,
        response: {
          202: json('It has begun.', Run),
          ...problems(
            'INVALID_ARGUMENT',
            'INVALID_JSON',
            'UNSUPPORTED_MEDIA_TYPE',
            'UNKNOWN_DRILL',
            'MISSING_COMPONENT',
            'DRILL_RUNNING',
          ),
        },
      },
    },
    async ({ params, body }, reply) => reply.code(202).send(await drills.start(params.name, body)),
  );

  app.get(
    '/api/v1/drills/runs/:id',
    {
      schema: {
        ...TAGS,
        summary: 'A run: what it does, what was measured so far, and its verdict once there is one',
        params: RunParams,
        querystring: Type.Object(
          {
            from_bucket: Type.Optional(
              Type.Integer({ minimum: 0, maximum: 1_000_000, description: 'The timeline from this bucket on.' }),
            ),
          },
          { additionalProperties: false },
        ),
        response: { 200: json('The run.', Run), ...problems('INVALID_ARGUMENT', 'UNKNOWN_DRILL_RUN') },
      },
    },
    async ({ params, query: { from_bucket = 0 } }) => drills.run(params.id, from_bucket),
  );

  app.delete(
    '/api/v1/drills/runs/:id',
    {
      schema: {
        ...TAGS,
        summary: 'Cancel a run; its processes and servers end, and there is no verdict',
        params: RunParams,
        response: { 200: json('The run.', Run), ...problems('UNKNOWN_DRILL_RUN') },
      },
    },
    async ({ params }) => drills.cancel(params.id),
  );

  app.get(
    '/api/v1/drills/reports',
    {
      schema: {
        ...TAGS,
        summary: 'Reports of earlier runs, those of the command line too, the newest first',
        querystring: Type.Object(
          {
            drill: Type.Optional(DrillName),
            limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_REPORTS })),
          },
          { additionalProperties: false },
        ),
        response: {
          200: json('Reports.', Type.Object({ reports: Type.Array(ReportSummary), total: Count })),
          ...problems('INVALID_ARGUMENT'),
        },
      },
    },
    ({ query: { drill = null, limit = 50 } }) => drills.reports({ drill, limit }),
  );

  app.get(
    '/api/v1/drills/reports/:id',
    {
      schema: {
        ...TAGS,
        summary: 'One report: criteria, findings and the timeline',
        params: RunParams,
        response: { 200: json('The report.', Report), ...problems('UNKNOWN_DRILL_REPORT') },
      },
    },
    ({ params }) => drills.report(params.id),
  );
}
