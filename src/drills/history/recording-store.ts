import type { ApplyBatch, ProjectionStore } from '../../kit/projections/projection-store.ts';
import type { HistoryRecorder } from './recorder.ts';

/** A projection store that also writes down what was asked of it and what it answered. */
export function recordingStore(store: ProjectionStore, group: string, recorder: HistoryRecorder): ProjectionStore {
  return {
    name: store.name,
    claim: (partition) => store.claim(partition),
    async apply(batch: ApplyBatch) {
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
    },
    get: (key) => store.get(key),
    partitions: () => store.partitions(),
    documents: () => store.documents(),
    clear: () => store.clear(),
    close: () => store.close(),
  };
}
