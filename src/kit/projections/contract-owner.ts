/** What the contract's cases share. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type {
  ApplyBatch,
  DeduplicationWindow,
  Delta,
  Effect,
  ParkedRecord,
  ProjectionStore,
} from './projection-store.ts';

/** Opens a store of that name over what the test's other stores of that name hold. The suite closes it. */
export type OpenStore = (name: string, window?: DeduplicationWindow) => Promise<ProjectionStore>;

/** A fresh, empty place for one test; undefined when the test was skipped. */
export type StoreFixture = (t: TestContext) => Promise<OpenStore | undefined>;

export type ContractTest = (title: string, body: (open: OpenStore, t: TestContext) => Promise<void>) => void;

export const P0 = { topic: 'content-interactions', partition: 0 } as const;
export const P1 = { topic: 'content-interactions', partition: 1 } as const;

export function effect(offset: number, eventId: string | null, ...deltas: Delta[]): Effect {
  return { offset, eventId, deltas };
}

export const like = (key: string): Delta => ({ key, add: { likes: 1 } });

export function parkedAt(offset: number, changes: Partial<ParkedRecord> = {}): ParkedRecord {
  return { offset, key: 'post', attempts: 0, dueAt: 5_000, firstFailedAt: 4_000, reason: 'not yet', ...changes };
}

/** Applies to one partition, carrying epoch and position along as a consumer does. */
export class Owner {
  readonly store: ProjectionStore;
  readonly partition: { readonly topic: string; readonly partition: number };
  epoch = 0;
  next: number | null = null;

  constructor(store: ProjectionStore, partition: { readonly topic: string; readonly partition: number } = P0) {
    this.store = store;
    this.partition = partition;
  }

  static async of(store: ProjectionStore, partition: { topic: string; partition: number } = P0): Promise<Owner> {
    const owner = new Owner(store, partition);
    await owner.claim();
    return owner;
  }

  async claim() {
    const claim = await this.store.claim(this.partition);
    this.epoch = claim.epoch;
    this.next = claim.next;
    return claim;
  }

  /** Without `next` the batch moves past its effects and parked records. */
  batch(changes: Partial<ApplyBatch>): ApplyBatch {
    const { effects = [], park = [], unpark = [], dead = 0 } = changes;
    const next = (this.next ?? 0) + effects.length + park.length + dead - unpark.length;
    const { epoch, next: expect } = this;
    return { ...this.partition, epoch, expect, next, effects, park, unpark, dead, now: 1_000, ...changes };
  }

  async apply(changes: Partial<ApplyBatch>): Promise<readonly number[]> {
    const batch = this.batch(changes);
    const outcome = await this.store.apply(batch);
    assert.equal(outcome.status, 'ok');
    this.next = batch.next;
    return outcome.status === 'ok' ? outcome.duplicates : [];
  }
}

export function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `n${n}`);
}
