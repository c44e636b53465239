import { type Pending, PendingList } from './pending.ts';
import type { ProducerLimits } from './producer-options.ts';

/** How much a producer may hold, and the callers that wait for room: first come, first served. */
export class Room {
  readonly waiting = new PendingList();
  readonly #limits: ProducerLimits;
  #records = 0;
  #bytes = 0;

  constructor(limits: ProducerLimits) {
    this.#limits = limits;
  }

  get records(): number {
    return this.#records;
  }

  get bytes(): number {
    return this.#bytes;
  }

  mustWait(bytes: number): boolean {
    return this.waiting.size > 0 || !this.#fits(bytes);
  }

  /** Those that wait are bounded too. */
  mayWait(bytes: number): boolean {
    const { maxWaitingCallers, maxQueuedBytes } = this.#limits;
    return this.waiting.size < maxWaitingCallers && this.waiting.bytes + bytes <= maxQueuedBytes;
  }

  take({ bytes }: Pending): void {
    this.#records += 1;
    this.#bytes += bytes;
  }

  give({ bytes }: Pending): void {
    this.#records -= 1;
    this.#bytes -= bytes;
  }

  /** The first that waits, if there is room for it by now; it waits no longer. */
  next(): Pending | null {
    const { head } = this.waiting;
    return head === null || !this.#fits(head.bytes) ? null : this.waiting.shift();
  }

  #fits(bytes: number): boolean {
    return this.#records < this.#limits.maxQueuedRecords && this.#bytes + bytes <= this.#limits.maxQueuedBytes;
  }
}
