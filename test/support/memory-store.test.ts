import { projectionStoreContract } from '../../src/kit/projections/contract.ts';
import { MemoryStore, MemoryStoreData } from './memory-store.ts';

projectionStoreContract('memory', async () => {
  const data = new Map<string, MemoryStoreData>();
  return async (name, window) => {
    if (!data.has(name)) data.set(name, new MemoryStoreData());
    return new MemoryStore(name, data.get(name), window);
  };
});
