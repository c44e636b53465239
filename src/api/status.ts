import Type from 'typebox';
import { taxonomy } from '../domains/social/taxonomy.ts';
import { PartitionCalculator } from '../kit/log/partition-calculator.ts';
import type { ConsumerReport, Platform } from '../pipelines/platform.ts';
import { Demo } from './pulse-sample.ts';
import { json, problems } from './schemas.ts';
import type { Api } from './typed.ts';

const Open = Type.Record(Type.String(), Type.Unknown());
const Status = Type.Object({
  state: Type.Enum(['SYSTEM_STOPPED', 'DEMO_RUNNING', 'SYSTEM_ERROR']),
  cause: Type.Union([Type.String(), Type.Null()], { description: 'Why the state is SYSTEM_ERROR.' }),
  taxonomy: Open,
  cluster: Open,
  topics: Type.Array(Open),
  partition_calculator: Open,
  producer: Open,
  consumer: Open,
  demo: Type.Union([Demo, Type.Null()], { description: 'Null before the first.' }),
});

const DemoOptions = Type.Object(
  {
    events: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000_000, description: '10,000.' })),
    seed: Type.Optional(Type.Integer({ minimum: 0, maximum: 2 ** 32 - 1 })),
    rate_per_second: Type.Optional(
      Type.Number({ minimum: 0, maximum: 1_000_000, description: '0: as fast as it goes.' }),
    ),
    real: Type.Optional(
      Type.Boolean({ description: 'Replay the bundled real activity instead of generated traffic.' }),
    ),
    poison_share: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: 0.5,
        description:
          'Of the content interactions, how many are records that nobody can read. 0.01; of real activity 0.',
      }),
    ),
  },
  { additionalProperties: false, examples: [{ events: 10_000, seed: 7, poison_share: 0.05 }] },
);

const TAXONOMY = taxonomy();

const CALCULATOR = new PartitionCalculator();
const PARTITION_CALCULATOR = {
  consumer_rps: CALCULATOR.consumerRps,
  safety: CALCULATOR.safety,
  examples: [50_000_000, 1_000_000, 100_000, 1_000].map((rps) => ({
    target_rps: rps,
    partitions: CALCULATOR.partitionsFor(rps),
  })),
};

export function statusRoutes(app: Api, platform: Platform, consumerReport: () => Promise<ConsumerReport>): void {
  const { controller, producer } = platform;
  app.get(
    '/api/status',
    {
      schema: {
        tags: ['runtime'],
        summary: 'All of the system at a glance; at most a second old',
        response: { 200: json('The state of the system.', Status), ...problems('STORE_UNAVAILABLE') },
      },
    },
    async () => {
      const [{ topics, ...cluster }, consumer] = await Promise.all([platform.health(), consumerReport()]);
      const { partitions, ...consumerMetrics } = consumer;
      return {
        state: controller.state,
        cause: controller.cause,
        taxonomy: TAXONOMY,
        cluster,
        topics: topics
          .filter(({ internal }) => !internal)
          .map((topic) => ({
            name: topic.name,
            partitions: topic.partitions.map(({ partition, end_offset }) => ({
              partition,
              end_offset,
              lag: partitions.find((read) => read.topic === topic.name && read.partition === partition)?.lag ?? null,
            })),
          })),
        partition_calculator: PARTITION_CALCULATOR,
        producer: producer.metrics(),
        consumer: consumerMetrics,
        demo: controller.demo(),
      };
    },
  );

  app.post(
    '/api/run-demo',
    {
      schema: {
        tags: ['runtime'],
        summary: 'Start the demo; its progress is in /api/status',
        body: DemoOptions,
        response: {
          202: json('Started.', Demo),
          ...problems('INVALID_JSON', 'INVALID_ARGUMENT', 'DEMO_RUNNING', 'BODY_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'),
        },
      },
    },
    async ({ body }, reply) => {
      const { rate_per_second: ratePerSecond, poison_share: poisonShare, ...options } = body;
      reply.code(202).header('location', '/api/status');
      return controller.startDemo({
        ...options,
        ...(ratePerSecond === undefined ? {} : { ratePerSecond }),
        ...(poisonShare === undefined ? {} : { poisonShare }),
      });
    },
  );
}
