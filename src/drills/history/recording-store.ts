import type { ProjectionStore } from '../../kit/projections/projection-store.ts';
import { withApply } from '../../kit/projections/with-apply.ts';
import type { HistoryRecorder } from './recorder.ts';

/** A projection store that also writes down what was asked of it and what it answered. */
export function recordingStore(store: ProjectionStore, group: string, recorder: HistoryRecorder): ProjectionStore {
  return withApply(store, async (batch) => {
    const { topic, partition, epoch, expect, next, effects, park, unpark, dead } = batch;
    const offsets = effects.map(({ offset }) => offset);
    const parked = park.map(({ offset }) => offset);
    const entry = { group, topic, partition, epoch, expect, next, offsets, parked, unparked: unpark, dead };
    const end = recorder.apply(entry);
    try {
      const outcome = await store.apply(batch);
      end(outcome.status);
      return outcome;
    } catch (error) {
      end('unknown');
      throw error;
    }
  });
}
