import Type, { type Static } from 'typebox';
import { shownTime } from '../kit/schemas/formats.ts';
import type { Platform } from '../pipelines/platform.ts';
import { PROJECTION_NAMES } from '../pipelines/projection.ts';
import { Count, json, Offset, Partition, problems, Timestamp, TopicName } from './schemas.ts';
import type { Api } from './typed.ts';

const Handler = Type.Enum(PROJECTION_NAMES);

const Query = Type.Object(
  {
    handler: Type.Optional(Handler),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, description: 'Keys. 100.' })),
  },
  { additionalProperties: false },
);
const PLACE = { handler: Handler, group: Type.String(), topic: TopicName, partition: Partition };
const Parked = Type.Object({
  parked: Type.Integer({ minimum: 0, description: 'Events: those that failed and those behind them.' }),
  attempts: Type.Integer({ minimum: 1, description: 'After so many an event is given up.' }),
  partitions: Type.Array(
    Type.Object({
      ...PLACE,
      parked: Count,
      keys: Type.Union([Count, Type.Null()], { description: 'Null: too much is parked to look into all of it.' }),
      full: Type.Boolean({ description: 'It takes no further events until there is room.' }),
    }),
  ),
  keys: Type.Array(
    Type.Object({
      ...PLACE,
      key: Type.String({ description: 'As text; empty where the record has none.' }),
      offset: { ...Offset, description: 'Of the event that failed.' },
      attempts: Type.Integer({ minimum: 0, description: 'That failed so far.' }),
      reason: Type.String(),
      first_failed_at: Timestamp,
      next_attempt_at: Timestamp,
      waiting: Type.Integer({ minimum: 0, description: 'Events of this key behind it.' }),
      waiting_offsets: Type.Array(Offset, { description: 'The first 20 of them.' }),
    }),
    { description: 'The next attempt first.' },
  ),
  key_count: Type.Integer({ minimum: 0, description: 'Keys in the partitions that were looked into.' }),
  now: { ...Timestamp, description: "The server's, to count down by." },
});
export type ParkedJson = Static<typeof Parked>;

export function parkedRoutes(app: Api, platform: Pick<Platform, 'failures'>): void {
  app.get(
    '/api/v1/parked',
    {
      schema: {
        tags: ['dead letters'],
        summary: 'Events that wait for their next attempt, and what waits behind them',
        querystring: Query,
        response: { 200: json('What is parked.', Parked), ...problems('INVALID_ARGUMENT', 'STORE_UNAVAILABLE') },
      },
    },
    async ({ query: { handler, limit = 100 } }): Promise<ParkedJson> => {
      const report = await platform.failures.parked({ limit, ...(handler === undefined ? {} : { handler }) });
      return {
        parked: report.parked,
        attempts: platform.failures.attempts,
        partitions: [...report.partitions],
        keys: report.keys.map(({ firstFailedAt, nextAttemptAt, waitingOffsets, ...key }) => ({
          ...key,
          first_failed_at: shownTime(firstFailedAt),
          next_attempt_at: shownTime(nextAttemptAt),
          waiting_offsets: [...waitingOffsets],
        })),
        key_count: report.keyCount,
        now: shownTime(Date.now()),
      };
    },
  );
}
