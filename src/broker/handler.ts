/** What answers one kind of request. There is one file of `handlers/` per API key. */
import type { Clock } from '../kit/clock.ts';
import type { GroupCoordinator } from '../kit/log/embedded/group-coordinator.ts';
import type { LogStore } from '../kit/log/embedded/log-store.ts';
import type { Api, RequestOf, ResponseOf } from './protocol/layout.ts';

export interface BrokerSettings {
  /** Whether asking for a topic that is missing creates it; Kafka's `auto.create.topics.enable`. */
  readonly autoCreateTopics: boolean;
  /** Of topics whose creator does not say; Kafka's `num.partitions`. */
  readonly defaultPartitions: number;
  /** Of members of groups that come over the network; Kafka's `group.min.session.timeout.ms`. */
  readonly minSessionTimeoutMs: number;
}

/** What a handler may use of the broker. */
export interface Broker {
  readonly store: LogStore;
  readonly coordinator: GroupCoordinator;
  readonly clock: Clock;
  readonly host: string;
  /** Known once the broker listens. */
  readonly port: number;
  readonly settings: BrokerSettings;
  /** What one fetch may bring now, by what clients have yet to take. */
  fetchBytes(): number;
}

/** One request's circumstances. */
export interface Asking {
  readonly version: number;
  readonly clientId: string;
  /** As Kafka's tools show it: an address with a slash before it. */
  readonly clientHost: string;
  /** Aborts when the connection has ended, and when the broker stops. */
  readonly signal: AbortSignal;
}

export interface Handler<A extends Api = Api> {
  readonly api: A;
  /** null: no answer is sent (Produce with acks 0). */
  answer(request: RequestOf<A>, asking: Asking, broker: Broker): Promise<ResponseOf<A> | null> | ResponseOf<A> | null;
}

export function handler<A extends Api>(api: A, answer: Handler<A>['answer']): Handler<A> {
  return { api, answer };
}
