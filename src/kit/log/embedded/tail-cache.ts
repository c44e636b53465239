import { Fifo } from './fifo.ts';

export interface StoredBatch {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly bytes: Buffer;
}

const ENTRY_OVERHEAD_BYTES = 256;

/**
 * The youngest batches of all partitions together, at most `maxBytes`; the oldest goes first. What a partition has here is
 * its gapless end, so members that keep up never touch the disk.
 */
export class TailCache {
  readonly #maxBytes: number;
  readonly #tails = new Map<string, Fifo<StoredBatch>>();
  readonly #order = new Fifo<{ readonly key: string; readonly bytes: number }>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  add(key: string, batch: StoredBatch): void {
    const tail = this.#tails.get(key) ?? new Fifo();
    this.#tails.set(key, tail);
    tail.push(batch);
    const bytes = batch.bytes.length + ENTRY_OVERHEAD_BYTES;
    this.#order.push({ key, bytes });
    this.#bytes += bytes;
    while (this.#bytes > this.#maxBytes) {
      const oldest = this.#order.shift()!;
      this.#bytes -= oldest.bytes;
      this.#tails.get(oldest.key)!.shift();
    }
  }

  /** From the batch that holds `offset` on, at least one and until `maxBytes` are reached; null if it is not here. */
  read(key: string, offset: number, maxBytes: number): StoredBatch[] | null {
    const tail = this.#tails.get(key);
    const first = tail?.at(0);
    if (tail === undefined || first === undefined || offset < first.baseOffset) return null;
    let low = 0;
    for (let high = tail.length; low < high; ) {
      const middle = (low + high) >> 1;
      if (tail.at(middle)!.lastOffset < offset) low = middle + 1;
      else high = middle;
    }
    const batches: StoredBatch[] = [];
    let bytes = 0;
    for (let batch = tail.at(low); batch !== undefined; batch = tail.at(++low)) {
      bytes += batch.bytes.length;
      if (batches.length > 0 && bytes > maxBytes) break;
      batches.push(batch);
    }
    return batches;
  }
}
