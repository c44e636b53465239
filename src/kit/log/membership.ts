/**
 * A member of a consumer group: the client's half of Kafka's classic group protocol with eager rebalancing, over any
 * coordinator and any log. One generation after the other:
 *
 *   join -> sync -> onAssigned -> records ... -> (told to rebalance | thrown out | leave) -> settle -> onRevoked
 *
 * Heartbeats go on from sync to the next join, however long the callbacks take. A member that leaves does not wait for
 * a `join` or `sync` under way: the transport may get `leave` beside it and must not queue it behind.
 * Source: Kafka protocol guide; KIP-62 (rebalance timeout), KIP-394 (member id first).
 */
import { type Clock, systemClock } from '../clock.ts';
import { isKitError, KitError } from '../errors.ts';
import { noLongerThan, pauseMs } from '../waiting.ts';
import {
  ASSIGNORS,
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  type Subscriber,
} from './assignment.ts';
import { backoffMs } from './backoff.ts';
import { Delivery } from './delivery.ts';
import type { GroupMember, JoinOptions, PartitionOffset, TopicPartition } from './event-log.ts';
import type { FetchSource, GroupTransport, JoinRequest, JoinResponse, MemberIdentity } from './group-transport.ts';

export interface MembershipDeps {
  readonly transport: GroupTransport;
  readonly source: FetchSource;
  readonly clock?: Clock;
  readonly random?: () => number;
}

const PROTOCOL_TYPE = 'consumer';
/** The group goes on, and this member joins it again at once. */
const REJOIN_CODES = ['MEMBER_ID_REQUIRED', 'REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID'];
const PROMPT_REJOINS = 5;
const SESSION_TIMEOUT_MS = 6_000;
const REBALANCE_TIMEOUT_MS = 60_000;
const MAX_BUFFERED_BYTES = 32 * 1024 * 1024;
const HEARTBEAT_INTERVAL_MS = 3_000;
/** How long a member that leaves waits for its group to have heard of it. */
const LEAVE_LIMIT_MS = 1_000;
/** At least: one that is lost does not cost the membership, and a rebalance is heard of early. */
const HEARTBEATS_PER_SESSION = 4;

type Interruption = 'rebalance' | 'lost' | 'leave' | 'failed';

/**
 * Resolves once the member belongs to a generation; its callbacks begin after that. While the log cannot be reached
 * it goes on trying until `signal` aborts.
 *
 * @throws KitError UNKNOWN_TOPIC, INVALID_SESSION_TIMEOUT, INCONSISTENT_GROUP_PROTOCOL and others that no retry can help;
 *   the signal's reason
 */
export async function joinGroup(
  deps: MembershipDeps,
  groupId: string,
  options: JoinOptions,
  signal?: AbortSignal,
): Promise<GroupMember> {
  const membership = new Membership(deps, groupId, options);
  await membership.start(signal);
  return membership;
}

class Membership implements GroupMember {
  readonly ended: Promise<void>;
  readonly #transport: GroupTransport;
  readonly #source: FetchSource;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #groupId: string;
  readonly #options: JoinOptions;
  readonly #leaving = new AbortController();
  readonly #end = Promise.withResolvers<void>();
  readonly #leftBefore: Promise<null>;
  #memberId = '';
  #generation = -1;
  #assignment: readonly TopicPartition[] = [];
  #delivery: Delivery | null = null;
  #interruption: Interruption | null = null;
  #interrupted = Promise.withResolvers<void>();
  #failure: unknown;
  #uncommitted = new Map<string, PartitionOffset>();

  constructor(deps: MembershipDeps, groupId: string, options: JoinOptions) {
    this.#transport = deps.transport;
    this.#source = deps.source;
    this.#clock = deps.clock ?? systemClock;
    this.#random = deps.random ?? Math.random;
    this.#groupId = groupId;
    this.#options = options;
    this.#leftBefore = new Promise((resolve) =>
      this.#leaving.signal.addEventListener('abort', () => resolve(null), { once: true }),
    );
    this.ended = this.#end.promise;
    // Whoever does not look at `ended` must not be ended by it.
    this.ended.catch(() => {});
  }

  get memberId(): string {
    return this.#memberId;
  }

  get generation(): number {
    return this.#generation;
  }

  assignment(): readonly TopicPartition[] {
    return this.#assignment;
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.#delivery?.pause(partitions);
  }

  resume(partition: TopicPartition, offset: number): void {
    this.#delivery?.resume(partition, offset);
  }

  async commit(offsets: readonly PartitionOffset[]): Promise<void> {
    for (const offset of offsets) this.#uncommitted.set(`${offset.topic}:${offset.partition}`, offset);
    const owned = new Set(this.#assignment.map(({ topic, partition }) => `${topic}:${partition}`));
    const due = [...this.#uncommitted].filter(([key]) => owned.has(key));
    this.#uncommitted = new Map();
    if (due.length === 0) return;
    const identity = this.#identity();
    try {
      await this.#transport.commit(
        identity,
        due.map(([, offset]) => offset),
      );
    } catch (error) {
      if (!isKitError(error) || !(error.retriable || REJOIN_CODES.includes(error.code))) throw error;
      if (identity.generation === this.#generation) this.#uncommitted = new Map([...due, ...this.#uncommitted]);
    }
  }

  leave(): Promise<void> {
    this.#leaving.abort();
    this.#interrupt('leave');
    return this.ended.catch(() => {});
  }

  async start(signal?: AbortSignal): Promise<void> {
    const abort = (): void => void this.leave();
    signal?.addEventListener('abort', abort, { once: true });
    try {
      signal?.throwIfAborted();
      if (!(await this.#join())) throw signal?.reason;
    } catch (error) {
      await this.#quit();
      this.#end.reject(error);
      throw error;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
    // The caller has the member in hand before its callbacks begin.
    setImmediate(() => this.#run().then(this.#end.resolve, this.#end.reject));
  }

  async #run(): Promise<void> {
    try {
      do await this.#serve();
      while (!this.#left && this.#failure === undefined && (await this.#join()));
    } catch (error) {
      this.#failure ??= error;
    }
    await this.#quit();
    if (this.#failure !== undefined) throw this.#failure;
  }

  get #left(): boolean {
    return this.#leaving.signal.aborted;
  }

  #identity(): MemberIdentity {
    return { groupId: this.#groupId, generation: this.#generation, memberId: this.#memberId };
  }

  /** The first reason to stop counts, except that being thrown out overrides what the group asked for before. */
  #interrupt(interruption: Interruption, failure?: unknown): void {
    if (this.#interruption === null || interruption === 'lost') this.#interruption = interruption;
    if (interruption === 'failed') this.#failure ??= failure;
    this.#interrupted.resolve();
  }

  /** One generation, from its first heartbeat until its partitions are revoked. */
  async #serve(): Promise<void> {
    const stopHeartbeats = this.#beat();
    const owned = this.#interruption === null ? this.#assignment : [];
    try {
      const starts = owned.length > 0 ? await this.#options.onAssigned(owned) : [];
      if (owned.length > 0 && this.#interruption === null) this.#delivery = this.#deliver(owned, starts);
      await this.#interrupted.promise;
    } finally {
      try {
        await this.#delivery?.stop();
        if (owned.length > 0) await this.#options.onRevoked(owned, this.#wasLost);
      } finally {
        this.#delivery = null;
        this.#assignment = [];
        // Whoever owns these partitions next knows better.
        this.#uncommitted.clear();
        stopHeartbeats();
      }
    }
    // The member id is kept: if the coordinator does not know it any more, it says so at the next join.
    if (this.#wasLost) this.#generation = -1;
  }

  #deliver(owned: readonly TopicPartition[], starts: readonly PartitionOffset[]): Delivery {
    return new Delivery(owned, starts, {
      source: this.#source,
      clock: this.#clock,
      random: this.#random,
      maxBufferedBytes: this.#options.maxBufferedBytes ?? MAX_BUFFERED_BYTES,
      gatherMs: this.#options.gatherMs,
      onRecords: this.#options.onRecords,
      onFailed: (error) => this.#interrupt('failed', error),
    });
  }

  get #wasLost(): boolean {
    return this.#interruption === 'lost';
  }

  #beat(): () => void {
    const { sessionTimeoutMs = SESSION_TIMEOUT_MS, heartbeatIntervalMs } = this.#options;
    const intervalMs =
      heartbeatIntervalMs ?? Math.min(HEARTBEAT_INTERVAL_MS, Math.ceil(sessionTimeoutMs / HEARTBEATS_PER_SESSION));
    let stopped = false;
    let cancel = (): void => {};
    const beat = async (): Promise<void> => {
      try {
        await this.#transport.heartbeat(this.#identity());
      } catch (error) {
        if (stopped) return;
        if (isKitError(error, 'REBALANCE_IN_PROGRESS')) this.#interrupt('rebalance');
        else if (isKitError(error) && REJOIN_CODES.includes(error.code)) this.#interrupt('lost');
        else if (!isKitError(error) || !error.retriable) this.#interrupt('failed', error);
      }
      schedule();
    };
    const schedule = (): void => {
      if (!stopped && !this.#wasLost) cancel = this.#clock.after(intervalMs, beat);
    };
    schedule();
    return () => {
      stopped = true;
      cancel();
    };
  }

  /** Into the next generation; false when the member is to leave instead. */
  async #join(): Promise<boolean> {
    for (let failures = 0; !this.#left; failures++) {
      try {
        // Unknown topics are refused here, before the group is disturbed.
        if (this.#generation < 0) await this.#unlessLeft(this.#knowTopics());
        if (this.#left) return false;
        const joined = await this.#unlessLeft(this.#transport.join(this.#joinRequest()));
        if (joined === null) return false;
        this.#memberId = joined.memberId;
        this.#generation = joined.generation;
        const assignments = joined.leaderId === joined.memberId ? await this.#assign(joined) : [];
        const assignment = await this.#unlessLeft(this.#transport.sync(this.#identity(), assignments));
        if (assignment === null || this.#left) return false;
        this.#assignment = decodeAssignment(assignment);
        this.#interruption = null;
        this.#interrupted = Promise.withResolvers();
        return true;
      } catch (error) {
        const rejoin = isKitError(error) && REJOIN_CODES.includes(error.code);
        if (!rejoin && !(isKitError(error) && error.retriable)) throw error;
        // An id that was just given is used at once: it may expire sooner than a pause ends.
        const given = error.code === 'MEMBER_ID_REQUIRED' && this.#memberId === '';
        if (error.code === 'MEMBER_ID_REQUIRED') this.#memberId = String(error.details.memberId);
        if (error.code === 'UNKNOWN_MEMBER_ID') this.#memberId = '';
        if (!rejoin || (failures >= PROMPT_REJOINS && !given)) await this.#pauseMs(backoffMs(failures, this.#random));
      }
    }
    return false;
  }

  #joinRequest(): JoinRequest {
    const { topics, clientId, sessionTimeoutMs, rebalanceTimeoutMs } = this.#options;
    return {
      groupId: this.#groupId,
      memberId: this.#memberId,
      clientId: clientId ?? 'streamsocial',
      sessionTimeoutMs: sessionTimeoutMs ?? SESSION_TIMEOUT_MS,
      rebalanceTimeoutMs: rebalanceTimeoutMs ?? REBALANCE_TIMEOUT_MS,
      protocolType: PROTOCOL_TYPE,
      protocols: [...ASSIGNORS.keys()].map((name) => ({ name, metadata: encodeSubscription(topics) })),
    };
  }

  async #knowTopics(): Promise<void> {
    await Promise.all(this.#options.topics.map((topic) => this.#source.partitionCount(topic)));
  }

  #unlessLeft<T>(work: Promise<T>): Promise<T | null> {
    return Promise.race([work, this.#leftBefore]);
  }

  async #assign({ members, protocolName }: JoinResponse) {
    const assignor = ASSIGNORS.get(protocolName);
    if (assignor === undefined) {
      throw new KitError('INCONSISTENT_GROUP_PROTOCOL', `The group chose the assignor ${protocolName}, unknown here.`);
    }
    const subscribers: Subscriber[] = members.map(({ memberId, metadata }) => ({
      memberId,
      topics: decodeSubscription(metadata).topics,
    }));
    const topics = new Set(subscribers.flatMap((subscriber) => subscriber.topics));
    const counts = await Promise.all([...topics].map(async (topic) => [topic, await this.#countOf(topic)] as const));
    return [...assignor(subscribers, new Map(counts))].map(([memberId, partitions]) => ({
      memberId,
      assignment: encodeAssignment(partitions),
    }));
  }

  /** Another member may have subscribed to a topic that does not exist (yet): it has nothing to assign. */
  async #countOf(topic: string): Promise<number> {
    try {
      return await this.#source.partitionCount(topic);
    } catch (error) {
      if (isKitError(error, 'UNKNOWN_TOPIC')) return 0;
      throw error;
    }
  }

  /** Leaving is a courtesy: a group that cannot be told finds out by the session timeout. */
  async #quit(): Promise<void> {
    if (this.#memberId === '') return;
    try {
      await noLongerThan(LEAVE_LIMIT_MS, this.#transport.leave(this.#identity()), this.#clock);
    } catch (error) {
      if (!isKitError(error)) throw error;
    }
  }

  #pauseMs(delayMs: number): Promise<void> {
    return pauseMs(delayMs, this.#clock, this.#leaving.signal);
  }
}
