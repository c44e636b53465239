/** One projection store, and one process's way to it. */
import { KitError } from '../../src/kit/errors.ts';
import type { TopicPartition } from '../../src/kit/log/event-log.ts';
import type {
  ApplyBatch,
  ApplyOutcome,
  Document,
  KeyPage,
  KeyQuery,
  ParkedRecord,
  PartitionClaim,
  PartitionState,
  ProjectionStore,
} from '../../src/kit/projections/projection-store.ts';
import type { Network } from './network.ts';
import type { Random } from './random.ts';
import type { SimProcess } from './sim-process.ts';

const TIMEOUT_MS = 300;

/** Refuses while it is out, or does what it was asked and says that it has not. */
export class StoreServer {
  out = false;
  readonly store: ProjectionStore;
  readonly #random: Random;

  constructor(store: ProjectionStore, random: Random) {
    this.store = store;
    this.#random = random;
  }

  async serve<T>(operation: (store: ProjectionStore) => Promise<T>): Promise<T> {
    if (this.out && this.#random.chance(0.7)) throw unavailable();
    const result = await operation(this.store);
    if (this.out) throw unavailable();
    return result;
  }
}

export class StoreClient implements ProjectionStore {
  readonly name: string;
  readonly #server: StoreServer;
  readonly #network: Network;
  readonly #process: SimProcess;

  constructor(server: StoreServer, network: Network, process: SimProcess) {
    this.name = server.store.name;
    this.#server = server;
    this.#network = network;
    this.#process = process;
  }

  claim(partition: TopicPartition): Promise<PartitionClaim> {
    return this.#call('claim', (store) => store.claim(partition));
  }

  apply(batch: ApplyBatch): Promise<ApplyOutcome> {
    return this.#call('apply', (store) => store.apply(batch));
  }

  parked(partition: TopicPartition): Promise<readonly ParkedRecord[]> {
    return this.#call('parked', (store) => store.parked(partition));
  }

  partitions(): Promise<PartitionState[]> {
    return this.#call('partitions', (store) => store.partitions());
  }

  get(key: string): Promise<Document | null> {
    return this.#call('get', (store) => store.get(key));
  }

  getMany(keys: readonly string[]): Promise<(Document | null)[]> {
    return this.#call('getMany', (store) => store.getMany(keys));
  }

  keys(query: KeyQuery): Promise<KeyPage> {
    return this.#call('keys', (store) => store.keys(query));
  }

  documents(): AsyncIterable<readonly [string, Document]> {
    return this.#server.store.documents();
  }

  clear(): Promise<void> {
    return this.#call('clear', (store) => store.clear());
  }

  async close(): Promise<void> {}

  #call<T>(what: string, operation: (store: ProjectionStore) => Promise<T>): Promise<T> {
    return this.#network.call<T>({
      what,
      from: this.#process,
      timeoutMs: TIMEOUT_MS,
      timedOut: unavailable,
      serve: (answer) => void this.#server.serve(operation).then((value) => answer(null, value), answer),
    });
  }
}

function unavailable(): KitError {
  return new KitError('STORE_UNAVAILABLE', 'no answer of the store', { retriable: true });
}
