import { Fifo } from './fifo.ts';

export interface StoredBatch {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly bytes: Buffer;
}

interface Entry {
  readonly key: string;
  /** Null once it is forgotten. */
  batch: StoredBatch | null;
}

const ENTRY_OVERHEAD_BYTES = 256;
const MAX_FORGOTTEN = 1_024;

/**
 * The youngest batches of all partitions together, at most `maxBytes`; the oldest goes first. What a partition has here is
 * its gapless end, so members that keep up never touch the disk.
 */
export class TailCache {
  readonly #maxBytes: number;
  readonly #tails = new Map<string, Fifo<Entry>>();
  #order = new Fifo<Entry>();
  #bytes = 0;
  #forgotten = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** How many batches are kept account of. */
  get entries(): number {
    return this.#order.length;
  }

  add(key: string, batch: StoredBatch): void {
    let tail = this.#tails.get(key);
    if (tail === undefined) {
      tail = new Fifo();
      this.#tails.set(key, tail);
    }
    const entry = { key, batch };
    tail.push(entry);
    this.#order.push(entry);
    this.#bytes += sizeOf(batch);
    while (this.#bytes > this.#maxBytes) {
      const oldest = this.#order.shift()!;
      if (oldest.batch === null) this.#forgotten--;
      else this.#forgetFirst(this.#tails.get(oldest.key)!);
    }
  }

  /** From the batch that holds `offset` on, at least one and until `maxBytes` are reached; null if it is not here. */
  read(key: string, offset: number, maxBytes: number): StoredBatch[] | null {
    const tail = this.#tails.get(key);
    const first = tail?.at(0);
    if (tail === undefined || first === undefined || offset < first.batch!.baseOffset) return null;
    let low = 0;
    for (let high = tail.length; low < high; ) {
      const middle = (low + high) >> 1;
      if (tail.at(middle)!.batch!.lastOffset < offset) low = middle + 1;
      else high = middle;
    }
    const batches: StoredBatch[] = [];
    let bytes = 0;
    for (let entry = tail.at(low); entry !== undefined; entry = tail.at(++low)) {
      bytes += entry.batch!.bytes.length;
      if (batches.length > 0 && bytes > maxBytes) break;
      batches.push(entry.batch!);
    }
    return batches;
  }

  /** Batches that end below `offset` are removed, or are no longer what the file has. */
  forget(key: string, offset: number): void {
    const tail = this.#tails.get(key);
    if (tail === undefined) return;
    for (let first = tail.at(0); first !== undefined && first.batch!.lastOffset < offset; first = tail.at(0)) {
      this.#forgetFirst(tail);
      this.#forgotten++;
    }
    if (this.#forgotten > Math.max(MAX_FORGOTTEN, this.#order.length / 2)) this.#dropForgotten();
  }

  #forgetFirst(tail: Fifo<Entry>): void {
    const entry = tail.shift()!;
    this.#bytes -= sizeOf(entry.batch!);
    entry.batch = null;
    if (tail.length === 0) this.#tails.delete(entry.key);
  }

  #dropForgotten(): void {
    const kept = new Fifo<Entry>();
    for (let entry = this.#order.shift(); entry !== undefined; entry = this.#order.shift()) {
      if (entry.batch !== null) kept.push(entry);
    }
    this.#order = kept;
    this.#forgotten = 0;
  }
}

function sizeOf(batch: StoredBatch): number {
  return batch.bytes.length + ENTRY_OVERHEAD_BYTES;
}
