import Type from 'typebox';
import type { Platform } from '../pipelines/platform.ts';
import { Count, json, problems } from './schemas.ts';
import type { Snapshots } from './snapshots.ts';
import { Topic } from './topics.ts';
import type { Api } from './typed.ts';

const Health = Type.Object({
  mode: Type.Enum(['embedded', 'kafka']),
  status: Type.Enum(['healthy', 'degraded', 'down']),
  broker_count: Count,
  brokers: Type.Array(Type.Object({ id: Type.Integer(), host: Type.String(), port: Type.Integer() })),
  controller_id: Type.Integer(),
  under_replicated_partitions: Count,
  topics: Type.Array(Topic),
  error: Type.Optional(Type.String()),
});

export function healthRoutes(app: Api, platform: Platform, snapshots: Snapshots): void {
  app.get(
    '/api/v1/health/kafka',
    {
      schema: {
        tags: ['health'],
        summary: 'Brokers, topics and their replicas; at most a second old',
        response: { 200: json('Also when the log is down: `status` says so.', Health), ...problems() },
      },
    },
    () => snapshots.health(),
  );

  app.get(
    '/livez',
    {
      config: { open: true },
      schema: {
        tags: ['health'],
        summary: 'The process answers',
        response: { 200: json('It does.', Type.Object({ status: Type.Literal('ok') })) },
      },
    },
    async () => ({ status: 'ok' }),
  );

  const Readiness = Type.Object({ ready: Type.Boolean(), reasons: Type.Array(Type.String()) });
  app.get(
    '/readyz',
    {
      config: { open: true },
      schema: {
        tags: ['health'],
        summary: 'Requests can be served',
        response: { 200: json('They can.', Readiness), 503: json('They cannot yet, or no longer.', Readiness) },
      },
    },
    async (_request, reply) => {
      const reasons = await platform.notReadyBecause();
      if (reasons.length > 0) reply.code(503).header('retry-after', 1);
      return { ready: reasons.length === 0, reasons };
    },
  );
}
