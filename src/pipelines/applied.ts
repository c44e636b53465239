import { setTimeout as delay } from 'node:timers/promises';
import type { RunningConsumer } from '../kit/consumers/run.ts';
import { isKitError, KitError } from '../kit/errors.ts';
import type { PartitionOffset } from '../kit/log/event-log.ts';
import type { Projection, ProjectionName } from './projection.ts';

const POLL_MS = 10;

/**
 * Waits until a projection has applied the record at this position: told by the consumer where it runs in this
 * process, else seen in the store, where another process keeps it.
 *
 * @throws KitError INVALID_ARGUMENT for a topic that none of the projections reads, NOT_APPLIED_YET after `timeoutMs`
 */
export async function untilApplied(
  position: PartitionOffset,
  timeoutMs: number,
  projections: readonly Projection[],
  consumers: ReadonlyMap<ProjectionName, Pick<RunningConsumer, 'waitFor'>>,
): Promise<void> {
  const projection = projections.find(({ topics }) => topics.includes(position.topic));
  if (projection === undefined) {
    const names = projections.map(({ name }) => name).join(', ');
    throw new KitError('INVALID_ARGUMENT', `the topic ${position.topic} is not one that is waited for here (${names})`);
  }
  const startedAt = performance.now();
  const consumer = consumers.get(projection.name);
  if (consumer !== undefined) {
    try {
      return await consumer.waitFor(position, timeoutMs);
    } catch (error) {
      if (!isKitError(error, 'PARTITION_NOT_OWNED')) throw error;
    }
  }
  while (!(await isApplied(projection, position))) {
    if (performance.now() - startedAt > timeoutMs) {
      const { topic, partition, offset } = position;
      throw new KitError('NOT_APPLIED_YET', `${topic}:${partition}:${offset} is not applied after ${timeoutMs} ms`, {
        retriable: true,
      });
    }
    await delay(POLL_MS);
  }
}

async function isApplied({ store }: Projection, { topic, partition, offset }: PartitionOffset): Promise<boolean> {
  const states = await store.partitions();
  const state = states.find((one) => one.topic === topic && one.partition === partition);
  return state !== undefined && state.next !== null && state.next > offset;
}
