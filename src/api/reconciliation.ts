import Type from 'typebox';
import { shared } from '../kit/monitoring/shared.ts';
import type { Platform } from '../pipelines/platform.ts';
import { REACTION_NAMES } from '../pipelines/projection.ts';
import type { Closing } from './closing.ts';
import { Count, json, problems, TopicName } from './schemas.ts';
import type { Api } from './typed.ts';

const Value = Type.Union([Type.Number(), Type.String(), Type.Null()]);
export const Reconciliation = Type.Object({
  topics: Type.Array(
    Type.Object({
      topic: TopicName,
      in_log: Count,
      applied: Count,
      duplicates: Count,
      parked: Count,
      dead_lettered: Count,
      pending: Count,
      balanced: Type.Boolean(),
    }),
  ),
  reactions: Type.Array(
    Type.Object({
      projection: Type.Enum(REACTION_NAMES),
      topic: TopicName,
      in_log: Count,
      applied: Count,
      duplicates: Count,
      parked: Count,
      dead: Count,
      pending: Count,
      balanced: Type.Boolean(),
    }),
    { description: 'The same of feed, notifications, analytics, moderation and sessions.' },
  ),
  compared: Type.Union([Count, Type.Null()], { description: 'Documents; null while events are parked.' }),
  differing: Count,
  differences: Type.Array(Type.Object({ key: Type.String(), field: Type.String(), projection: Value, fold: Value }), {
    description: 'The first 100.',
  }),
  balanced: Type.Boolean(),
});

export function reconciliationRoutes(app: Api, platform: Platform, closing: Closing): void {
  // it reads the whole log: callers that come while one is under way get that one's answer
  const reconcile = shared(
    () => platform.reconcile(),
    0,
    () => performance.now(),
  );
  app.get(
    '/api/v1/reconciliation',
    {
      schema: {
        tags: ['runtime'],
        summary: 'Fold the whole log anew and compare it with what was counted',
        response: {
          200: json('What was found.', Reconciliation),
          ...problems('LOG_UNAVAILABLE', 'STORE_UNAVAILABLE'),
        },
      },
    },
    () => closing.orClosing(reconcile()),
  );
}
