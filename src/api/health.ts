import Type, { type Static, type TSchema } from 'typebox';
import type { Platform } from '../pipelines/platform.ts';
import { Count, json, Partition, problems, TopicName } from './schemas.ts';
import type { Api } from './typed.ts';

function nullable<T extends TSchema>(schema: T) {
  return Type.Union([schema, Type.Null()]);
}

const NodeId = Type.Integer({ minimum: -1, examples: [1] });
const Rate = nullable(Type.Number({ minimum: 0 }));
const Milliseconds = nullable(Type.Number({ minimum: 0 }));
const OrUnknown = Type.Integer({ minimum: -1, description: '-1 where no leader told it.' });
const Latency = Type.Object(
  { produce: Milliseconds, fetch: Milliseconds },
  { description: "The brokers' own figures, where they can be asked (JMX)." },
);

const Broker = Type.Object({
  id: NodeId,
  host: nullable(Type.String()),
  port: nullable(Type.Integer()),
  role: nullable(Type.Enum(['controller_leader', 'controller_follower', 'observer'])),
  state: Type.Enum(['STARTING', 'RUNNING', 'RECOVERING', 'FAILED', 'LEADER_ELECTION', 'SHUTDOWN']),
  reason: Type.String({ description: 'Why it is in this state, for people.' }),
  answers: Type.Boolean(),
  leaders: Count,
  replicas: Count,
  out_of_sync: Count,
  replica_lag: nullable(Count),
  metadata_lag: nullable(Count),
  metadata_fetch_age_ms: nullable(Count),
  metadata_caught_up_age_ms: nullable(Count),
  log_bytes: nullable(Count),
  usable_bytes: nullable(Count),
  messages_in_per_second: Rate,
  bytes_in_per_second: Rate,
  request_latency_p99_ms: Latency,
  telemetry: Type.Enum(['jmx', 'protocol']),
});

const Topic = Type.Object({
  name: TopicName,
  internal: Type.Boolean(),
  min_insync_replicas: nullable(Count),
  partitions: Type.Array(
    Type.Object({
      partition: Partition,
      leader: NodeId,
      replicas: Type.Array(NodeId),
      isr: Type.Array(NodeId),
      end_offset: OrUnknown,
      start_offset: OrUnknown,
      preferred: Type.Boolean({ description: 'Led by its first replica.' }),
      offline: Type.Boolean({ description: 'No leader, or one that does not answer.' }),
      under_min_isr: Type.Boolean(),
    }),
  ),
});

const Group = Type.Object({
  group: Type.String(),
  state: nullable(Type.String()),
  members: nullable(Count),
  lag: Count,
  lag_seconds: nullable(Type.Number({ minimum: 0 })),
  partitions: Type.Array(
    Type.Object({
      topic: TopicName,
      partition: Partition,
      committed_offset: Count,
      lag: nullable(Count),
      lag_seconds: nullable(
        Type.Number({ minimum: 0, description: 'Age of the record at the committed offset; 0 at the end.' }),
      ),
    }),
  ),
});

const Health = Type.Object({
  mode: Type.Enum(['embedded', 'kafka']),
  status: Type.Enum(['healthy', 'degraded', 'down']),
  observed_at: Type.String({ format: 'date-time' }),
  broker_count: Type.Integer({ minimum: 0, description: 'Brokers that answer.' }),
  brokers: Type.Array(Broker, { description: 'Every known one, gone ones too.' }),
  controller_id: NodeId,
  controller_epoch: nullable(Count),
  controller_elections: nullable(Count),
  under_replicated_partitions: Count,
  offline_partitions: Count,
  under_min_isr_partitions: Count,
  non_preferred_leaders: Count,
  leader_skew: nullable(Type.Number({ minimum: 0 })),
  messages_in_per_second: Rate,
  bytes_in_per_second: Rate,
  request_latency_p99_ms: Latency,
  topics: Type.Array(Topic),
  groups: Type.Array(Group),
  incomplete: Type.Array(Type.String(), { description: 'What could not be learned this time, and why.' }),
  error: Type.Optional(Type.String()),
});

export type ClusterHealth = Static<typeof Health>;
export type BrokerHealth = Static<typeof Broker>;
export type TopicHealth = Static<typeof Topic>;

export function healthRoutes(app: Api, platform: Platform): void {
  app.get(
    '/api/v1/health/kafka',
    {
      schema: {
        tags: ['health'],
        summary: 'Brokers, partitions, groups: how the log is; at most a second old, within three',
        response: { 200: json('Also when the log is down: `status` says so.', Health), ...problems() },
      },
    },
    () => platform.health(),
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
