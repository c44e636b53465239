import Type from 'typebox';
import { DAY, MINUTE, type PeriodKind, slotAt } from '../domains/social/analytics.ts';
import {
  activeUsers,
  countsOf,
  FUNNEL_KEYS,
  funnelReport,
  type Range,
  slotsOf,
  topContent,
} from '../domains/social/analytics-report.ts';
import { CONTENT_INTERACTIONS, EVENT_TYPES } from '../domains/social/events.ts';
import { FUNNEL_STAGES } from '../domains/social/funnel.ts';
import { KitError } from '../kit/errors.ts';
import { epochMs } from '../kit/schemas/formats.ts';
import type { Platform } from '../pipelines/platform.ts';
import { After, DEFAULT_WAIT_MS, positionOf, TimeoutMs } from './after.ts';
import type { Closing } from './closing.ts';
import { Count, json, problems } from './schemas.ts';
import type { Api } from './typed.ts';

/** Periods of one answer: a sketch has as many as 4,096 registers, counts are ten numbers. */
const MAX_COUNTED = 1_440;
const MAX_ESTIMATED: Readonly<Record<PeriodKind['name'], number>> = { minute: 180, day: 100 };
const DEFAULT_PERIODS: Readonly<Record<PeriodKind['name'], number>> = { minute: 60, day: 30 };
const DEFAULT_TOP = 10;
const MAX_TOP = 1_000;

const Moment = (description: string) =>
  Type.Optional(Type.String({ maxLength: 64, description, examples: ['2026-05-27T14:00:00Z', '2026-05-27'] }));
const Waiting = { after: After, timeout_ms: TimeoutMs };
const Between = {
  from: Moment('A moment or a date; its period is the first. Default: 60 minutes or 30 days in all.'),
  to: Moment('A moment or a date; its period is the last. Default: now.'),
  ...Waiting,
};
const Ranged = Type.Object(Between, { additionalProperties: false });
const Periods = json(
  'Counts by event time, one for every period of the range.',
  Type.Object({
    periods: Type.Array(
      Type.Object({
        period: Type.String({ examples: ['2026-05-27T14:03:00Z', '2026-05-27'] }),
        total: Count,
        counts: Type.Object(Object.fromEntries(EVENT_TYPES.map((type) => [type, Count]))),
      }),
    ),
    error: Type.Literal(0, {
      description: 'Counts are exact. What is older than is kept is 0, and so are events that came that late.',
    }),
  }),
);
const Estimate = {
  estimate: Count,
  standard_error: Type.Number({
    description:
      'Relative: 0.01625 is 1.625 %. Two thirds of estimates are within it, 99.7 % within three times as much.',
  }),
};
const PROBLEMS = problems('INVALID_ARGUMENT', 'STORE_UNAVAILABLE', 'NOT_APPLIED_YET');

export function analyticsRoutes(app: Api, platform: Platform, closing: Closing): void {
  const state = platform.state.analytics;
  const applied = async ({ after, timeout_ms = DEFAULT_WAIT_MS }: { after?: string; timeout_ms?: number }) => {
    if (after !== undefined) await closing.orClosing(platform.applied(positionOf(after), timeout_ms, 'analytics'));
  };

  for (const kind of [MINUTE, DAY]) {
    app.get(
      `/api/v1/analytics/${kind.name}s`,
      {
        schema: {
          tags: ['analytics'],
          summary: `Events by type and ${kind.name}`,
          description: `Of the last ${kind.slots} ${kind.name}s, ${Math.min(kind.slots, MAX_COUNTED)} at a time.`,
          querystring: Ranged,
          response: { 200: Periods, ...PROBLEMS },
        },
      },
      async ({ query }) => {
        await applied(query);
        const slots = slotsOf(rangeOf(query, kind, Math.min(kind.slots, MAX_COUNTED)), kind);
        const documents = await state.getMany(slots.map(({ slot }) => `${kind.name}/${slot}`));
        return { periods: slots.map((slot, index) => countsOf(slot, documents[index] ?? null)), error: 0 };
      },
    );
  }

  app.get(
    '/api/v1/analytics/active-users',
    {
      schema: {
        tags: ['analytics'],
        summary: 'How many different users were active',
        description: `Who registered, posted, changed a profile, followed, liked, commented, shared or viewed. Estimates (HyperLogLog), at most ${MAX_ESTIMATED.day} days or ${MAX_ESTIMATED.minute} minutes at a time.`,
        querystring: Type.Object(
          { by: Type.Optional(Type.Enum(['day', 'minute'], { default: 'day' })), ...Between },
          { additionalProperties: false },
        ),
        response: {
          200: json(
            'Estimates, one for every period of the range, and of the whole range.',
            Type.Object({
              periods: Type.Array(Type.Object({ period: Type.String(), ...Estimate })),
              all: Type.Object(Estimate, { description: 'Each user once, however many periods they were active in.' }),
            }),
          ),
          ...PROBLEMS,
        },
      },
    },
    async ({ query }) => {
      await applied(query);
      const kind = query.by === 'minute' ? MINUTE : DAY;
      const slots = slotsOf(rangeOf(query, kind, MAX_ESTIMATED[kind.name]), kind);
      const documents = await state.getMany(slots.map(({ slot }) => `active/${kind.name}/${slot}`));
      return activeUsers(slots, documents, kind);
    },
  );

  app.get(
    '/api/v1/analytics/top',
    {
      schema: {
        tags: ['analytics'],
        summary: 'The content with the most interactions of a day',
        description:
          'Likes, comments, shares and views by event time. count - error <= true count <= count (Space-Saving, 1,000 contents a partition).',
        querystring: Type.Object(
          {
            day: Moment('A moment or a date. Default: today, in UTC.'),
            limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_TOP, default: DEFAULT_TOP })),
            ...Waiting,
          },
          { additionalProperties: false },
        ),
        response: {
          200: json(
            'The heaviest first.',
            Type.Object({
              day: Type.String({ format: 'date' }),
              items: Type.Array(Type.Object({ content_id: Type.String(), count: Count, error: Count })),
              uncounted_at_most: Type.Integer({
                minimum: 0,
                description: 'A content that no partition counts any more has at most so many; 0: all are counted.',
              }),
            }),
          ),
          ...PROBLEMS,
        },
      },
    },
    async ({ query }) => {
      await applied(query);
      const { slot, period } = slotAt(query.day === undefined ? Date.now() : momentOf('day', query.day), DAY);
      const partitions = (await state.partitions()).filter(({ topic }) => topic === CONTENT_INTERACTIONS);
      const documents = await state.getMany(partitions.map(({ partition }) => `top/${partition}/${slot}`));
      return { day: period, ...topContent(period, documents, query.limit ?? DEFAULT_TOP) };
    },
  );

  app.get(
    '/api/v1/analytics/funnel',
    {
      schema: {
        tags: ['analytics'],
        summary: 'How far users come: registered, posted, liked',
        description:
          'Users who registered; of those, who posted; of those, of whom a post was liked. Over all time; estimates (HyperLogLog).',
        querystring: Type.Object(Waiting, { additionalProperties: false }),
        response: {
          200: json(
            'The stages in order.',
            Type.Object({ stages: Type.Array(Type.Object({ stage: Type.Enum(FUNNEL_STAGES), ...Estimate })) }),
          ),
          ...PROBLEMS,
        },
      },
    },
    async ({ query }) => {
      await applied(query);
      return { stages: funnelReport(await state.getMany(FUNNEL_KEYS)) };
    },
  );
}

/** @throws KitError INVALID_ARGUMENT: no such moment, or more than `most` periods */
function rangeOf(query: { readonly from?: string; readonly to?: string }, kind: PeriodKind, most: number): Range {
  const toMs = query.to === undefined ? Date.now() : momentOf('to', query.to);
  const fromMs =
    query.from === undefined ? toMs - (DEFAULT_PERIODS[kind.name] - 1) * kind.ms : momentOf('from', query.from);
  if (Math.floor(toMs / kind.ms) - Math.floor(fromMs / kind.ms) >= most)
    throw new KitError(
      'INVALID_ARGUMENT',
      `query from: at most ${most} ${kind.name}s at a time; ask for a shorter range`,
    );
  return { fromMs, toMs };
}

function momentOf(name: string, text: string): number {
  const ms = epochMs(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text);
  if (!Number.isNaN(ms)) return ms;
  throw new KitError(
    'INVALID_ARGUMENT',
    `query ${name}: must be a date or an RFC 3339 date-time, as 2026-05-27T14:00:00Z`,
  );
}
