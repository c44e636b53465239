import Type from 'typebox';
import { PartitionCalculator } from '../kit/log/partition-calculator.ts';
import type { Platform } from '../pipelines/platform.ts';
import { json, problems, TopicName } from './schemas.ts';
import { TopicDetail, TopicFacts, TopicList } from './topic-facts.ts';
import type { Api } from './typed.ts';

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

const ListQuery = Type.Object(
  { partitions: Type.Optional(Type.Boolean({ description: 'false leaves them out. Default true.' })) },
  { additionalProperties: false },
);

export function topicRoutes(app: Api, platform: Platform): void {
  const { topics } = platform;
  const facts = new TopicFacts(platform);

  app.get(
    '/api/v1/topics',
    {
      schema: {
        tags: ['topics'],
        summary: 'Every topic that is not internal, with its records, rate, size and retention',
        querystring: ListQuery,
        response: {
          200: json('Topics.', TopicList),
          ...problems('INVALID_ARGUMENT', 'UNKNOWN_TOPIC', 'LOG_UNAVAILABLE'),
        },
      },
    },
    async ({ query }) => {
      const list = await facts.list();
      if (query.partitions !== false) return list;
      return { ...list, topics: list.topics.map(({ partitions: _, ...topic }) => topic) };
    },
  );

  app.get(
    '/api/v1/topics/:name',
    {
      schema: {
        tags: ['topics'],
        summary: 'One topic with its partitions, the times of its first and last records, and its configuration',
        params: Type.Object({ name: TopicName }),
        response: {
          200: json('The topic.', TopicDetail),
          ...problems('INVALID_ARGUMENT', 'UNKNOWN_TOPIC', 'LOG_UNAVAILABLE'),
        },
      },
    },
    async ({ params }) => facts.detail(params.name),
  );

  app.post(
    '/api/v1/topics',
    {
      schema: {
        tags: ['topics'],
        summary: 'Create a topic; one that is there already with as many partitions is left as it is',
        body: NewTopic,
        response: {
          201: json('Created.', TopicDetail),
          200: json('It was there.', TopicDetail),
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
      return facts.detail(name);
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
