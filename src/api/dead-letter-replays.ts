/** Replays that go on by themselves: planned, begun, looked at, cancelled. */
import Type, { type Static } from 'typebox';
import type { ReplayJobReport, ReplayJobRequest, ReplayPlan } from '../kit/dlq/replay-jobs.ts';
import { KitError } from '../kit/errors.ts';
import { shownTime } from '../kit/schemas/formats.ts';
import type { Platform } from '../pipelines/platform.ts';
import {
  FilterBody,
  Fingerprint,
  filterOf,
  LetterId,
  MAX_REPAIR_BYTES,
  OrNull,
  REPLAY_PROBLEMS,
  RepairJson,
  ReplayItemJson,
  repairOf,
  replayItemJson,
} from './dead-letter-json.ts';
import { Count, json, problems, Timestamp } from './schemas.ts';
import type { Api } from './typed.ts';

const Body = Type.Object(
  {
    ids: Type.Optional(
      Type.Array(LetterId, { minItems: 1, maxItems: 1_000, description: 'These, replayed before or not.' }),
    ),
    fingerprint: Type.Optional({ ...Fingerprint, description: 'The open ones of this group.' }),
    filter: Type.Optional({ ...FilterBody, description: 'The open ones that match; of all, where it is empty.' }),
    rate_per_second: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 10_000, description: '100.' })),
    repaired: Type.Optional(RepairJson),
    execute: Type.Optional(Type.Boolean({ description: 'Without it nothing is sent: the answer says what would be.' })),
  },
  {
    additionalProperties: false,
    description: 'One of `ids`, `fingerprint` and `filter`.',
    examples: [{ fingerprint: '1f0c7a52be93d466', rate_per_second: 50, execute: true }],
  },
);

const PLAN = {
  planned: Type.Integer({ minimum: 0, description: 'To be sent.' }),
  refused: Type.Integer({ minimum: 0, description: 'That may not be sent again.' }),
  rate_per_second: Type.Number(),
  duration_ms: Type.Integer({ minimum: 0, description: 'At that rate.' }),
};
const Plan = Type.Object({
  executed: Type.Literal(false),
  ...PLAN,
  refusals: Type.Array(ReplayItemJson, { description: 'The first 100.' }),
});
const Report = Type.Object({
  executed: Type.Literal(true),
  id: Type.String(),
  state: Type.Enum(['RUNNING', 'DONE', 'CANCELLED', 'FAILED']),
  cancelling: Type.Boolean({ description: 'It was told to end and has not yet.' }),
  ...PLAN,
  started_at: Timestamp,
  ended_at: OrNull(Timestamp),
  sent: Count,
  failed: Count,
  sent_per_second: OrNull(Type.Number(), 'Since it began; null before the first.'),
  eta_ms: OrNull(Count, 'Null unless it runs and has sent some.'),
  problems: Type.Array(ReplayItemJson, { description: 'The first 100 that were refused or failed.' }),
  error: OrNull(Type.Object({ code: Type.String(), message: Type.String() }), 'Why its state is FAILED.'),
  fates: Type.Object(
    { pending: Count, parked: Count, applied: Count, dead: Count, unknown: Count },
    {
      description:
        'What the groups that had given the events up have made of those sent. `applied`: the effect is stored, once, ' +
        'now or earlier. `unknown`: how far the group is is not known here.',
    },
  ),
  dead_again: Type.Array(Type.String(), { description: 'Ids of the new dead letters, the first 20.' }),
});
export type ReplayPlanJson = Static<typeof Plan>;
export type ReplayJobJson = Static<typeof Report>;

const Params = Type.Object({ id: Type.String({ minLength: 1, maxLength: 100 }) });
const TAGS = { tags: ['dead letters'] };
const FOLLOWING = ['UNKNOWN_REPLAY', 'STORE_UNAVAILABLE', 'LOG_UNAVAILABLE'];

export function deadLetterReplayRoutes(app: Api, platform: Pick<Platform, 'failures'>): void {
  app.post(
    '/api/v1/dlq/replays',
    {
      bodyLimit: MAX_REPAIR_BYTES,
      schema: {
        ...TAGS,
        summary:
          'Send dead letters to their topics again at a limited rate; the replay goes on by itself, one at a time',
        body: Body,
        response: {
          200: json('What it would do: `execute` was not true.', Plan),
          202: json('It has begun.', Report),
          ...REPLAY_PROBLEMS,
        },
      },
    },
    async ({ body }, reply): Promise<ReplayPlanJson | ReplayJobJson> => {
      const { replays } = platform.failures;
      const request = requestOf(body);
      if (body.execute !== true) return planJson(await replays.plan(request));
      const report = await replays.start(request);
      reply.code(202);
      return reportJson(report);
    },
  );

  app.get(
    '/api/v1/dlq/replays',
    {
      schema: {
        ...TAGS,
        summary: 'The last 20 replays of this process, newest first, as last looked at',
        response: { 200: json('Replays.', Type.Object({ replays: Type.Array(Report) })), ...problems() },
      },
    },
    async () => ({ replays: platform.failures.replays.reports().map(reportJson) }),
  );

  app.get(
    '/api/v1/dlq/replays/:id',
    {
      schema: {
        ...TAGS,
        summary: 'How far a replay is, and what became of what it sent',
        params: Params,
        response: { 200: json('The replay.', Report), ...problems(...FOLLOWING) },
      },
    },
    async ({ params }) => reportJson(await platform.failures.replays.report(params.id)),
  );

  app.delete(
    '/api/v1/dlq/replays/:id',
    {
      schema: {
        ...TAGS,
        summary: 'Send no more of a replay; what was sent stays sent',
        params: Params,
        response: { 200: json('How it ended.', Report), ...problems('UNKNOWN_REPLAY') },
      },
    },
    async ({ params }) => reportJson(await platform.failures.replays.cancel(params.id)),
  );
}

/** @throws KitError INVALID_REPLAY, INVALID_ARGUMENT */
function requestOf({ ids, fingerprint, filter, rate_per_second, repaired }: Static<typeof Body>): ReplayJobRequest {
  if ([ids, fingerprint, filter].filter((choice) => choice !== undefined).length !== 1)
    throw new KitError('INVALID_REPLAY', 'name either ids, or a fingerprint, or a filter');
  const chosen = filter === undefined ? {} : filterOf(filter);
  return {
    ...(ids === undefined ? {} : { ids }),
    ...(fingerprint === undefined ? {} : { fingerprint }),
    ...chosen,
    ...(filter !== undefined && Object.keys(chosen).length === 0 ? { all: true } : {}),
    ...(rate_per_second === undefined ? {} : { ratePerSecond: rate_per_second }),
    ...(repaired === undefined ? {} : { repaired: repairOf(repaired) }),
  };
}

function planJson({ planned, refused, refusals, ratePerSecond, durationMs }: ReplayPlan): ReplayPlanJson {
  return {
    executed: false,
    planned,
    refused,
    rate_per_second: ratePerSecond,
    duration_ms: durationMs,
    refusals: refusals.map(replayItemJson) as ReplayPlanJson['refusals'],
  };
}

function reportJson(report: ReplayJobReport): ReplayJobJson {
  const { id, state, cancelling, planned, refused, sent, failed, error, fates, endedAt } = report;
  return {
    executed: true,
    id,
    state,
    cancelling,
    planned,
    refused,
    rate_per_second: report.ratePerSecond,
    duration_ms: report.durationMs,
    started_at: shownTime(report.startedAt),
    ended_at: endedAt === null ? null : shownTime(endedAt),
    sent,
    failed,
    sent_per_second: report.sentPerSecond,
    eta_ms: report.etaMs,
    problems: report.problems.map(replayItemJson) as ReplayJobJson['problems'],
    error,
    fates,
    dead_again: [...report.deadAgain],
  };
}
