/** What a running StreamSocial consists of, as API and command line see it. `open-platform.ts` puts it together. */
import type { SocialEvent } from '../domains/social/events.ts';
import type { ConsumerMetrics } from '../kit/consumers/consumer-metrics.ts';
import type { DeadLetterQueue } from '../kit/dlq/dead-letter-queue.ts';
import type { EventLog, PartitionOffset } from '../kit/log/event-log.ts';
import type { TopicManager } from '../kit/log/topic-manager.ts';
import type { ClusterReport } from '../kit/monitoring/cluster-report.ts';
import type { EventPublisher } from '../kit/producers/event-publisher.ts';
import type { HighVolumeProducer } from '../kit/producers/high-volume-producer.ts';
import type { IdempotencyStore } from '../kit/producers/idempotency-store.ts';
import type { Document } from '../kit/projections/projection-store.ts';
import type { Reconciliation } from './reconciliation.ts';
import type { RuntimeController } from './runtime-controller.ts';

export interface Platform {
  readonly log: EventLog;
  /** `host:port` where the embedded log speaks Kafka's protocol; null where it does not. */
  readonly broker: string | null;
  readonly topics: TopicManager;
  readonly producer: HighVolumeProducer;
  readonly publisher: EventPublisher<SocialEvent>;
  readonly deadLetters: DeadLetterQueue;
  readonly idempotency: IdempotencyStore;
  readonly controller: Pick<RuntimeController, 'state' | 'cause' | 'demo' | 'startDemo' | 'demoEnded'>;
  /** Engagement of one content id, from the projection; null where nothing is known of it. */
  engagement(contentId: string): Promise<Document | null>;
  /** Waits until the event at this position is applied. @throws KitError NOT_APPLIED_YET after `timeoutMs` */
  applied(position: PartitionOffset, timeoutMs: number): Promise<void>;
  /** Of the engagement consumer. */
  consumerMetrics(): Promise<ConsumerReport>;
  /** At most a second old, and shared by all who ask meanwhile. */
  health(): Promise<HealthReport>;
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

export interface ConsumerReport extends ConsumerMetrics {
  readonly dlq_depth: number;
}

/** Of the log: a Kafka cluster, or the embedded log as one broker. */
export type HealthReport = ClusterReport;
