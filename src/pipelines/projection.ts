import { socialEventCodec } from '../domains/social/codec.ts';
import type { SocialEvent } from '../domains/social/events.ts';
import type { Fold } from '../domains/social/reconcile.ts';
import type { ConsumerOptions } from '../kit/consumers/consumer-options.ts';
import { type RunningConsumer, runConsumer } from '../kit/consumers/run.ts';
import { ack } from '../kit/consumers/verdict.ts';
import type { Delta, Document, ProjectionStore } from '../kit/projections/projection-store.ts';
import { type PlannedFailures, withPlannedFailures } from './planned-failures.ts';

/** One projection as it runs: what it reads, as which group, and where it keeps what it makes of it. */
export interface Projection {
  readonly group: string;
  readonly topics: readonly string[];
  readonly store: ProjectionStore;
  /** Pure: an event to changes of documents. */
  project(event: SocialEvent): Delta[];
  /** What an independent fold says the documents should be. */
  folded(fold: Fold): ReadonlyMap<string, Document>;
}

export type ProjectionRun = Pick<
  ConsumerOptions<SocialEvent>,
  'log' | 'deadLetters' | 'retryPolicy' | 'clock' | 'logger' | 'clientId' | 'limits'
> & { readonly failures: PlannedFailures };

/** Moves a projection along the log until it is stopped. */
export function runProjection({ failures, ...run }: ProjectionRun, projection: Projection): Promise<RunningConsumer> {
  const { group, topics, store } = projection;
  const handler = withPlannedFailures<SocialEvent>(
    (event) => ack(projection.project(event)),
    failures,
    socialEventCodec.idOf,
  );
  return runConsumer({ ...run, group, topics, store, codec: socialEventCodec, handler });
}
