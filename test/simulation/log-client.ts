/** One process's way to the broker: the log port as an adapter serves it, with a network in between. */

import { isKitError } from '../../src/kit/errors.ts';
import type {
  AppendBatch,
  AppendResult,
  ConsumerGroup,
  EventLog,
  GroupMember,
  JoinOptions,
  LogDescription,
  NewRecord,
  OffsetQuery,
  PartitionBatch,
  ReadRequest,
  TopicPartition,
  TopicSpec,
} from '../../src/kit/log/event-log.ts';
import type { FetchSource, GroupTransport, MemberIdentity } from '../../src/kit/log/group-transport.ts';
import { joinGroup } from '../../src/kit/log/membership.ts';
import { type Broker, unavailable } from './broker.ts';
import { watchMember } from './member-watch.ts';
import type { Answer, Network } from './network.ts';
import type { Oracle } from './oracle.ts';
import type { Random } from './random.ts';
import type { SimProcess } from './sim-process.ts';

interface LogClientDeps {
  readonly process: SimProcess;
  readonly broker: Broker;
  readonly network: Network;
  readonly oracle: Oracle;
  readonly random: Random;
}

const REQUEST_TIMEOUT_MS = 400;
const HEARTBEAT_MS = 150;
const REBALANCE_TIMEOUT_MS = 1_500;
const OUTSIDE: Omit<MemberIdentity, 'groupId'> = { generation: -1, memberId: '' };

export class LogClient implements EventLog {
  readonly kind = 'kafka';
  readonly #deps: LogClientDeps;
  readonly #busy = new Set<string>();
  readonly #attempted = new WeakMap<AppendBatch, readonly NewRecord[]>();
  readonly #leaders = new Map<string, number>();

  constructor(deps: LogClientDeps) {
    this.#deps = deps;
  }

  async createTopics(topics: readonly TopicSpec[]): Promise<void> {
    await this.#ask('createTopics', () => {
      for (const topic of topics) this.#deps.broker.createTopic(topic);
    });
  }

  describe(names?: readonly string[]): Promise<LogDescription> {
    const { broker } = this.#deps;
    return this.#ask('describe', () => {
      const topics = (names ?? [...broker.partitions.keys()]).map((name) => broker.describe(name));
      return { clusterId: 'simulated', controllerId: 1, brokers: [], topics };
    });
  }

  async append(batch: AppendBatch): Promise<AppendResult> {
    const { oracle, broker } = this.#deps;
    const place = `${batch.topic}/${batch.partition}`;
    const before = this.#attempted.get(batch);
    if (before === undefined) this.#attempted.set(batch, [...batch.records]);
    const changed = before?.some((record, index) => record !== batch.records[index]) ?? false;
    if (changed || (before !== undefined && before.length !== batch.records.length)) {
      oracle.violate('batch-unchanged', `a batch for ${place} was changed between two attempts`);
    }
    if (this.#busy.has(place))
      oracle.violate('one-batch-per-lane', `two appends of one producer to ${place} at a time`);
    this.#busy.add(place);
    try {
      return await this.#ask(`append ${place}`, () => ({ baseOffset: broker.append(batch) }));
    } finally {
      this.#busy.delete(place);
    }
  }

  async read({ maxWaitMs = 0, ...position }: ReadRequest): Promise<PartitionBatch> {
    const { topic, partition } = position;
    const batches = await this.#call<PartitionBatch[]>(
      'read',
      (answer) => this.#deps.broker.fetch(null, [position], maxWaitMs, answer),
      REQUEST_TIMEOUT_MS + maxWaitMs,
    );
    const [batch] = batches;
    if (batch === undefined) return { topic, partition, records: [], highWatermark: position.offset };
    return { ...batch, records: batch.records.filter(({ offset }) => offset >= position.offset) };
  }

  listOffsets(queries: readonly OffsetQuery[]): Promise<number[]> {
    return this.#ask('listOffsets', () => queries.map((query) => this.#deps.broker.listOffset(query)));
  }

  group(id: string): ConsumerGroup {
    const { broker } = this.#deps;
    return {
      id,
      join: (options) => this.#join(id, options),
      committed: () =>
        this.#coordinator('committed', (answer) => broker.coordinator.committed(id).then(...settling(answer))),
      commit: (offsets) =>
        this.#coordinator('commit', (answer) =>
          broker.coordinator.commit({ groupId: id, ...OUTSIDE }, offsets).then(...settling(answer)),
        ),
    };
  }

  async close(): Promise<void> {}

  #join(groupId: string, options: JoinOptions): Promise<GroupMember> {
    const { process, random, oracle } = this.#deps;
    return watchMember(process, oracle, options, (watched) =>
      joinGroup(
        { transport: this.#transport(), source: this.#source(), clock: process.clock, random: random.next },
        groupId,
        { ...watched, heartbeatIntervalMs: HEARTBEAT_MS, rebalanceTimeoutMs: REBALANCE_TIMEOUT_MS },
      ),
    );
  }

  #transport(): GroupTransport {
    const coordinator = () => this.#deps.broker.coordinator;
    return {
      // An answer comes when every member has joined, which takes them up to the rebalance timeout.
      join: (request) =>
        this.#coordinator(
          'join',
          (answer) =>
            coordinator()
              .join(request)
              .then(...settling(answer)),
          REBALANCE_TIMEOUT_MS,
        ),
      sync: (member, assignments) =>
        this.#coordinator(
          'sync',
          (answer) =>
            coordinator()
              .sync(member, assignments)
              .then(...settling(answer)),
          REBALANCE_TIMEOUT_MS,
        ),
      heartbeat: (member) =>
        this.#coordinator('heartbeat', (answer) =>
          coordinator()
            .heartbeat(member)
            .then(...settling(answer)),
        ),
      leave: (member) =>
        this.#coordinator('leave', (answer) =>
          coordinator()
            .leave(member)
            .then(...settling(answer)),
        ),
      commit: (member, offsets) =>
        this.#coordinator('commit', (answer) =>
          coordinator()
            .commit(member, offsets)
            .then(...settling(answer)),
        ),
      committed: (groupId) =>
        this.#coordinator('committed', (answer) =>
          coordinator()
            .committed(groupId)
            .then(...settling(answer)),
        ),
    };
  }

  #source(): FetchSource {
    const { broker } = this.#deps;
    return {
      partitionCount: (topic) => this.#ask('describe', () => broker.describe(topic).partitions.length),
      leaderOf: (partition) => this.#leaderOf(partition),
      fetch: async (leader, positions, { maxWaitMs, signal }) => {
        try {
          return await this.#call<PartitionBatch[]>(
            `fetch from ${leader}`,
            (answer) => broker.fetch(leader, positions, maxWaitMs, answer),
            REQUEST_TIMEOUT_MS + maxWaitMs,
            signal,
          );
        } catch (error) {
          if (isKitError(error, 'LOG_UNAVAILABLE')) this.#leaders.clear();
          throw error;
        }
      },
    };
  }

  async #leaderOf({ topic, partition }: TopicPartition): Promise<number> {
    const name = `${topic}/${partition}`;
    const known = this.#leaders.get(name);
    if (known !== undefined) return known;
    const description = await this.#ask('describe', () => this.#deps.broker.describe(topic));
    for (const { partition, leader } of description.partitions) {
      if (leader >= 0) this.#leaders.set(`${topic}/${partition}`, leader);
    }
    const leader = this.#leaders.get(name);
    if (leader === undefined) throw unavailable(false);
    return leader;
  }

  #ask<T>(what: string, serve: () => T): Promise<T> {
    return this.#call<T>(what, (answer) => answer(null, serve()), REQUEST_TIMEOUT_MS);
  }

  /** A coordinator that has gone is not there for now, as the protocol says it. */
  #coordinator<T>(what: string, serve: (answer: Answer<T>) => void, waitMs = 0): Promise<T> {
    const known = (answer: Answer<T>): Answer<T> => {
      return (error, value) => answer(isKitError(error, 'LOG_CLOSED') ? unavailable(false) : error, value);
    };
    return this.#call(what, (answer) => serve(known(answer)), REQUEST_TIMEOUT_MS + waitMs);
  }

  #call<T>(what: string, serve: (answer: Answer<T>) => void, timeoutMs: number, signal?: AbortSignal): Promise<T> {
    const { network, process } = this.#deps;
    return network.call<T>({
      what,
      from: process,
      timeoutMs,
      timedOut: () => unavailable(true),
      serve,
      ...(signal === undefined ? {} : { signal }),
    });
  }
}

function settling<T>(answer: Answer<T>): [(value: T) => void, (error: unknown) => void] {
  return [(value) => answer(null, value), (error) => answer(error)];
}
