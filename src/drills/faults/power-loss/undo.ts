/** Takes back writes that were not fsynced: all of them, or of every sector as many as chance wants. */
import { closeSync, fstatSync, ftruncateSync, openSync, unlinkSync, writeSync } from 'node:fs';
import type { UndoRecord } from './undo-journal.ts';

/**
 * How many of `writes` to one sector, oldest first, the disk had carried out. Sectors differ, so a write over several may
 * be torn, and a later one may be there where an earlier one is not: nothing orders them but an fsync.
 */
export type Survivors = (writes: number) => number;

export const none: Survivors = () => 0;

/** @param random in [0, 1) */
export function some(random: () => number): Survivors {
  return (writes) => Math.floor(random() * (writes + 1));
}

/**
 * @param records of this file, oldest first
 * @param sectorBytes what a disk writes as a whole: 512 or 4096
 * @returns how many written bytes were taken back
 */
export function undo(path: string, records: readonly UndoRecord[], survivors: Survivors, sectorBytes: number): number {
  const next = records[survivors(records.length)];
  if (next?.kind === 'created') {
    unlinkSync(path);
    return records.reduce((sum, { length }) => sum + length, 0);
  }
  const toUndo = new Map<number, number>();
  for (const record of records) {
    for (const sector of sectorsOf(record, sectorBytes)) toUndo.set(sector, (toUndo.get(sector) ?? 0) + 1);
  }
  for (const [sector, writes] of toUndo) toUndo.set(sector, writes - survivors(writes));

  const file = openSync(path, 'r+');
  const size = next?.size ?? fstatSync(file).size;
  let bytes = 0;
  for (const record of records.toReversed()) {
    for (const sector of sectorsOf(record, sectorBytes)) {
      const left = toUndo.get(sector)!;
      if (left === 0) continue;
      toUndo.set(sector, left - 1);
      bytes += restore(file, record, sector * sectorBytes, sectorBytes);
    }
  }
  ftruncateSync(file, size);
  closeSync(file);
  return bytes;
}

function* sectorsOf(record: UndoRecord, sectorBytes: number): Generator<number> {
  const length = changedBytes(record);
  if (length === 0) return;
  const last = Math.floor((record.offset + length - 1) / sectorBytes);
  for (let sector = Math.floor(record.offset / sectorBytes); sector <= last; sector++) yield sector;
}

/** A file that was cut lost bytes; one that grew was given zeros, which going back to its size takes away again. */
function changedBytes({ kind, length, saved }: UndoRecord): number {
  return kind === 'written' ? length : saved.length;
}

function restore(file: number, record: UndoRecord, sectorAt: number, sectorBytes: number): number {
  const from = Math.max(record.offset, sectorAt);
  const to = Math.min(record.offset + changedBytes(record), sectorAt + sectorBytes);
  // beyond the old end of the file a disk has nothing: zeros
  const bytes = Buffer.alloc(to - from);
  record.saved.subarray(from - record.offset, to - record.offset).copy(bytes);
  writeSync(file, bytes, 0, bytes.length, from);
  return record.kind === 'written' ? bytes.length : 0;
}
