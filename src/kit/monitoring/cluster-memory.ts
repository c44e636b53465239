/** What looks at a cluster have to remember from one to the next. */
import { addressOf } from '../log/kafka/cluster-view.ts';
import { brokerRole } from './broker-state.ts';
import type { ClusterFacts, LogFacts, TopicFacts } from './cluster-facts.ts';
import type { KnownCluster } from './cluster-probe.ts';
import type { BrokerRole, BrokerState } from './cluster-report.ts';

export interface RememberedBroker {
  /** `host:port`; null where it was never seen. */
  readonly address: string | null;
  readonly role: BrokerRole | null;
  readonly state: BrokerState | null;
  readonly answeredAt: number | null;
  /** The process that answered last, where its launcher tells. */
  readonly processId: string | null;
  /** When something last spoke of it: registered, replica, voter or observer. */
  readonly namedAt: number;
  readonly replicaLag: number | null;
}

/** A broker that nothing names any more was taken out of the cluster: after this it is no longer listed. */
const FORGET_MS = 15 * 60_000;

export class ClusterMemory implements KnownCluster {
  #brokers: ReadonlyMap<number, RememberedBroker> = new Map();
  #before: ClusterFacts | null = null;
  #topics: readonly TopicFacts[] = [];
  #firstEpoch: number | null = null;
  #epoch: number | null = null;
  #leader: number | null = null;

  get leader(): number | null {
    return this.#leader;
  }

  /** The last that was seen. */
  get epoch(): number | null {
    return this.#epoch;
  }

  /** Epochs since the first look. */
  get elections(): number | null {
    return this.#epoch === null || this.#firstEpoch === null ? null : this.#epoch - this.#firstEpoch;
  }

  get before(): ClusterFacts | null {
    return this.#before;
  }

  /** The last that were told. */
  get topics(): readonly TopicFacts[] {
    return this.#topics;
  }

  get brokers(): ReadonlyMap<number, RememberedBroker> {
    return this.#brokers;
  }

  get addresses(): ReadonlyMap<number, string> {
    return new Map(
      [...this.#brokers].flatMap(([id, { address }]) => (address === null ? [] : [[id, address] as const])),
    );
  }

  /** Takes in a look: which brokers there are, where they are and when they answered. Their states come by `conclude`. */
  learn(facts: ClusterFacts): void {
    const { at, quorum, readings } = facts;
    if (quorum !== null) {
      this.#firstEpoch ??= quorum.leaderEpoch;
      this.#epoch = Math.max(quorum.leaderEpoch, this.#epoch ?? 0);
      if (quorum.leaderId >= 0) this.#leader = quorum.leaderId;
    }
    const named = brokersIn(facts);
    const addresses = new Map(facts.registered.map((broker) => [broker.id, addressOf(broker)]));
    const brokers = new Map<number, RememberedBroker>();
    for (const id of new Set([...this.#brokers.keys(), ...named])) {
      const known = this.#brokers.get(id);
      const namedAt = named.has(id) ? at : known!.namedAt;
      if (at - namedAt > FORGET_MS) continue;
      brokers.set(id, {
        address: addresses.get(id) ?? readings.get(id)?.address ?? known?.address ?? null,
        role: brokerRole(id, quorum) ?? known?.role ?? null,
        state: known?.state ?? null,
        answeredAt: known?.answeredAt ?? null,
        processId: known?.processId ?? null,
        namedAt,
        replicaLag: known?.replicaLag ?? null,
      });
    }
    this.#brokers = brokers;
  }

  /** What this look has come to is what the next one begins with. */
  conclude(facts: ClusterFacts, states: ReadonlyMap<number, BrokerState>): void {
    this.#before = facts;
    this.#topics = facts.topics ?? this.#topics;
    this.#brokers = new Map(
      [...this.#brokers].map(([id, broker]) => {
        const answers = facts.answering.has(id);
        return [
          id,
          {
            ...broker,
            state: states.get(id) ?? broker.state,
            answeredAt: answers ? facts.at : broker.answeredAt,
            processId: (answers ? facts.readings.get(id)?.process.id : undefined) ?? broker.processId,
            replicaLag: replicaLag(facts.logs.get(id)),
          },
        ];
      }),
    );
  }

  /** Nobody answers: every broker is silent, and nothing else has been learned. */
  silence(at: number, readings: ClusterFacts['readings']): ClusterFacts {
    return {
      at,
      registered: this.#before?.registered ?? [],
      answering: new Set(),
      quorum: null,
      topics: null,
      ends: new Map(),
      starts: new Map(),
      logs: new Map(),
      groups: [],
      readings,
      incomplete: [],
    };
  }
}

/** Registered, holding a replica, observing the quorum, or started by the launcher; voters too unless they are controllers only. */
function brokersIn({ registered, topics, quorum, readings }: ClusterFacts): Set<number> {
  const live = registered.map(({ id }) => id);
  const voters = quorum?.voters.map(({ id }) => id) ?? [];
  const isCombined = live.some((id) => voters.includes(id));
  return new Set([
    ...live,
    ...(topics ?? []).flatMap(({ partitions }) => partitions.flatMap(({ replicas }) => replicas)),
    ...(isCombined ? voters : []),
    ...(quorum?.observers.map(({ id }) => id) ?? []),
    ...readings.keys(),
  ]);
}

/** Records that a broker's replicas are behind, together. */
export function replicaLag(logs: LogFacts | undefined): number | null {
  if (logs === undefined) return null;
  let lag = 0;
  for (const partition of logs.partitions.values()) lag += partition.lag;
  return lag;
}
