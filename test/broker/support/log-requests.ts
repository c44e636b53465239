/** Requests about topics and records, one kind for each API key. What a version lacks is left out when it is written. */
import { NO_UUID } from '../../../src/broker/protocol/layout.ts';
import type { Draw } from './draw.ts';
import type { Message } from './world.ts';

export type Make = (draw: Draw, version: number) => Message;

const TOPIC = 2;
const BROKER = 4;
const SETTABLE: readonly (readonly [string, readonly (string | null)[]])[] = [
  ['retention.ms', ['604800000', '-1', '-2', 'soon', '', null]],
  ['retention.bytes', ['1000000000', '-1']],
  ['cleanup.policy', ['delete', 'compact', 'compact,delete', 'nothing']],
  ['max.message.bytes', ['1048588', '120', '-1', '1.5']],
  ['min.insync.replicas', ['1', '0', '2']],
  ['compression.type', ['producer', 'rar']],
  ['min.cleanable.dirty.ratio', ['0.5', '1', '1.5']],
  ['segment.bytes', ['1073741824', '10']],
  ['unclean.leader.election.enable', ['true', 'false', 'maybe']],
  ['no.such.config', ['1']],
];

function config({ random }: Draw): [name: string, value: string | null] {
  const [name, values] = random.pick(SETTABLE);
  // The first one is right.
  return [name, random.chance(0.6) ? values[0]! : random.pick(values)];
}

function newTopic(draw: Draw): Message {
  const { random } = draw;
  const name = draw.odd() ? draw.topicName() : draw.anyTopicName();
  const configs = random.chance(0.3) ? [config(draw)].map(([key, value]) => ({ name: key, value })) : [];
  if (random.chance(0.1)) {
    const assignments = random.pick([
      [{ partitionIndex: 0, brokerIds: [1] }],
      [
        { partitionIndex: 0, brokerIds: [1] },
        { partitionIndex: 1, brokerIds: [1] },
      ],
      [{ partitionIndex: 1, brokerIds: [1] }],
      [{ partitionIndex: 0, brokerIds: [7] }],
      [{ partitionIndex: 0, brokerIds: [] }],
    ]);
    const [numPartitions, replicationFactor] = random.chance(0.8) ? [-1, -1] : [2, 1];
    return { name, numPartitions, replicationFactor, assignments, configs };
  }
  const numPartitions = draw.odd() ? random.pick([0, -1, -2]) : random.between(1, 3);
  const replicationFactor = draw.odd() ? random.pick([0, -1, 2, -2]) : 1;
  return { name, numPartitions, replicationFactor, assignments: [], configs };
}

function resource(draw: Draw): Message {
  const { random } = draw;
  if (draw.odd())
    return random.pick([
      { resourceType: BROKER, resourceName: '7' },
      { resourceType: 1, resourceName: 'x' },
    ]);
  return { resourceType: TOPIC, resourceName: draw.topicName() };
}

/** One of each id: Kafka takes those of one id for one topic. */
function byId(topics: readonly Message[], version: number): Message[] {
  return version < 13 ? [...topics] : [...new Map(topics.map((topic) => [topic.topicId, topic])).values()];
}

export const LOG_REQUESTS: Readonly<Record<string, Make>> = {
  ApiVersions: ({ random }) => ({
    clientSoftwareName: random.chance(0.9) ? 'wire' : random.pick(['', '-x', 'a b']),
    clientSoftwareVersion: '1.0',
  }),

  Metadata(draw, version) {
    const { random } = draw;
    const named = draw.topicNames().map((name) => ({ name }));
    const byId = draw.topicNames().map((name) => ({ name: null, topicId: draw.topicId(name) }));
    const some = version >= 12 && random.chance(0.4) ? byId : named;
    return {
      topics:
        random.chance(0.2) && version > 0
          ? null
          : random.chance(0.1)
            ? []
            : some.map((each) => ({ topicId: NO_UUID, ...each })),
      allowAutoTopicCreation: random.chance(0.5),
      includeClusterAuthorizedOperations: random.chance(0.2),
      includeTopicAuthorizedOperations: random.chance(0.2),
    };
  },

  Produce(draw, version) {
    const { random } = draw;
    return {
      transactionalId: null,
      acks: draw.odd() ? random.pick([2, -2]) : random.pick([-1, -1, 1, 0]),
      timeoutMs: 5_000,
      topicData: byId(
        draw.topicNames().map((name) => ({
          name,
          topicId: version >= 13 ? draw.topicId(name) : NO_UUID,
          partitionData: draw.partitions(name).map((index) => ({
            index,
            records: draw.odd() ? [] : [{ batch: draw.batch(name, index) }],
          })),
        })),
        version,
      ),
    };
  },

  Fetch(draw, version) {
    const { random } = draw;
    return {
      replicaId: -1,
      maxWaitMs: random.pick([0, 0, 10]),
      minBytes: random.pick([0, 1, 1]),
      maxBytes: random.chance(0.85) ? 1_048_576 : random.pick([0, 100, 400]),
      isolationLevel: random.pick([0, 0, 1]),
      sessionId: 0,
      sessionEpoch: -1,
      topics: byId(
        draw.topicNames().map((topic) => ({
          topic,
          topicId: version >= 13 ? draw.topicId(topic) : NO_UUID,
          partitions: draw.partitions(topic).map((partition) => ({
            partition,
            currentLeaderEpoch: draw.leaderEpoch(),
            fetchOffset: draw.offset(),
            logStartOffset: -1,
            partitionMaxBytes: random.chance(0.85) ? 1_048_576 : random.pick([0, 50, 300]),
          })),
        })),
        version,
      ),
      forgottenTopicsData: [],
    };
  },

  ListOffsets(draw) {
    const { random, now } = draw;
    return {
      replicaId: -1,
      isolationLevel: random.pick([0, 1]),
      topics: draw.topicNames().map((name) => ({
        name,
        partitions: draw.partitions(name).map((partitionIndex) => ({
          partitionIndex,
          currentLeaderEpoch: draw.leaderEpoch(),
          timestamp: random.pick([-1, -2, -3, -4, -5, -6, 0, now, now + random.between(0, 70_000), now + 10_000_000]),
        })),
      })),
      timeoutMs: 5_000,
    };
  },

  CreateTopics(draw) {
    const topics = Array.from({ length: draw.random.chance(0.2) ? 2 : 1 }, () => newTopic(draw));
    return { topics, timeoutMs: 10_000, validateOnly: draw.random.chance(0.15) };
  },

  DeleteTopics(draw, version) {
    const names = draw.topicNames();
    const { random } = draw;
    const byId = { name: null, topicId: draw.topicId(names[0]!) };
    const topics = random.chance(0.4) ? [byId] : names.map((name) => ({ name, topicId: NO_UUID }));
    const both = [{ name: names[0]!, topicId: draw.topicId(names[0]!) }];
    return { topics: version >= 6 && draw.odd() ? both : topics, topicNames: names, timeoutMs: 10_000 };
  },

  DeleteRecords: (draw) => ({
    topics: draw.topicNames().map((name) => ({
      name,
      partitions: draw.partitions(name).map((partitionIndex) => ({ partitionIndex, offset: draw.offset() })),
    })),
    timeoutMs: 5_000,
  }),

  InitProducerId: ({ random }) => ({
    transactionalId: null,
    transactionTimeoutMs: 60_000,
    producerId: random.chance(0.95) ? -1 : 5,
    producerEpoch: random.chance(0.95) ? -1 : 0,
  }),

  OffsetForLeaderEpoch: (draw) => ({
    replicaId: -1,
    topics: draw.topicNames().map((topic) => ({
      topic,
      partitions: draw.partitions(topic).map((partition) => ({
        partition,
        currentLeaderEpoch: draw.leaderEpoch(),
        leaderEpoch: draw.random.pick([0, 0, 0, -1, 1, 3]),
      })),
    })),
  }),

  DescribeConfigs: (draw) => ({
    resources: [
      {
        ...resource(draw),
        configurationKeys: draw.random.pick([null, ['retention.ms', 'cleanup.policy'], ['no.such.config'], []]),
      },
    ],
    includeSynonyms: draw.random.chance(0.3),
    includeDocumentation: draw.random.chance(0.2),
  }),

  IncrementalAlterConfigs(draw) {
    const { random } = draw;
    const [name, value] = config(draw);
    const configOperation = random.pick([0, 0, 0, 1, 2, 3, ...(draw.odd() ? [9] : [])]);
    const change = { name, configOperation, value };
    const configs = draw.odd() ? [change, change] : [change];
    return { resources: [{ ...resource(draw), configs }], validateOnly: random.chance(0.2) };
  },

  AlterConfigs(draw) {
    const [name, value] = config(draw);
    const configs = draw.random.chance(0.15) ? [] : [{ name, value }];
    return { resources: [{ ...resource(draw), configs }], validateOnly: draw.random.chance(0.2) };
  },

  CreatePartitions(draw) {
    const { random, world } = draw;
    const name = draw.topicName();
    const now = world.topics.get(name)?.partitions ?? 1;
    const count = random.pick([now + 1, now + 1, now, now - 1, 0, -1]);
    const assignments = random.chance(0.8) ? null : random.pick([[], [{ brokerIds: [1] }], [{ brokerIds: [7] }]]);
    return { topics: [{ name, count, assignments }], timeoutMs: 10_000, validateOnly: random.chance(0.3) };
  },

  DescribeCluster: (draw) => ({
    includeClusterAuthorizedOperations: draw.random.chance(0.5),
    endpointType: draw.odd() ? draw.random.pick([0, 2, 3]) : 1,
    includeFencedBrokers: draw.random.chance(0.5),
  }),

  DescribeLogDirs: (draw) => ({
    topics: draw.random.chance(0.3)
      ? null
      : draw.topicNames().map((topic) => ({ topic, partitions: draw.partitions(topic) })),
  }),

  DescribeTopicPartitions(draw) {
    const { random } = draw;
    const names = draw.topicNames();
    const cursor = random.chance(0.2) ? { topicName: random.pick(names), partitionIndex: random.between(-1, 2) } : null;
    return {
      topics: names.map((name) => ({ name })),
      responsePartitionLimit: random.chance(0.5) ? 2_000 : random.between(1, 3),
      cursor,
    };
  },
};
