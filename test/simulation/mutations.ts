/** Planted bugs: each takes one safeguard away. A simulation that does not notice is worth nothing. */
import { Chunk } from '../../src/kit/consumers/chunk.ts';
import { DeadLetterQueue } from '../../src/kit/dlq/dead-letter-queue.ts';
import { Room } from '../../src/kit/producers/room.ts';
import type { ProjectionStore } from '../../src/kit/projections/projection-store.ts';
import { withApply } from '../../src/kit/projections/with-apply.ts';
import { Parking } from '../../src/kit/retry/parking.ts';
import type { MemoryStore } from '../support/memory-store.ts';
import type { Broker } from './broker.ts';
import { StoreClient } from './store-client.ts';

export interface Mutation {
  readonly name: string;
  readonly store?: (store: MemoryStore) => ProjectionStore;
  readonly broker?: (broker: Broker) => void;
  /** Changes classes for one run. @returns what changes them back */
  readonly install?: () => () => void;
}

export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'store without a fence',
    store: (store) =>
      withApply(store, (batch) => {
        const state = store.data.partitions.get(`${batch.topic}/${batch.partition}`);
        return store.apply({ ...batch, epoch: state?.epoch ?? 0 });
      }),
  },
  {
    name: 'store without de-duplication',
    store: (store) =>
      withApply(store, (batch) => {
        return store.apply({ ...batch, effects: batch.effects.map((effect) => ({ ...effect, eventId: null })) });
      }),
  },
  {
    name: 'position moved before the effect',
    install: () =>
      replaced(
        StoreClient.prototype,
        'apply',
        (apply) =>
          async function (this: StoreClient, batch) {
            const moved = await apply.call(this, { ...batch, effects: [] });
            if (moved.status !== 'ok') return moved;
            return apply.call(this, { ...batch, expect: batch.next, park: [], unpark: [], dead: 0 });
          },
      ),
  },
  {
    name: 'log stores a retried batch twice',
    broker: ({ stored }) => {
      stored.get = () => undefined;
    },
  },
  {
    name: 'log acknowledges what it does not keep',
    broker: (broker) => {
      const append = broker.append.bind(broker);
      let appends = 0;
      broker.append = (batch) => (++appends % 20 === 0 ? broker.partition(batch).records.length : append(batch));
    },
  },
  {
    name: 'parked key does not wait',
    install: () => replaced(Parking.prototype, 'holds', () => () => false),
  },
  {
    name: 'parking without a limit',
    install: () => replaced(Parking.prototype, 'admits', () => () => true),
  },
  {
    name: 'retries without an end',
    install: () => replaced(Chunk.prototype, 'isExhausted', () => () => false),
  },
  {
    name: 'dead letters are not waited for',
    install: () =>
      replaced(
        DeadLetterQueue.prototype,
        'capture',
        (capture) =>
          async function (this: DeadLetterQueue, letters) {
            capture.call(this, letters).catch(() => {});
          },
      ),
  },
  {
    name: 'producer without a limit',
    install: () => replaced(Room.prototype, 'mustWait', () => () => false),
  },
  {
    name: 'callers that wait for room are forgotten',
    install: () => replaced(Room.prototype, 'next', () => () => null),
  },
  {
    name: 'a timer that no seed decides',
    install: () =>
      replaced(
        Parking.prototype,
        'nextDueAt',
        (nextDueAt) =>
          function (this: Parking) {
            setTimeout(() => {}, 1);
            return nextDueAt.call(this);
          },
      ),
  },
];

function replaced<T extends object, Name extends keyof T>(target: T, name: Name, by: (real: T[Name]) => T[Name]) {
  const real = target[name];
  target[name] = by(real);
  return () => {
    target[name] = real;
  };
}
