import type { RunningConsumer } from '../../kit/consumers/run.ts';
import type { EngagementConsumer } from '../engagement-consumer.ts';
import type { Projection, ProjectionName } from '../projection.ts';
import type { OwnGroup } from './group-flows.ts';
import { Pulse, type PulseParts } from './pulse.ts';

export interface OpenPulseOptions extends Omit<PulseParts, 'own'> {
  readonly projections: readonly Projection[];
  /** Those of this process. */
  readonly consumers: ReadonlyMap<ProjectionName, RunningConsumer | EngagementConsumer>;
  readonly delivery: { readonly group: string; readonly consumer: RunningConsumer } | null;
  /** Closes it. */
  readonly opened: AsyncDisposableStack;
}

export function openPulse({ projections, consumers, delivery, opened, ...parts }: OpenPulseOptions): Pulse {
  const own = (): OwnGroup[] => {
    const handlers = projections.flatMap(({ name: handler, group, topics }) => {
      const consumer = consumers.get(handler);
      return consumer === undefined ? [] : [ownGroup(consumer, { group, handler, topics })];
    });
    if (delivery === null) return handlers;
    const { group, consumer } = delivery;
    const topics = [...new Set(consumer.metrics().partitions.map(({ topic }) => topic))];
    return [...handlers, ownGroup(consumer, { group, handler: null, topics })];
  };
  return opened.adopt(new Pulse({ ...parts, own }), (pulse) => pulse.close());
}

function ownGroup(
  consumer: RunningConsumer | EngagementConsumer,
  names: Pick<OwnGroup, 'group' | 'handler' | 'topics'>,
): OwnGroup {
  const { latencies, generation } = consumer;
  return { ...names, metrics: consumer.metrics(), latencies, generation };
}
