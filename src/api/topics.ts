import Type from 'typebox';
import type { TopicDescription } from '../kit/log/event-log.ts';
import { PartitionCalculator } from '../kit/log/partition-calculator.ts';
import type { Platform } from '../pipelines/platform.ts';
import { json, Offset, Partition, problems, TopicName } from './schemas.ts';
import type { Api } from './typed.ts';

const NodeId = Type.Integer({ minimum: -1, examples: [1] });
const Topic = Type.Object({
  name: TopicName,
  partitions: Type.Array(
    Type.Object({
      partition: Partition,
      leader: NodeId,
      replicas: Type.Array(NodeId),
      isr: Type.Array(NodeId),
      end_offset: Offset,
    }),
  ),
});

const NewTopic = Type.Object(
  {
    name: TopicName,
    partitions: Type.Integer({ minimum: 1, maximum: 10_000 }),
    replication_factor: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
    config: Type.Optional(Type.Record(Type.String(), Type.String())),
  },
  { additionalProperties: false, examples: [{ name: 'reviews', partitions: 6, config: { 'retention.ms': '-1' } }] },
);

const Load = Type.Object(
  {
    target_rps: Type.Number({ minimum: 0, description: 'Events a second at the peak.' }),
    consumer_rps: Type.Optional(
      Type.Number({ exclusiveMinimum: 0, description: 'What one consumer processes; 50,000.' }),
    ),
    safety: Type.Optional(Type.Number({ exclusiveMinimum: 0, description: 'Head room; 1.5.' })),
  },
  { additionalProperties: false, examples: [{ target_rps: 50_000_000 }] },
);

export function topicRoutes(app: Api, { topics, log }: Platform): void {
  async function withEnds(found: readonly TopicDescription[]) {
    const partitions = found.flatMap(({ name, partitions }) =>
      partitions.map(({ partition }) => ({ topic: name, partition })),
    );
    const ends = await log.listOffsets(partitions.map((partition) => ({ ...partition, at: 'latest' })));
    let next = 0;
    return found.map((topic) => ({
      ...topic,
      partitions: topic.partitions.map((partition) => ({ ...partition, end_offset: ends[next++]! })),
    }));
  }

  app.get(
    '/api/v1/topics',
    {
      schema: {
        tags: ['topics'],
        summary: 'Every topic that is not internal',
        response: { 200: json('Topics.', Type.Object({ topics: Type.Array(Topic) })), ...problems('LOG_UNAVAILABLE') },
      },
    },
    async () => ({ topics: await withEnds(await topics.describe()) }),
  );

  app.get(
    '/api/v1/topics/:name',
    {
      schema: {
        tags: ['topics'],
        summary: 'One topic with its partitions',
        params: Type.Object({ name: TopicName }),
        response: {
          200: json('The topic.', Topic),
          ...problems('INVALID_ARGUMENT', 'UNKNOWN_TOPIC', 'LOG_UNAVAILABLE'),
        },
      },
    },
    async ({ params }) => (await withEnds(await topics.describe([params.name])))[0],
  );

  app.post(
    '/api/v1/topics',
    {
      schema: {
        tags: ['topics'],
        summary: 'Create a topic; one that is there already with as many partitions is left as it is',
        body: NewTopic,
        response: {
          201: json('Created.', Topic),
          200: json('It was there.', Topic),
          ...problems(
            'INVALID_JSON',
            'INVALID_ARGUMENT',
            'INVALID_TOPIC',
            'INVALID_PARTITIONS',
            'INVALID_CONFIG',
            'TOPIC_MISMATCH',
            'BODY_TOO_LARGE',
            'UNSUPPORTED_MEDIA_TYPE',
            'LOG_UNAVAILABLE',
            'DISK_FULL',
          ),
        },
      },
    },
    async ({ body }, reply) => {
      const { name, partitions, replication_factor: replicationFactor, config } = body;
      const { created } = await topics.ensure([
        {
          name,
          partitions,
          ...(replicationFactor === undefined ? {} : { replicationFactor }),
          ...(config === undefined ? {} : { config }),
        },
      ]);
      if (created.length > 0) reply.code(201).header('location', `/api/v1/topics/${name}`);
      return (await withEnds(await topics.describe([name])))[0];
    },
  );

  app.post(
    '/api/v1/topics/plan',
    {
      schema: {
        tags: ['topics'],
        summary: 'How many partitions a load needs: max(int(target_rps / consumer_rps * safety), 1)',
        body: Load,
        response: {
          200: json(
            'The plan.',
            Type.Object({ ...Load.properties, partitions: Type.Integer({ minimum: 1, examples: [1500] }) }),
          ),
          ...problems('INVALID_JSON', 'INVALID_ARGUMENT', 'BODY_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'),
        },
      },
    },
    async ({ body }) => {
      const calculator = new PartitionCalculator({
        ...(body.consumer_rps === undefined ? {} : { consumerRps: body.consumer_rps }),
        ...(body.safety === undefined ? {} : { safety: body.safety }),
      });
      const { consumerRps, safety } = calculator;
      const partitions = calculator.partitionsFor(body.target_rps);
      return { target_rps: body.target_rps, consumer_rps: consumerRps, safety, partitions };
    },
  );
}
