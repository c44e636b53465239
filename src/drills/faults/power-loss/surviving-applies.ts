import { rename, writeFile } from 'node:fs/promises';
import type { ApplyOperation, HistoryEntry } from '../../history/history.ts';
import { readHistory } from '../../history/read-history.ts';
import { type DiskPosition, placeOf } from './disk-state.ts';

type Positions = ReadonlyMap<string, DiskPosition>;

/**
 * Projections commit without fsync: a loss of power may take back their last transactions, whole ones, with the position.
 * Those never happened, as far as the disk knows, so they leave the history.
 */
export class SurvivingApplies {
  /** Records that the transactions kept so far have settled, by `topic/partition`. */
  readonly #settled = new Map<string, number>();

  /**
   * @param files of the processes since the last loss, in their order
   * @param positions what the disk has
   * @returns how many transactions were taken back
   */
  async keep(files: readonly string[], positions: Positions): Promise<number> {
    const histories = await Promise.all(files.map(async (file) => ({ file, entries: await entriesOf(file) })));
    const repeated = neverHappened(histories.flatMap(({ entries }) => entries));
    const cut = new Set<string>();
    let takenBack = 0;
    for (const { file, entries } of histories) {
      const kept = entries.filter(
        (entry) => entry.kind !== 'apply' || repeated.has(entry) || this.#survives(entry, positions, cut),
      );
      takenBack += entries.length - kept.length;
      await writeFile(`${file}.partial`, kept.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
      await rename(`${file}.partial`, file);
    }
    return takenBack;
  }

  /**
   * Transactions of a partition survive up to one of them. A retry of parked records moves no position, only the tallies;
   * one that settles none of them cannot be told from one that was taken back, and stays.
   */
  #survives(apply: ApplyOperation, positions: Positions, cut: Set<string>): boolean {
    const place = placeOf(apply);
    const { epoch, next, settled } = positions.get(place) ?? { epoch: 0, next: 0, settled: 0 };
    const settledNow = (this.#settled.get(place) ?? 0) + apply.offsets.length + apply.dead;
    if (apply.epoch > epoch || apply.next > next || settledNow > settled) cut.add(place);
    if (cut.has(place)) return false;
    this.#settled.set(place, settledNow);
    return true;
  }
}

/** What was begun and ended is one entry, which needs no number any more. */
async function entriesOf(file: string): Promise<HistoryEntry[]> {
  const entries: HistoryEntry[] = [];
  for await (const { operation: _, ...entry } of readHistory([file]) as AsyncIterable<Numbered>) entries.push(entry);
  return entries;
}

type Numbered = HistoryEntry & { readonly operation?: number };

/** Transactions that a kill came before: another process has done their work. As those without an end, they stay. */
function neverHappened(entries: readonly HistoryEntry[]): ReadonlySet<HistoryEntry> {
  const found = new Set<HistoryEntry>();
  const next = new Map<string, number>();
  const settled = new Set<string>();
  for (const entry of entries.toReversed()) {
    if (entry.kind !== 'apply') continue;
    const place = placeOf(entry);
    const offsets = entry.offsets.map((offset) => `${place}@${offset}`);
    const isRepeated = entry.expect === next.get(place) && entry.next > (entry.expect ?? 0);
    if (entry.completedMs === null && (isRepeated || offsets.some((offset) => settled.has(offset)))) found.add(entry);
    else if (entry.expect !== null) next.set(place, entry.expect);
    for (const offset of offsets) settled.add(offset);
  }
  return found;
}
