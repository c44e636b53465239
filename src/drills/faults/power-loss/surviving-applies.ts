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
    const cut = new Set<string>();
    let takenBack = 0;
    for (const file of files) {
      const kept: string[] = [];
      for await (const { operation: _, ...entry } of entriesOf(file)) {
        if (entry.kind === 'apply' && !this.#survives(entry, positions, cut)) takenBack += 1;
        else kept.push(`${JSON.stringify(entry)}\n`);
      }
      await writeFile(`${file}.partial`, kept.join(''));
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
function entriesOf(file: string): AsyncIterable<HistoryEntry & { readonly operation?: number }> {
  return readHistory([file]);
}
