/** What there may be to clean: partitions by the policy of their topic, starts that were moved, topics that were deleted. */
import type { BatchTable } from './batch-table.ts';
import type { CleaningTask } from './cleaning-task.ts';
import { keyOf } from './partitions.ts';
import type { StoredTopic } from './topic-catalog.ts';
import type { TopicPolicy } from './topic-configs.ts';

export interface CleaningWork {
  /** Ids of deleted topics of which rows may be left. */
  readonly dropped: readonly number[];
  readonly tasks: readonly CleaningTask[];
  /** What has changed since then is not in it. */
  readonly changes: number;
}

export class CleaningPlan {
  readonly #keyMapBytes: number;
  readonly #dropped: Set<number>;
  /** By key; rows may be left below the start of these. The number tells when it was moved. */
  readonly #cut: Map<string, number>;
  #changes = 0;

  constructor(table: BatchTable, keyMapBytes: number) {
    this.#keyMapBytes = keyMapBytes;
    this.#dropped = new Set(table.droppedTopics());
    this.#cut = new Map(table.cutPartitions().map(({ topicId, partition }) => [keyOf(topicId, partition), 0]));
  }

  dropped(topicId: number): void {
    this.#dropped.add(topicId);
  }

  cut(topicId: number, partition: number): void {
    this.#cut.set(keyOf(topicId, partition), ++this.#changes);
  }

  isIdle(topics: Iterable<StoredTopic>): boolean {
    if (this.#dropped.size > 0 || this.#cut.size > 0) return false;
    for (const { policy } of topics) if (mayNeedCleaning(policy)) return false;
    return true;
  }

  work(topics: Iterable<StoredTopic>, now: number): CleaningWork {
    const tasks: CleaningTask[] = [];
    for (const { id: topicId, partitions, policy } of topics) {
      const always = mayNeedCleaning(policy);
      if (!always && this.#cut.size === 0) continue;
      for (let partition = 0; partition < partitions; partition++) {
        if (!always && !this.#cut.has(keyOf(topicId, partition))) continue;
        tasks.push({ topicId, partition, policy, now, keyMapBytes: this.#keyMapBytes });
      }
    }
    return { dropped: [...this.#dropped], tasks, changes: this.#changes };
  }

  done({ dropped, tasks, changes }: CleaningWork): void {
    for (const topicId of dropped) this.#dropped.delete(topicId);
    for (const { topicId, partition } of tasks) {
      const key = keyOf(topicId, partition);
      if ((this.#cut.get(key) ?? 0) <= changes) this.#cut.delete(key);
    }
  }
}

function mayNeedCleaning({ compacts, deletes, retentionMs, retentionBytes }: TopicPolicy): boolean {
  return compacts || (deletes && (retentionMs >= 0 || retentionBytes >= 0));
}
