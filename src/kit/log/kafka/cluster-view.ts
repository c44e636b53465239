import { type API, metadataV12 } from '@platformatic/kafka';
import type { Clock } from '../../clock.ts';
import { isKitError, KitError } from '../../errors.ts';
import type { BrokerDescription, TopicPartition } from '../event-log.ts';
import { BrokerLink, type RequestLimits } from './broker-link.ts';
import { errorName, refusal, unavailable } from './errors.ts';

type MetadataResponse = metadataV12.MetadataResponse;

export interface ClusterViewOptions {
  /** `host:port`; any of them that answers will do. */
  readonly bootstrap: readonly string[];
  readonly clientId: string;
  readonly requestTimeoutMs: number;
  readonly clock: Clock;
}

interface TopicView {
  readonly id: string;
  /** Node id by partition; -1 without a leader. */
  readonly leaders: readonly number[];
  /** Rise with every election. */
  readonly leaderEpochs: readonly number[];
  readonly asOf: number;
}

/** A topic's partitions may be added to: looked up again after this. */
const MAX_AGE_MS = 60_000;
/** A broker that failed is asked last for this long. */
const SUSPECT_MS = 10_000;
const RETRY_PAUSE_MS = 50;
/** Where any broker will do, another one is asked too once this one has been silent for so long. */
const PATIENCE_MS = 500;

/** Who is in the cluster and who leads what, as last heard; and the links to its brokers. */
export class ClusterView {
  readonly requestTimeoutMs: number;
  readonly clock: Clock;
  readonly #options: ClusterViewOptions;
  readonly #links = new Map<string, BrokerLink>();
  readonly #suspects = new Map<string, number>();
  readonly #topics = new Map<string, TopicView>();
  readonly #topicNames = new Map<string, string>();
  readonly #lookups = new Map<string, Promise<TopicView>>();
  #nodes = new Map<number, string>();
  #turn = 0;
  #closed = false;

  constructor(options: ClusterViewOptions) {
    this.#options = options;
    this.requestTimeoutMs = options.requestTimeoutMs;
    this.clock = options.clock;
  }

  get openConnections(): number {
    let open = 0;
    for (const link of this.#links.values()) open += link.openConnections;
    return open;
  }

  /** Asks brokers one after the other until one answers: known ones and bootstrap, those that failed lately last. */
  async askAny<A extends unknown[], R>(api: API<A, R>, args: A): Promise<R> {
    const order = this.#inTurn();
    let cause: unknown;
    for (const address of order) {
      try {
        return await this.#link(address).request(api, args, { timeoutMs: this.requestTimeoutMs });
      } catch (error) {
        if (!isKitError(error, 'LOG_UNAVAILABLE')) throw error;
        this.#suspect(address);
        cause = error;
      }
    }
    throw nobodyAnswers(order, cause);
  }

  /** As `askAny`, for questions that may be put twice: the first answer counts, and a broker that hangs costs little time. */
  askFirst<A extends unknown[], R>(api: API<A, R>, args: A): Promise<R> {
    const order = this.#inTurn();
    const answer = Promise.withResolvers<R>();
    let [asked, underWay, settled] = [0, 0, false];
    let cause: unknown;
    void answer.promise
      .catch(() => {})
      .finally(() => {
        settled = true;
      });
    const askNext = async (): Promise<void> => {
      const address = order[asked++];
      if (settled) return;
      if (address === undefined) {
        if (underWay === 0) answer.reject(nobodyAnswers(order, cause));
        return;
      }
      underWay++;
      const stopWaiting = this.clock.after(PATIENCE_MS, () => {
        this.#suspects.set(address, this.clock.now() + SUSPECT_MS);
        void askNext();
      });
      try {
        answer.resolve(await this.#link(address).request(api, args, { timeoutMs: this.requestTimeoutMs }));
      } catch (error) {
        underWay--;
        if (isKitError(error, 'LOG_UNAVAILABLE')) {
          this.#suspect(address);
          cause = error;
          void askNext();
        } else answer.reject(error);
      } finally {
        stopWaiting();
      }
    };
    void askNext();
    return answer.promise;
  }

  /** Sends to one node; what is wrong with the way there makes the node a suspect. */
  async askNode<A extends unknown[], R>(
    node: number,
    api: API<A, R>,
    args: A,
    limits: { timeoutMs?: number; signal?: AbortSignal } = {},
  ): Promise<R> {
    const address = this.#nodes.get(node);
    if (address === undefined) throw unavailable(`broker ${node} is not in the cluster`, { details: { sent: false } });
    try {
      const { timeoutMs = this.requestTimeoutMs, signal } = limits;
      return await this.#link(address).request(api, args, { timeoutMs, ...(signal && { signal }) });
    } catch (error) {
      if (isKitError(error, 'LOG_UNAVAILABLE')) this.#suspect(address);
      throw error;
    }
  }

  /** Sends to this address, whether or not a broker of the cluster is there; nobody becomes a suspect. */
  askAddress<A extends unknown[], R>(address: string, api: API<A, R>, args: A, limits: RequestLimits): Promise<R> {
    return this.#link(address).request(api, args, limits);
  }

  /** Every topic's or the named ones' metadata, fresh, as the broker gave it, error codes included. */
  async metadata(topics: readonly string[] | null): Promise<MetadataResponse> {
    const response = await this.askFirst(metadataV12.api, [topics === null ? null : [...topics], false, false]);
    if (response.brokers.length > 0) {
      this.#nodes = new Map(response.brokers.map(({ nodeId, host, port }) => [nodeId, addressOf({ host, port })]));
    }
    return response;
  }

  /** What one broker knows. */
  metadataFrom(node: number, topics: readonly string[]): Promise<MetadataResponse> {
    return this.askNode(node, metadataV12.api, [[...topics], false, false]);
  }

  /** @throws KitError UNKNOWN_TOPIC, LOG_UNAVAILABLE */
  async topic(name: string): Promise<TopicView> {
    const known = this.#topics.get(name);
    if (known !== undefined && this.clock.now() - known.asOf < MAX_AGE_MS) return known;
    return this.refresh(name);
  }

  /** Looks the topic up; until the answer is there, what was known of it stays in use. @throws as `topic` */
  refresh(name: string): Promise<TopicView> {
    let lookup = this.#lookups.get(name);
    if (lookup === undefined) {
      lookup = this.#lookUp(name).finally(() => this.#lookups.delete(name));
      this.#lookups.set(name, lookup);
    }
    return lookup;
  }

  /** @throws KitError UNKNOWN_TOPIC, UNKNOWN_PARTITION, LOG_UNAVAILABLE where it has no leader now */
  async leader(at: TopicPartition): Promise<number> {
    const { leaders } = await this.topic(at.topic);
    const leader = leaders[at.partition];
    if (leader === undefined) {
      throw new KitError('UNKNOWN_PARTITION', `${at.topic} has ${leaders.length} partitions, not ${at.partition}`, {
        details: { ...at, partitions: leaders.length },
      });
    }
    if (leader >= 0 && this.#nodes.has(leader)) return leader;
    this.forget(at.topic);
    throw unavailable(`${at.topic}-${at.partition} has no leader`, { details: { ...at, sent: false } });
  }

  /** The name of a topic id seen in `topic`. */
  nameOf(topicId: string): string | undefined {
    return this.#topicNames.get(topicId);
  }

  /** What is known of this topic has proved wrong; the next look asks again. */
  forget(topic: string): void {
    const known = this.#topics.get(topic);
    if (known !== undefined) this.#topics.set(topic, { ...known, asOf: Number.NEGATIVE_INFINITY });
  }

  /**
   * Runs an idempotent request until it is answered, a refusal stays, or the time of one request is over: leaders move,
   * and a new topic takes a moment to be known everywhere.
   */
  async persist<T>(attempt: () => Promise<T>): Promise<T> {
    const end = this.clock.now() + this.requestTimeoutMs;
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        if (!isKitError(error) || !error.retriable || this.#closed || this.clock.now() >= end) throw error;
        await this.pause();
      }
    }
  }

  /** What brokers need to hear of a change. */
  pause(): Promise<void> {
    return new Promise((resolve) => this.clock.after(RETRY_PAUSE_MS, resolve));
  }

  /** Addresses of every broker known now. */
  nodes(): ReadonlyMap<number, string> {
    return this.#nodes;
  }

  close(): void {
    this.#closed = true;
    for (const link of this.#links.values()) link.close();
  }

  async #lookUp(name: string): Promise<TopicView> {
    const { topics } = await this.metadata([name]);
    const found = topics.find((topic) => topic.name === name);
    if (found === undefined || errorName(found.errorCode) === 'UNKNOWN_TOPIC_OR_PARTITION') {
      throw new KitError('UNKNOWN_TOPIC', `there is no topic ${name}`, { details: { topic: name } });
    }
    if (found.errorCode !== 0) throw refusal(found.errorCode, `look up ${name}`, { topic: name });
    const leaders: number[] = Array.from({ length: found.partitions.length }, () => -1);
    const leaderEpochs = leaders.slice();
    const seen = this.#topics.get(name);
    for (const { partitionIndex: index, leaderId, leaderEpoch } of found.partitions) {
      // a broker that was frozen or cut off tells of the leaders before
      const outdated = seen?.id === found.topicId && seen.leaderEpochs[index]! > leaderEpoch;
      leaders[index] = outdated ? seen.leaders[index]! : leaderId;
      leaderEpochs[index] = outdated ? seen.leaderEpochs[index]! : leaderEpoch;
    }
    const view = { id: found.topicId, leaders, leaderEpochs, asOf: this.clock.now() };
    this.#topics.set(name, view);
    this.#topicNames.set(found.topicId, name);
    return view;
  }

  #inTurn(): string[] {
    const now = this.clock.now();
    const addresses = [...new Set([...this.#nodes.values(), ...this.#options.bootstrap])];
    const turn = this.#turn++ % addresses.length;
    const rotated = [...addresses.slice(turn), ...addresses.slice(0, turn)];
    const suspected = (address: string): boolean => (this.#suspects.get(address) ?? 0) > now;
    return [...rotated.filter((a) => !suspected(a)), ...rotated.filter(suspected)];
  }

  #link(address: string): BrokerLink {
    const known = this.#links.get(address);
    if (known !== undefined) return known;
    if (this.#closed) throw new KitError('LOG_CLOSED', 'the log has been closed');
    const { host, port } = parseAddress(address);
    const link = new BrokerLink(host, port, {
      clientId: this.#options.clientId,
      connectTimeoutMs: this.requestTimeoutMs,
    });
    this.#links.set(address, link);
    return link;
  }

  #suspect(address: string): void {
    this.#suspects.set(address, this.clock.now() + SUSPECT_MS);
    for (const [name, { leaders }] of this.#topics) {
      if (leaders.some((leader) => this.#nodes.get(leader) === address)) this.forget(name);
    }
  }
}

function nobodyAnswers(asked: readonly string[], cause: unknown): KitError {
  return unavailable(`no broker answers (${asked.join(', ')})`, { cause, details: { sent: true } });
}

export function addressOf({ host, port }: Pick<BrokerDescription, 'host' | 'port'>): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** @throws KitError INVALID_BOOTSTRAP */
export function parseAddress(address: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:\s]+)):(\d{1,5})$/.exec(address.trim());
  const port = Number(match?.[3]);
  if (match === null || port < 1 || port > 65_535) {
    throw new KitError('INVALID_BOOTSTRAP', `not a broker's host:port: ${address}`, { details: { address } });
  }
  return { host: match[1] ?? match[2]!, port };
}
