import { project } from '../domains/social/engagement.ts';
import { CONTENT_INTERACTIONS } from '../domains/social/events.ts';
import type { ConsumerLatencies, ConsumerMetrics } from '../kit/consumers/consumer-metrics.ts';
import type { RunningConsumer } from '../kit/consumers/run.ts';
import type { PartitionOffset } from '../kit/log/event-log.ts';
import type { ProjectionStore } from '../kit/projections/projection-store.ts';
import { type Projection, type ProjectionRun, runProjection } from './projection.ts';

/** content-interactions -> likes, shares, comments, views and last_updated per content id, each event counted once. */
export class EngagementConsumer {
  readonly #consumer: RunningConsumer;

  static projection(store: ProjectionStore, group: string): Projection {
    return {
      name: 'engagement',
      group,
      topics: [CONTENT_INTERACTIONS],
      store,
      project,
      folded: (fold) => fold.engagement(),
    };
  }

  static async start(run: ProjectionRun, projection: Projection): Promise<EngagementConsumer> {
    return new EngagementConsumer(await runProjection(run, projection));
  }

  private constructor(consumer: RunningConsumer) {
    this.#consumer = consumer;
  }

  metrics(): ConsumerMetrics {
    return this.#consumer.metrics();
  }

  get latencies(): ConsumerLatencies {
    return this.#consumer.latencies;
  }

  get generation(): number | null {
    return this.#consumer.generation;
  }

  /** Resolves once the event at this position is applied. @throws KitError NOT_APPLIED_YET */
  waitFor(position: PartitionOffset, timeoutMs: number): Promise<void> {
    return this.#consumer.waitFor(position, timeoutMs);
  }

  /** Rejects with what broke the consumer, resolves after `stop`. */
  get ended(): Promise<void> {
    return this.#consumer.ended;
  }

  stop(): Promise<void> {
    return this.#consumer.stop();
  }
}
