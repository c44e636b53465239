/** Which transactions of one projection's partition happened, and in which order. */
import { START, type Transactions } from './transactions.ts';

export interface Step {
  readonly transaction: number;
  /** False where it cannot be told whether it happened. */
  readonly certain: boolean;
}

/** From one loss of the store's data to the next. */
export interface Life {
  /** The position at which it began; `START`, or where the store had fallen back to. */
  readonly from: number;
  readonly steps: readonly Step[];
}

/**
 * Transactions are put in order by (era, epoch, time of the call): an owner makes one after the other, a newer owner has a
 * higher epoch, and an era ends with a mark `store-reset`, after which epochs may begin again.
 *
 * `ok` happened. `unknown`: the position decides. A transaction moves it from `expect` to `next`, and from one position only
 * one can move it. So if the next accepted transaction (or, at the end, the store) is still where the unknown one began, it
 * did not happen; if the position has moved on, and only this one leads there, it happened. Where several unknown ones began at one
 * position, or none moved it (a retry of parked events), it stays open.
 *
 * A store that lost its data begins again: after a mark `store-reset` (written before the data goes) one accepted transaction
 * may expect less than the position reached, or take up parked records anew, and begins a new life. Once a mark; without one it
 * is no new life, and what it repeats is found repeated.
 *
 * @param finalNext the store's position now
 */
export function courseOf(transactions: Transactions, resetsMs: readonly number[], finalNext: number): readonly Life[] {
  const { ok, expect, next, unparked, invokedMs } = transactions;
  const lives: { from: number; steps: Step[] }[] = [{ from: START, steps: [] }];
  let position = START;
  let pending: number[] = [];
  /** Offsets that left parking in this life. */
  const released = new Set<number>();

  function settle(to: number): void {
    for (const step of decide(transactions, pending, position, to)) lives.at(-1)!.steps.push(step);
    pending = [];
  }

  /** The store was found at a lower position than it had reached. */
  function beginAgain(to: number): void {
    const viaUnknown = to !== START && pathOf(transactions, pending, START, to) !== null;
    const [before, after] = viaUnknown ? [[], pending] : [pending, []];
    pending = before;
    settle(Number.NaN);
    position = viaUnknown ? START : to;
    lives.push({ from: position, steps: [] });
    pending = after;
    released.clear();
  }

  for (const index of inOrder(transactions, resetsMs)) {
    if (ok.values[index] === 0) {
      pending.push(index);
      continue;
    }
    const expected = expect.values[index]!;
    const resets = before(resetsMs, invokedMs.values[index]!);
    const fellBack = expected < position || unparked.of(index).some((offset) => released.has(offset));
    if (fellBack && lives.length <= resets) beginAgain(expected);
    settle(expected);
    lives.at(-1)!.steps.push({ transaction: index, certain: true });
    position = next.values[index]!;
    for (const offset of unparked.of(index)) released.add(offset);
  }
  if (finalNext < position && lives.length <= resetsMs.length) beginAgain(finalNext);
  settle(finalNext);
  return lives;
}

function inOrder(transactions: Transactions, resetsMs: readonly number[]): Uint32Array {
  const { epoch, invokedMs, size } = transactions;
  const era = Int32Array.from({ length: size }, (_, index) => before(resetsMs, invokedMs.values[index]!));
  return Uint32Array.from({ length: size }, (_, index) => index).sort(
    (a, b) => era[a]! - era[b]! || epoch.values[a]! - epoch.values[b]! || invokedMs.values[a]! - invokedMs.values[b]!,
  );
}

/** How many marks are not after this moment. */
export function before(marksMs: readonly number[], ms: number): number {
  return marksMs.findLastIndex((mark) => mark <= ms) + 1;
}

/** What of the unknown ones happened between two known positions; `to` NaN where the later one is not known. */
function decide(transactions: Transactions, pending: readonly number[], from: number, to: number): Step[] {
  if (pending.length === 0) return [];
  const { expect, next } = transactions;
  const path = pathOf(transactions, pending, from, to);
  const moves = (index: number): boolean => expect.values[index] !== next.values[index];
  const candidates = pending.filter((index) => moves(index) && path?.has(expect.values[index]!));
  const onlyWay = path !== null && candidates.length === path.size;
  return pending.flatMap((transaction): Step[] => {
    if (!onlyWay || !moves(transaction)) return [{ transaction, certain: false }];
    return path.has(expect.values[transaction]!) ? [{ transaction, certain: true }] : [];
  });
}

/** The positions from which the way leads on, or null where unknown transactions alone lead nowhere. */
function pathOf(
  { expect, next }: Transactions,
  pending: readonly number[],
  from: number,
  to: number,
): ReadonlySet<number> | null {
  const cameFrom = new Map<number, number>();
  const reached = [from];
  // the list grows while it is read
  for (const position of reached) {
    if (position === to) break;
    for (const index of pending) {
      const target = next.values[index]!;
      if (expect.values[index] !== position || target <= position || cameFrom.has(target)) continue;
      cameFrom.set(target, position);
      reached.push(target);
    }
  }
  if (from !== to && !cameFrom.has(to)) return null;
  const path = new Set<number>();
  for (let position = to; position !== from; ) {
    position = cameFrom.get(position)!;
    path.add(position);
  }
  return path;
}
