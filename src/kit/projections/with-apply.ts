import type { ProjectionStore } from './projection-store.ts';

/** The same store with another `apply`: for wrappers that record, refuse or change transactions. */
export function withApply(store: ProjectionStore, apply: ProjectionStore['apply']): ProjectionStore {
  return {
    name: store.name,
    claim: (partition) => store.claim(partition),
    apply,
    get: (key) => store.get(key),
    getMany: (keys) => store.getMany(keys),
    keys: (query) => store.keys(query),
    partitions: () => store.partitions(),
    parked: (partition) => store.parked(partition),
    documents: () => store.documents(),
    clear: () => store.clear(),
    close: () => store.close(),
  };
}
