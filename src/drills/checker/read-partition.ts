import type { LogRecord } from '../../kit/log/event-log.ts';
import type { FindingList } from './finding-list.ts';
import type { Observation } from './findings.ts';
import { partitionText } from './partition-logs.ts';

/**
 * Hands every record of a partition to `onRecord`, and checks that offsets are dense.
 *
 * Flagged, `hole-in-log`: between `earliest` and `latest` an offset without a record, one that comes twice, one that
 * goes back. In all topics, those of dead letters too: nobody here writes transactions or compacts, which are what
 * leaves holes in Kafka's logs otherwise.
 * Tolerated: that `earliest` is above 0 (retention), and records from `latest` on (the log goes on growing).
 */
export async function readPartition(
  observation: Observation,
  place: Observation['partitions'][number],
  findings: FindingList,
  onRecord: (record: LogRecord) => void,
): Promise<void> {
  const { earliest, latest } = place;
  let expected = earliest;
  const missing = (until: number): void => {
    const from = expected;
    findings.add(
      'hole-in-log',
      () => `${partitionText(place)}: no record from offset ${from} to ${until - 1}`,
      until - from,
    );
  };
  for await (const batch of observation.records(place)) {
    for (const record of batch) {
      const { offset } = record;
      if (offset >= latest) break;
      if (offset < expected) {
        const after = expected - 1;
        findings.add('hole-in-log', () => `${partitionText(place)}: offset ${offset} comes after ${after}`);
        continue;
      }
      if (offset > expected) missing(offset);
      expected = offset + 1;
      onRecord(record);
    }
  }
  if (expected < latest) missing(latest);
}
