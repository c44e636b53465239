/** What the log knows of its partitions beside what is in the file. Known from the first use on, so that a log of many opens at once. */
import type { BatchTable } from './batch-table.ts';

export interface PartitionState {
  readonly topicId: number;
  readonly partition: number;
  readonly key: string;
  /** The first offset that can be read. */
  start: number;
  /** The offset after the last acknowledged record. */
  end: number;
  /** Up to here compaction may have left holes; elsewhere a gap is damage. */
  holesBelow: number;
  /** The topic has been deleted. */
  isGone: boolean;
  /** Waiting for records. */
  readonly watchers: Set<() => void>;
}

export class Partitions {
  readonly #table: BatchTable;
  readonly #states = new Map<string, PartitionState>();

  constructor(table: BatchTable) {
    this.#table = table;
  }

  /** Of a partition that has been used, else null. */
  known(topicId: number, partition: number): PartitionState | null {
    return this.#states.get(keyOf(topicId, partition)) ?? null;
  }

  of(topicId: number, partition: number): PartitionState {
    const key = keyOf(topicId, partition);
    let state = this.#states.get(key);
    if (state === undefined) {
      const last = this.#table.last(topicId, partition);
      const { startOffset, holesBelow } = this.#table.partition(topicId, partition);
      const end = last === null ? 0 : last.lastOffset + 1;
      state = {
        topicId,
        partition,
        key,
        start: startOffset,
        end,
        holesBelow,
        isGone: false,
        watchers: new Set(),
      };
      this.#states.set(key, state);
    }
    return state;
  }

  /** Those of a deleted topic; whoever waits for records of them is woken. */
  remove(topicId: number, count: number): PartitionState[] {
    const removed: PartitionState[] = [];
    for (let partition = 0; partition < count; partition++) {
      const state = this.known(topicId, partition);
      if (state === null) continue;
      this.#states.delete(state.key);
      state.isGone = true;
      removed.push(state);
      wake(state);
    }
    return removed;
  }

  wakeAll(): void {
    for (const state of this.#states.values()) wake(state);
  }
}

export function wake({ watchers }: PartitionState): void {
  for (const each of [...watchers]) each();
}

export function keyOf(topicId: number, partition: number): string {
  return `${topicId}:${partition}`;
}
