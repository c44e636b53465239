/** What a running StreamSocial consists of, as API and command line see it. `open-platform.ts` puts it together. */
import type { SocialEvent } from '../domains/social/events.ts';
import type { ConsumerMetrics } from '../kit/consumers/consumer-metrics.ts';
import type { DeadLetterQueue } from '../kit/dlq/dead-letter-queue.ts';
import type { EventLog, PartitionOffset } from '../kit/log/event-log.ts';
import type { LogAdmin } from '../kit/log/log-admin.ts';
import type { TopicManager } from '../kit/log/topic-manager.ts';
import type { ClusterReport } from '../kit/monitoring/cluster-report.ts';
import type { EventPublisher } from '../kit/producers/event-publisher.ts';
import type { HighVolumeProducer } from '../kit/producers/high-volume-producer.ts';
import type { IdempotencyStore } from '../kit/producers/idempotency-store.ts';
import type { Failures } from './failures.ts';
import type { Groups } from './groups/groups.ts';
import type { Histories } from './histories.ts';
import type { Journeys } from './journey/journeys.ts';
import type { LogRange, RangeRequest } from './log-range.ts';
import type { NotificationBus } from './notification-bus.ts';
import type { Projection, ProjectionName, StateReader } from './projection.ts';
import type { ProjectionStatus } from './projection-status.ts';
import type { PulseSource } from './pulse/pulse.ts';
import type { Rebuilds } from './rebuild.ts';
import type { RecentKey, RecentKeysQuery } from './recent-keys.ts';
import type { Reconciliation } from './reconciliation.ts';
import type { RuntimeController } from './runtime-controller.ts';
import type { Search } from './search.ts';
import type { StateAt } from './state-at.ts';

export interface Platform {
  readonly log: EventLog;
  /** `host:port` where the embedded log speaks Kafka's protocol; null where it does not. */
  readonly broker: string | null;
  /**
   * Configuration, sizes and groups, by Kafka's protocol; made at the first call and closed with the platform, by nobody else.
   * Null for an embedded log that does not speak it: see `broker`.
   */
  admin(): Promise<LogAdmin> | null;
  readonly topics: TopicManager;
  /** Consumer groups, ours and others'. */
  readonly groups: Groups;
  readonly producer: HighVolumeProducer;
  readonly publisher: EventPublisher<SocialEvent>;
  readonly deadLetters: DeadLetterQueue;
  readonly failures: Failures;
  readonly idempotency: IdempotencyStore;
  readonly controller: Pick<RuntimeController, 'state' | 'cause' | 'demo' | 'startDemo' | 'demoEnded'>;
  /** What the projections hold, by name; read only. */
  readonly state: Readonly<Record<ProjectionName, StateReader>>;
  readonly projections: readonly Projection[];
  /** How far a projection is, and which version of it is live. */
  projectionStatus(projection: Projection): Promise<ProjectionStatus>;
  readonly rebuilds: Pick<Rebuilds, 'decide' | 'start' | 'latest' | 'report' | 'cancel'>;
  /** What the projections were before a time of the past, from the log. */
  readonly stateAt: Pick<StateAt, 'read'>;
  /** What became of single documents, event by event. */
  readonly histories: Pick<Histories, 'documentAt' | 'changes' | 'progress'>;
  /** Keys of documents that the newest events of a projection have changed. */
  recentKeys(projection: Projection, query: RecentKeysQuery): Promise<RecentKey[]>;
  /** When records came to the log. */
  logRange(request: RangeRequest, signal: AbortSignal): Promise<LogRange>;
  /**
   * Waits until the event at this position is applied, by engagement or activity, or by the projection that is named.
   *
   * @throws KitError INVALID_ARGUMENT where that projection does not read the topic, NOT_APPLIED_YET after `timeoutMs`
   */
  applied(position: PartitionOffset, timeoutMs: number, name?: ProjectionName): Promise<void>;
  /** What users are told, as it happens. */
  readonly notifications: Pick<NotificationBus, 'subscribe'>;
  /** One event followed through the system. */
  readonly journeys: Pick<Journeys, 'ofEvent' | 'ofPlace' | 'relationsOf'>;
  readonly search: Pick<Search, 'find'>;
  /** Of the engagement consumer. */
  consumerMetrics(): Promise<ConsumerReport>;
  /** Of every handler that runs in this process; lag as of the last fetch. */
  handlers(): readonly HandlerReport[];
  /** At most a second old, and shared by all who ask meanwhile. */
  health(): Promise<HealthReport>;
  /** Something was done to the brokers: `health` looks anew for whoever asks from now on. */
  lookAgain(): void;
  /** How everything is, as it goes on. */
  readonly pulse: PulseSource;
  /** Empty when requests can be served; otherwise why not. */
  notReadyBecause(): Promise<readonly string[]>;
  /** Folds the whole log anew and compares: positions, tallies and counters. */
  reconcile(): Promise<Reconciliation>;
  /** Moves no projection any more. */
  stopConsuming(): Promise<void>;
  /**
   * Stops consuming and taking events, drains, closes. Default 9 s; what is not acknowledged when they are nearly over
   * fails with PRODUCER_CLOSED.
   */
  close(timeoutMs?: number): Promise<void>;
}

export interface HandlerReport {
  readonly name: ProjectionName;
  readonly group: string;
  readonly metrics: ConsumerMetrics;
}

export interface ConsumerReport extends ConsumerMetrics {
  readonly dlq_depth: number;
}

/** Of the log: a Kafka cluster, or the embedded log as one broker. */
export type HealthReport = ClusterReport;
