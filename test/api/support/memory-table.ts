import type { IdempotencyRecord, IdempotencyTable } from '../../../src/kit/producers/idempotency-store.ts';

export class MemoryTable implements IdempotencyTable {
  readonly #records = new Map<string, IdempotencyRecord>();
  /** Thrown by the next look-ups. */
  failure: Error | null = null;

  async lookup(keys: readonly string[]): Promise<(IdempotencyRecord | null)[]> {
    if (this.failure !== null) throw this.failure;
    return keys.map((key) => this.#records.get(key) ?? null);
  }

  async store(records: readonly IdempotencyRecord[]): Promise<void> {
    for (const record of records) this.#records.set(record.key, record);
  }

  async close(): Promise<void> {}
}
