/** What `assets/drills/unsynced.c` wrote down of one file since its last fsync, oldest first. */
export interface UndoRecord {
  readonly kind: 'created' | 'written' | 'resized';
  /** Written: where. Resized: the new size. */
  readonly offset: number;
  /** Bytes that were to be written there. */
  readonly length: number;
  /** Of the file before. */
  readonly size: number;
  /** What was there, from `offset` on; shorter than `length` where the file was. */
  readonly saved: Buffer;
}

const KINDS = [undefined, 'created', 'written', 'resized'] as const;
const MAGIC = 0x4f444e55;
const HEADER_BYTES = 40;

/** A record that the kill cut short is left out: its write had not begun. */
export function readUndoJournal(journal: Buffer): UndoRecord[] {
  const records: UndoRecord[] = [];
  for (let at = 0; at + HEADER_BYTES <= journal.length; ) {
    const kind = KINDS[journal.readUInt32LE(at + 4)];
    if (journal.readUInt32LE(at) !== MAGIC || kind === undefined) throw new Error(`no undo record at ${at}`);
    const number = (field: number) => Number(journal.readBigInt64LE(at + field));
    const end = at + HEADER_BYTES + number(32);
    if (end > journal.length) break;
    const saved = journal.subarray(at + HEADER_BYTES, end);
    records.push({ kind, offset: number(8), length: number(16), size: number(24), saved });
    at = end;
  }
  return records;
}
