import { before, type Life } from './course.ts';
import type { FindingList } from './finding-list.ts';
import type { Identities } from './identities.ts';
import { type PartitionLog, placeText } from './partition-logs.ts';
import type { Transactions } from './transactions.ts';

/**
 * `reordered-apply`: the effect of a record was stored after that of a record with the same key and a higher offset, in
 * one life of the store and between two marks `store-reset`.
 *
 * Tolerated: any order between different keys (a parked event is applied later than others that came after it); records
 * without a key; what is stored again, which is found as repeated; transactions of which nobody knows whether they happened.
 */
export function checkApplyOrder(
  transactions: Transactions,
  lives: readonly Life[],
  resetsMs: readonly number[],
  log: PartitionLog,
  identities: Identities,
  findings: FindingList,
): void {
  const { group, effects } = transactions;
  const latest = new Map<number, number>();
  for (const { steps } of lives) {
    latest.clear();
    const stored = new Uint8Array(log.identity.length);
    let era = 0;
    for (const { transaction, certain } of steps) {
      if (!certain) continue;
      const now = before(resetsMs, transactions.invokedMs.values[transaction]!);
      if (now !== era) latest.clear();
      era = now;
      for (const offset of effects.of(transaction)) {
        const at = offset - log.earliest;
        if (!log.holds(offset) || stored[at] === 1) continue;
        stored[at] = 1;
        const key = log.key[at]!;
        const highest = latest.get(key) ?? -1;
        if (offset > highest) latest.set(key, offset);
        else if (identities.keyText(key) !== '') {
          findings.add(
            'reordered-apply',
            () =>
              `${placeText(log, offset)}: group ${group} stored its effect after that of offset ${highest}, of the same key "${identities.keyText(key)}"`,
          );
        }
      }
    }
  }
}
