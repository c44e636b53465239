/**
 * Kafka's bad days, at will: what a client meets when brokers are slow, move, lose an answer or are not the right one to ask.
 * A fault strikes as many requests as it is told to, the first ones that match.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { KitError } from '../../kit/errors.ts';
import { ERROR, type ErrorName } from '../protocol/error-codes.ts';
import type { Around } from '../requests.ts';
import { REFUSALS } from './refusals.ts';

/** Names as in the protocol guide: `Produce`, `Fetch`, `JoinGroup`, ... */
export type ApiName = string;

export interface FaultOptions {
  /** Requests that it strikes. Default: every one until it is removed. */
  readonly times?: number;
  /** Only requests that name this topic. */
  readonly topic?: string;
}

export interface Fault {
  /** Requests that it has struck. */
  readonly struck: number;
  remove(): void;
}

type Strike = (request: unknown, api: ApiName, answer: () => Promise<unknown>) => Promise<unknown>;

interface Planned extends FaultOptions {
  readonly apis: readonly ApiName[];
  readonly strike: Strike;
  struck: number;
}

const GROUP_APIS = ['JoinGroup', 'SyncGroup', 'Heartbeat', 'LeaveGroup', 'OffsetCommit', 'OffsetFetch'];

export class Faults {
  readonly #topicName: (topicId: string) => string | undefined;
  #planned: Planned[] = [];

  /** @param topicName of the topic with this id: newer requests name their topics by id */
  constructor(topicName: (topicId: string) => string | undefined) {
    this.#topicName = topicName;
  }

  /** Nothing is done, and this is the answer. @throws KitError INVALID_ARGUMENT for an API that has no such answer */
  refuse(api: ApiName, error: ErrorName, options: FaultOptions = {}): Fault {
    return this.#refuse([api], error, options);
  }

  /** Answers come so much later; what they tell of is done at once, as over a slow network. */
  delay(api: ApiName, delayMs: number, options: FaultOptions = {}): Fault {
    return this.#plan([api], options, async (_request, _api, answer) => {
      const response = await answer();
      await sleep(delayMs);
      return response;
    });
  }

  /** All is done and the connection ends before the answer: the client cannot know. */
  dropAnswer(api: ApiName, options: FaultOptions = {}): Fault {
    return this.#plan([api], options, async (_request, name, answer) => {
      await answer();
      throw injected(name);
    });
  }

  /** The connection ends before anything is done. */
  disconnect(api: ApiName, options: FaultOptions = {}): Fault {
    return this.#plan([api], options, async (_request, name) => {
      throw injected(name);
    });
  }

  /** As while leadership moves: producers and consumers look for the leader anew. */
  notLeader(options: FaultOptions = {}): Fault {
    return this.#refuse(['Produce', 'Fetch', 'ListOffsets'], 'NOT_LEADER_OR_FOLLOWER', options);
  }

  /** As while a group's coordinator moves: members look for it anew and join again. */
  coordinatorMoves(options: FaultOptions = {}): Fault {
    return this.#refuse(GROUP_APIS, 'NOT_COORDINATOR', options);
  }

  /** No fault from now on. */
  clear(): void {
    this.#planned = [];
  }

  readonly around: Around = async (_header, api, request, answer) => {
    const planned = this.#planned.find(
      ({ apis, topic }) => apis.includes(api.name) && (topic === undefined || this.#names(request, topic)),
    );
    if (planned === undefined) return answer();
    planned.struck++;
    if (planned.struck >= (planned.times ?? Number.POSITIVE_INFINITY)) this.#remove(planned);
    return planned.strike(request, api.name, answer);
  };

  #refuse(apis: readonly ApiName[], error: ErrorName, options: FaultOptions): Fault {
    const unknown = apis.find((api) => !REFUSALS.has(api));
    if (unknown !== undefined) {
      const known = [...REFUSALS.keys()].join(', ');
      throw new KitError('INVALID_ARGUMENT', `${unknown} cannot be refused; what can is ${known}.`);
    }
    return this.#plan(apis, options, async (request, api) => REFUSALS.get(api)!(request, ERROR[error]));
  }

  #plan(apis: readonly ApiName[], options: FaultOptions, strike: Strike): Fault {
    const planned: Planned = { ...options, apis, strike, struck: 0 };
    this.#planned.push(planned);
    return {
      get struck() {
        return planned.struck;
      },
      remove: () => this.#remove(planned),
    };
  }

  #remove(planned: Planned): void {
    this.#planned = this.#planned.filter((each) => each !== planned);
  }

  /** Requests name topics in lists of names or of structs, by one word or another, or by id. */
  #names(request: unknown, topic: string): boolean {
    const { topics, topicData, topicNames } = request as Record<string, readonly unknown[] | null>;
    return [...(topics ?? []), ...(topicData ?? []), ...(topicNames ?? [])].some((named) => {
      if (typeof named === 'string') return named === topic;
      const { name, topic: other, topicId } = named as { name?: string; topic?: string; topicId?: string };
      return name === topic || other === topic || (topicId !== undefined && this.#topicName(topicId) === topic);
    });
  }
}

function injected(api: ApiName): KitError {
  return new KitError('INJECTED_FAULT', `A fault was asked for at ${api}.`);
}
