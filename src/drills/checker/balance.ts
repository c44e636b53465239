import type { FindingList } from './finding-list.ts';
import { isGivenUp, type Part, parkedIn } from './part.ts';
import { partitionText } from './partition-logs.ts';

/**
 * `unbalanced`: by the store's own tallies, applied + duplicates + parked + dead is not the number of records in the
 * partition; or `dead` is not the number of its dead letters, each place counted once. A projection that has not reached the
 * log's end is unbalanced too: one that never ran must not pass.
 *
 * Tolerated: dead letters from the position on (captured, and its transaction not made), and of records that are parked still.
 */
export function checkBalance(part: Part, findings: FindingList): void {
  const { group, state, log, letters } = part;
  const { next, parked } = state;
  const { applied, duplicates, dead } = state.tallies;
  const accounted = applied + duplicates + parked + dead;
  const where = `${partitionText(log)} of group ${group}`;
  if (accounted !== log.records) {
    const position = next === null ? 'has not begun' : `stands at ${next} of ${log.latest}`;
    findings.add(
      'unbalanced',
      () =>
        `${where}: ${applied} applied + ${duplicates} duplicates + ${parked} parked + ${dead} dead = ${accounted}, the log has ${log.records} (it ${position})`,
    );
  }
  const waiting = parkedIn(part);
  let given = 0;
  for (const offset of letters) {
    if (offset < (next ?? 0) && isGivenUp(part, offset) && !waiting?.has(offset)) given += 1;
  }
  if (given !== dead) {
    findings.add('unbalanced', () => `${where}: ${dead} are counted as dead, and ${given} have a dead letter`);
  }
}
