/** Cleaning of a partition: what lies below its start goes, retention moves the start, compaction follows. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isKitError } from '../../errors.ts';
import type { BatchTable } from './batch-table.ts';
import type { CleaningTask, WriteChange } from './cleaning-task.ts';
import { compact } from './compaction.ts';

export async function cleanPartitions(
  table: BatchTable,
  tasks: readonly CleaningTask[],
  write: WriteChange,
): Promise<void> {
  const pacedWrite: WriteChange = (command) => paced(() => write(command));
  for (const task of tasks) {
    try {
      await cleanPartition(table, task, pacedWrite);
    } catch (error) {
      // The topic was dropped meanwhile.
      if (!isKitError(error, 'UNKNOWN_TOPIC')) throw error;
    }
  }
}

/** As long as the writer was kept busy it is then left to others. */
export async function paced<T>(work: () => Promise<T>): Promise<T> {
  const startedAt = performance.now();
  const result = await work();
  await sleep(performance.now() - startedAt);
  return result;
}

async function cleanPartition(table: BatchTable, task: CleaningTask, write: WriteChange): Promise<void> {
  const { topicId, partition, policy } = task;
  await trim(table, task, write);
  const { startOffset } = table.partition(topicId, partition);
  const retained = policy.deletes ? firstRetained(table, task, startOffset) : startOffset;
  if (retained > startOffset) {
    await write({ kind: 'mark', topicId, partition, startOffset: retained });
    await trim(table, task, write);
  }
  if (policy.compacts) await compact(table, task, write);
}

async function trim(table: BatchTable, { topicId, partition }: CleaningTask, write: WriteChange): Promise<void> {
  while (table.isAnyBelowStart(topicId, partition)) {
    const below = table.partition(topicId, partition).startOffset;
    const [removed] = await write({ kind: 'trim', topicId, partition, below });
    if (removed === 0) return;
  }
}

/** Whole batches go, oldest first, as long as each is too old, or what stays is not less than the size that is to be kept. */
function firstRetained(table: BatchTable, { topicId, partition, policy, now }: CleaningTask, start: number): number {
  const last = table.last(topicId, partition);
  if (last === null) return start;
  let retained = start;
  if (policy.retentionMs >= 0) {
    retained = table.firstReaching(topicId, partition, now - policy.retentionMs, start, last.lastOffset + 1);
  }
  if (policy.retentionBytes < 0) return retained;
  let staying = table.bytes(topicId, partition);
  for (const { lastOffset, size } of table.sizes(topicId, partition, start)) {
    staying -= size;
    if (lastOffset < retained) continue;
    if (staying < policy.retentionBytes) break;
    retained = lastOffset + 1;
  }
  return retained;
}
