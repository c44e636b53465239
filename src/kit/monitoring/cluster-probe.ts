/** One look at a Kafka cluster through its protocol (Kafka 3.5 and later): questions only, no conclusions. */
import {
  DescribeClusterEndpointTypes,
  describeClusterV1,
  describeConfigsV4,
  describeLogDirsV4,
  describeQuorumV1,
  listOffsetsV9,
  metadataV12,
} from '@platformatic/kafka';
import type { Clock } from '../clock.ts';
import { addressOf, type ClusterView } from '../log/kafka/cluster-view.ts';
import { errorName, refusal, unavailable } from '../log/kafka/errors.ts';
import { type AskingLimits, BoundedAsking } from './bounded-asking.ts';
import type { BrokerTelemetry } from './broker-telemetry.ts';
import { type ClusterFacts, keyOf, type LogFacts, type QuorumFacts, type TopicFacts } from './cluster-facts.ts';
import { groupFacts } from './group-probe.ts';

export interface ClusterProbeOptions extends AskingLimits {
  readonly view: ClusterView;
  readonly clock: Clock;
  readonly bootstrap: readonly string[];
  readonly telemetry: BrokerTelemetry | null;
}

/** What earlier looks know. */
export interface KnownCluster {
  /** Brokers, gone ones too, and where they were. */
  readonly addresses: ReadonlyMap<number, string>;
  /** The quorum's leader, whose metadata is the newest. */
  readonly leader: number | null;
}

type Registered = ClusterFacts['registered'];

const METADATA_PARTITION = [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }];
/** The quorum is asked through as many brokers at once; each hands the question on to its leader. */
const QUORUM_ASKED = 3;
const READ_COMMITTED = 1;
const EARLIEST = -2n;
const LATEST = -1n;
const TOPIC = 2;
const MIN_ISR = 'min.insync.replicas';
/** Topics are made with it and seldom changed. */
const MIN_ISR_AGE_MS = 30_000;

export class ClusterProbe {
  readonly #options: ClusterProbeOptions;
  #minIsr: ReadonlyMap<string, number> = new Map();
  #minIsrUntil = 0;

  constructor(options: ClusterProbeOptions) {
    this.#options = options;
  }

  /** @throws KitError LOG_UNAVAILABLE where no broker answers */
  async look(known: KnownCluster): Promise<ClusterFacts> {
    const { view, clock, bootstrap, telemetry } = this.#options;
    const asking = new BoundedAsking(view, clock, this.#options);
    const at = clock.now();
    const readings = telemetry === null ? null : asking.part('telemetry', telemetry.read(asking.leftMs));

    const probes = new Map<string, Promise<Registered>>();
    const probe = (address: string): Promise<Registered> => {
      const asked = probes.get(address) ?? registeredBy(asking, address);
      probes.set(address, asked);
      asked.catch(() => {});
      return asked;
    };
    const [entry, registered] = await Promise.any(
      [...new Set([...known.addresses.values(), ...bootstrap])].map(
        async (address) => [address, await probe(address)] as const,
      ),
    ).catch((cause: AggregateError) => {
      const why = cause.errors.map((error: Error) => error.message).join('; ');
      throw unavailable(`no broker answers (${why})`, { cause });
    });
    const addresses = new Map(known.addresses);
    for (const broker of registered) addresses.set(broker.id, addressOf(broker));

    const answering = new Set<number>();
    const answers = [...addresses].map(async ([id, address]) => {
      if ((await asking.part(`broker ${id}`, probe(address))) === null) return;
      answering.add(id);
    });
    const quorum = asking.part('metadata quorum', quorumSeenByAny(asking, [entry, ...registered.map(addressOf)]));
    const leaderAddress = known.leader === null ? undefined : addresses.get(known.leader);
    const topics = asking.part('topics', topicsSeenBy(asking, [...new Set([leaderAddress ?? entry, entry])]));
    const logs = new Map<number, LogFacts>();
    const logLooks = registered.map(async (broker) => {
      const facts = await asking.part(`broker ${broker.id}`, logsOf(asking, addressOf(broker)));
      if (facts !== null) logs.set(broker.id, facts);
    });
    const groups = groupFacts(asking, registered);

    const found = await topics;
    const [offsets, minIsr] = await Promise.all([
      offsetsOf(asking, found ?? [], addresses),
      this.#minIsrOf(asking, entry, found ?? []),
      Promise.all(answers),
      Promise.all(logLooks),
    ]);
    return {
      at,
      registered,
      answering,
      quorum: await quorum,
      topics: found?.map((topic) => ({ ...topic, minInSync: minIsr.get(topic.name) ?? null })) ?? null,
      ...offsets,
      logs,
      groups: await groups,
      readings: (await readings) ?? new Map(),
      incomplete: asking.incomplete,
    };
  }

  async #minIsrOf(
    asking: BoundedAsking,
    address: string,
    topics: readonly Pick<TopicFacts, 'name'>[],
  ): Promise<ReadonlyMap<string, number>> {
    const now = this.#options.clock.now();
    const isKnown = topics.every(({ name }) => this.#minIsr.has(name));
    if (topics.length === 0 || (isKnown && now < this.#minIsrUntil)) return this.#minIsr;
    const resources = topics.map(({ name }) => ({
      resourceType: TOPIC as 2,
      resourceName: name,
      configurationKeys: [MIN_ISR],
    }));
    const response = await asking.part(
      'topic settings',
      asking.ask(address, describeConfigsV4.api, [resources, false, false]),
    );
    if (response === null) return this.#minIsr;
    this.#minIsr = new Map(
      response.results.flatMap(({ resourceName, configs }) => {
        const value = Number(configs.find(({ name }) => name === MIN_ISR)?.value ?? Number.NaN);
        return Number.isNaN(value) ? [] : [[resourceName, value] as const];
      }),
    );
    this.#minIsrUntil = now + MIN_ISR_AGE_MS;
    return this.#minIsr;
  }
}

/** Also the test of whether it answers. */
async function registeredBy(asking: BoundedAsking, address: string): Promise<Registered> {
  const endpoint = DescribeClusterEndpointTypes.BROKERS;
  const { errorCode, brokers } = await asking.ask(address, describeClusterV1.api, [false, endpoint]);
  if (errorCode !== 0) throw refusal(errorCode, `describe cluster at ${address}`);
  return brokers.map(({ brokerId, host, port }) => ({ id: brokerId, host, port }));
}

async function quorumSeenByAny(asking: BoundedAsking, addresses: readonly string[]): Promise<QuorumFacts> {
  const asked = [...new Set(addresses)].slice(0, QUORUM_ASKED);
  return Promise.any(asked.map((address) => quorumSeenBy(asking, address))).catch((cause: AggregateError) => {
    throw cause.errors[0];
  });
}

async function quorumSeenBy(asking: BoundedAsking, address: string): Promise<QuorumFacts> {
  const response = await asking.ask(address, describeQuorumV1.api, [METADATA_PARTITION]);
  const partition = response.topics[0]?.partitions[0];
  const errorCode = response.errorCode || (partition?.errorCode ?? 0);
  if (errorCode !== 0) throw refusal(errorCode, 'describe quorum');
  if (partition === undefined) throw unavailable('no answer for the metadata partition');
  const replicas = (list: typeof partition.currentVoters) =>
    list.map((one) => ({
      id: one.replicaId,
      logEndOffset: Number(one.logEndOffset),
      lastFetchAt: Number(one.lastFetchTimestamp),
      lastCaughtUpAt: Number(one.lastCaughtUpTimestamp),
    }));
  const { leaderId, leaderEpoch, highWatermark, currentVoters, observers } = partition;
  return {
    leaderId,
    leaderEpoch,
    highWatermark: Number(highWatermark),
    voters: replicas(currentVoters),
    observers: replicas(observers),
  };
}

/** By the first of these brokers that answers. */
async function topicsSeenBy(
  asking: BoundedAsking,
  addresses: readonly string[],
): Promise<Omit<TopicFacts, 'minInSync'>[]> {
  let failure: unknown;
  for (const address of addresses) {
    try {
      const { topics } = await asking.ask(address, metadataV12.api, [null, false, false]);
      return topics
        .map(({ name, isInternal, partitions }) => ({
          name: name ?? '',
          internal: isInternal,
          partitions: partitions
            .map(({ partitionIndex, leaderId, replicaNodes, isrNodes }) => ({
              partition: partitionIndex,
              leader: leaderId,
              replicas: replicaNodes,
              isr: isrNodes,
            }))
            .sort((a, b) => a.partition - b.partition),
        }))
        .sort((a, b) => (a.name < b.name ? -1 : 1));
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

async function logsOf(asking: BoundedAsking, address: string): Promise<LogFacts> {
  const { errorCode, results } = await asking.ask(address, describeLogDirsV4.api, [null]);
  const refused = errorCode || (results.find((result) => result.errorCode !== 0)?.errorCode ?? 0);
  if (refused !== 0) asking.note(`log folders of ${address}`, errorName(refused));
  const partitions = new Map<string, { bytes: number; lag: number }>();
  for (const { name: topic, partitions: found } of results.flatMap((result) => result.topics)) {
    for (const { partitionIndex: partition, partitionSize, offsetLag, isFutureKey } of found) {
      if (isFutureKey) continue;
      partitions.set(keyOf({ topic, partition }), {
        bytes: Number(partitionSize),
        lag: Math.max(0, Number(offsetLag)),
      });
    }
  }
  const usable = results.map(({ usableBytes }) => Number(usableBytes)).filter((bytes) => bytes >= 0);
  return { usableBytes: usable.length === 0 ? null : Math.min(...usable), partitions };
}

/** First and next offsets, as the leaders tell them; what has no leader, or one that is silent, is left out. */
async function offsetsOf(
  asking: BoundedAsking,
  topics: readonly Pick<TopicFacts, 'name' | 'partitions'>[],
  addresses: ReadonlyMap<number, string>,
): Promise<Pick<ClusterFacts, 'starts' | 'ends'>> {
  const led = Map.groupBy(
    topics.flatMap(({ name, partitions }) => partitions.map(({ partition, leader }) => ({ name, partition, leader }))),
    ({ leader }) => leader,
  );
  const offsets = { starts: new Map<string, number>(), ends: new Map<string, number>() };
  const ask = async (leader: number, timestamp: bigint, into: Map<string, number>): Promise<void> => {
    const byTopic = Map.groupBy(led.get(leader)!, ({ name }) => name);
    const wanted = [...byTopic].map(([name, partitions]) => ({
      name,
      partitions: partitions.map(({ partition }) => ({ partitionIndex: partition, currentLeaderEpoch: -1, timestamp })),
    }));
    const address = addresses.get(leader)!;
    const response = await asking.part(
      `broker ${leader}`,
      asking.ask(address, listOffsetsV9.api, [-1, READ_COMMITTED, wanted]),
    );
    for (const { name: topic, partitions } of response?.topics ?? []) {
      for (const { partitionIndex: partition, errorCode, offset } of partitions) {
        if (errorCode === 0) into.set(keyOf({ topic, partition }), Number(offset));
      }
    }
  };
  await Promise.all(
    [...led.keys()]
      .filter((leader) => addresses.has(leader))
      .flatMap((leader) => [ask(leader, LATEST, offsets.ends), ask(leader, EARLIEST, offsets.starts)]),
  );
  return offsets;
}
