/**
 * Compaction of a partition: of every key the last record is kept. As Kafka's cleaner does it, in passes: a map of the keys
 * in the part that has not been compacted (as much of it as fits into the memory given), then a walk over everything up to
 * there that leaves out what the map knows a later record of. The walk ascends and each of its steps is whole: wherever it
 * is broken off, the log can be read, and the next pass begins at the same place. The newest batch is left alone.
 */
import { setImmediate as othersTurn } from 'node:timers/promises';
import { BASE_TIMESTAMP_AT } from './batch-header.ts';
import { type Filtered, filterRecords, recordsIn } from './batch-records.ts';
import type { BatchContent, BatchTable } from './batch-table.ts';
import type { CleaningTask, WriteChange } from './cleaning-task.ts';
import { isIntact } from './record-batch.ts';
import type { ChangedBatch } from './writer-commands.ts';

/** What a step writes and removes, soft: no append should wait long behind one. */
const STEP_BYTES = 256 * 1024;
const STEP_REMOVED_BYTES = 1024 * 1024;
const STEP_BATCHES = 256;
/** What is read at once. */
const CHUNK_BYTES = 1024 * 1024;
/** What an entry of the map takes beside the characters of its key. */
const ENTRY_BYTES = 96;

export async function compact(table: BatchTable, task: CleaningTask, write: WriteChange): Promise<void> {
  const { topicId, partition } = task;
  const dirty = dirtyPart(table, task);
  if (dirty === null) return;
  let { from } = dirty;
  do {
    const keys = await lastOffsets(table, task, from, dirty.until);
    const { until } = keys;
    const { holesBelow, cleanBytes: before } = table.partition(topicId, partition);
    // The walk may remove the row that has the number.
    const cleanBytes = until > from ? (table.upTo(topicId, partition, until - 1)?.bytesSoFar ?? before) : before;
    await write({ kind: 'mark', topicId, partition, holesBelow: Math.max(holesBelow, until) });
    const tombstonesDue = await new Walk(table, task, keys, write).run();
    await write({ kind: 'mark', topicId, partition, cleanOffset: until, cleanBytes, tombstonesDue });
    from = until;
  } while (from < dirty.until);
}

/** From where until where it is to be compacted; null if it is not worth it yet. */
function dirtyPart(table: BatchTable, { topicId, partition, policy, now }: CleaningTask) {
  const last = table.last(topicId, partition);
  if (last === null) return null;
  const { startOffset, cleanOffset, cleanBytes, tombstonesDue } = table.partition(topicId, partition);
  const areTombstonesDue = tombstonesDue >= 0 && tombstonesDue <= now;
  const from = Math.max(startOffset, cleanOffset);
  const tooYoung = now - policy.minCompactionLagMs + 1;
  const until =
    policy.minCompactionLagMs > 0
      ? table.firstReaching(topicId, partition, tooYoung, from, last.baseOffset)
      : last.baseOffset;
  if (until <= from) return areTombstonesDue ? { from, until: from } : null;
  const end = table.upTo(topicId, partition, until - 1)?.bytesSoFar ?? cleanBytes;
  const dirtyBytes = end - cleanBytes;
  const allBytes = table.bytes(topicId, partition) - (last.bytesSoFar - end);
  const isDirty = dirtyBytes / allBytes > policy.minDirtyRatio;
  return isDirty || areTombstonesDue || isOverdue() ? { from, until } : null;

  function isOverdue(): boolean {
    if (!Number.isSafeInteger(policy.maxCompactionLagMs)) return false;
    for (const { bytes } of table.contents(topicId, partition, from, until)) {
      return Number(bytes.readBigInt64BE(BASE_TIMESTAMP_AT)) < now - policy.maxCompactionLagMs;
    }
    return false;
  }
}

interface LastOffsets {
  readonly ofKey: ReadonlyMap<string, number>;
  /** Whole batches up to here are in the map. */
  readonly until: number;
}

async function lastOffsets(table: BatchTable, task: CleaningTask, from: number, until: number): Promise<LastOffsets> {
  const ofKey = new Map<string, number>();
  let memoryBytes = 0;
  for (let at = from; at < until; ) {
    let readBytes = 0;
    let next = until;
    for (const batch of table.contents(task.topicId, task.partition, at, until)) {
      if (memoryBytes >= task.keyMapBytes) return { ofKey, until: batch.baseOffset };
      if (isIntact(batch.bytes, batch.baseOffset)) memoryBytes += addKeys(batch, ofKey);
      readBytes += batch.bytes.length;
      next = batch.lastOffset + 1;
      if (readBytes >= CHUNK_BYTES) break;
    }
    at = readBytes >= CHUNK_BYTES ? next : until;
    await othersTurn();
  }
  return { ofKey, until };
}

/** Answers the memory taken. A batch that cannot be opened is left as it is, and what it holds with it. */
function addKeys(batch: BatchContent, ofKey: Map<string, number>): number {
  const before = ofKey.size;
  let keyBytes = 0;
  try {
    for (const { key, offset } of recordsIn(batch.bytes)) {
      if (key === null) continue;
      if (!ofKey.has(key)) keyBytes += key.length;
      ofKey.set(key, offset);
    }
  } catch {
    // Keys found so far are right; those after them are not known to have a later record.
  }
  return keyBytes + (ofKey.size - before) * ENTRY_BYTES;
}

class Walk {
  readonly #table: BatchTable;
  readonly #task: CleaningTask;
  readonly #keys: LastOffsets;
  readonly #write: WriteChange;
  #removed: number[] = [];
  #changed: ChangedBatch[] = [];
  #blocks: Buffer[] = [];
  #changedBytes = 0;
  #removedBytes = 0;
  #tombstonesDue = Number.POSITIVE_INFINITY;

  constructor(table: BatchTable, task: CleaningTask, keys: LastOffsets, write: WriteChange) {
    this.#table = table;
    this.#task = task;
    this.#keys = keys;
    this.#write = write;
  }

  /** Answers when the first of the tombstones that stay may go; -1 if there are none. */
  async run(): Promise<number> {
    const { topicId, partition } = this.#task;
    const { until } = this.#keys;
    for (let at = this.#table.partition(topicId, partition).startOffset; at < until; ) {
      let readBytes = 0;
      let next = until;
      for (const batch of this.#table.contents(topicId, partition, at, until)) {
        this.#visit(batch);
        readBytes += batch.bytes.length;
        if (readBytes < CHUNK_BYTES && !this.#isStepFull()) continue;
        next = batch.lastOffset + 1;
        break;
      }
      at = next;
      await (this.#removed.length + this.#changed.length > 0 ? this.#step() : othersTurn());
    }
    return Number.isFinite(this.#tombstonesDue) ? this.#tombstonesDue : -1;
  }

  #visit({ baseOffset, bytes, tombstonesUntil }: BatchContent): void {
    const { now, policy } = this.#task;
    const mayTombstonesGo = tombstonesUntil !== null && tombstonesUntil <= now;
    const filtered = isIntact(bytes, baseOffset) ? this.#filter(bytes, mayTombstonesGo) : null;
    if (filtered === null) return;
    if (filtered.recordCount === 0) {
      this.#removed.push(baseOffset);
      this.#removedBytes += bytes.length;
      return;
    }
    const fresh = Math.min(now + policy.deleteRetentionMs, Number.MAX_SAFE_INTEGER);
    const untilNow = filtered.hasTombstones ? (tombstonesUntil ?? fresh) : null;
    if (untilNow !== null) this.#tombstonesDue = Math.min(this.#tombstonesDue, untilNow);
    if (filtered.bytes === null && untilNow === tombstonesUntil) return;
    const { recordCount } = filtered;
    const length = filtered.bytes?.length ?? 0;
    this.#changed.push({ baseOffset, recordCount, tombstonesUntil: untilNow, length });
    if (filtered.bytes !== null) this.#blocks.push(filtered.bytes);
    this.#changedBytes += length;
  }

  #filter(bytes: Buffer, mayTombstonesGo: boolean): Filtered | null {
    const { ofKey } = this.#keys;
    try {
      return filterRecords(bytes, ({ key, offset, isTombstone }) => {
        if (key === null || (isTombstone && mayTombstonesGo)) return false;
        return (ofKey.get(key) ?? offset) <= offset;
      });
    } catch {
      return null;
    }
  }

  #isStepFull(): boolean {
    const isLarge = this.#changedBytes >= STEP_BYTES || this.#removedBytes >= STEP_REMOVED_BYTES;
    return isLarge || this.#removed.length + this.#changed.length >= STEP_BATCHES;
  }

  async #step(): Promise<void> {
    const { topicId, partition } = this.#task;
    const block = new ArrayBuffer(this.#changedBytes);
    let at = 0;
    for (const bytes of this.#blocks) {
      new Uint8Array(block).set(bytes, at);
      at += bytes.length;
    }
    const [removed, changed] = [this.#removed, this.#changed];
    this.#removed = [];
    this.#changed = [];
    this.#blocks = [];
    this.#changedBytes = 0;
    this.#removedBytes = 0;
    await this.#write({ kind: 'compact', topicId, partition, removed, changed, block });
  }
}
