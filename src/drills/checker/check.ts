/**
 * Judges what a system did: the history of those who used it against the log and the stores as they are afterwards. In the
 * manner of Jepsen's workload for Kafka (jepsen-io/jepsen, `jepsen/src/jepsen/tests/kafka.clj`, used by jepsen-io/redpanda);
 * each analysis says in its own file what it flags and what it tolerates, and `docs/checker.md` says it to people.
 *
 * One pass over the history, one over the log. Measured memory is in `docs/checker.md`.
 */
import { isDeadLetterTopic } from '../../kit/dlq/dead-letter.ts';
import type { HistoryEntry } from '../history/history.ts';
import { DeadLetters } from './dead-letters.ts';
import { FindingList } from './finding-list.ts';
import type { CheckReport, Observation } from './findings.ts';
import { Identities } from './identities.ts';
import { LogAnalysis } from './log-analysis.ts';
import { checkLogOrder } from './log-order.ts';
import { Owners } from './owners.ts';
import { PartitionLog, partitionText } from './partition-logs.ts';
import { ProjectionCheck } from './projection-check.ts';
import { Publishes } from './publishes.ts';
import { readPartition } from './read-partition.ts';
import { Ledger } from './transactions.ts';

/** The label of the mark that a drill writes before it makes a store lose data. */
export const STORE_RESET = 'store-reset';

/**
 * @param history in any order between processes; of one process in the order in which its changes of ownership happened
 * @throws KitError HISTORY_UNREADABLE, and what reading the log throws
 */
export async function check(
  history: Iterable<HistoryEntry> | AsyncIterable<HistoryEntry>,
  observation: Observation,
): Promise<CheckReport> {
  const findings = new FindingList();
  const identities = new Identities();
  const publishes = new Publishes(identities);
  const ledger = new Ledger();
  const owners = new Owners();
  const resetsMs: number[] = [];
  for await (const entry of history) {
    if (entry.kind === 'mark') {
      if (entry.label === STORE_RESET) resetsMs.push(entry.atMs);
      continue;
    }
    owners.add(entry);
    if (entry.kind === 'publish') publishes.add(entry);
    else if (entry.kind === 'apply') ledger.add(entry);
  }
  resetsMs.sort((a, b) => a - b);

  const sources = observation.partitions.filter(({ topic }) => !isDeadLetterTopic(topic));
  const logs = new Map(sources.map((place) => [partitionText(place), new PartitionLog(place)]));
  const letters = new DeadLetters(findings);
  for (const place of observation.partitions) {
    if (isDeadLetterTopic(place.topic)) {
      await readPartition(observation, place, findings, (record) => letters.add(record));
    }
  }

  const analysis = new LogAnalysis(publishes, identities, logs, letters, findings);
  const projections = observation.projections.map(
    (projection) => new ProjectionCheck(projection, [...logs.values()], ledger, letters, resetsMs, findings),
  );
  for (const place of sources) {
    const log = logs.get(partitionText(place))!;
    const readers = projections.map(({ counters }) => counters).filter((reader) => reader.begin(place));
    await readPartition(observation, place, findings, (record) => {
      analysis.add(record, log);
      letters.compare(record);
      for (const reader of readers) reader.add(record);
    });
    for (const reader of readers) reader.end(place);
  }

  analysis.finish();
  letters.finish(logs);
  checkLogOrder(publishes, identities, logs, findings);
  owners.check(findings);
  const { acked: acknowledged, unknown, failed } = publishes.counts;
  const checked = {
    publishes: publishes.size,
    acknowledged,
    unknown,
    failed,
    inLog: [...logs.values()].reduce((sum, { records }) => sum + records, 0),
    applied: 0,
    duplicates: 0,
    parked: 0,
    deadLettered: 0,
    documents: 0,
    transactions: ledger.size,
    ownershipChanges: owners.changes,
  };
  for (const projection of projections) {
    for (const [name, count] of Object.entries(await projection.finish(identities))) {
      checked[name as keyof typeof checked] += count;
    }
  }
  return { findings: findings.all(), checked };
}
