import type { FindingList } from './finding-list.ts';
import type { Identities } from './identities.ts';
import { type PartitionLog, partitionText, placeText } from './partition-logs.ts';
import { ACKED, type Publishes, UNKNOWN } from './publishes.ts';

/**
 * `reordered-in-log`: of the records that one process sent with one key, in the order in which it sent them, one that
 * lies at a lower offset than the one sent before it, or in another partition, where no order holds.
 *
 * Unknown publishes count as well, where their record can be told: its id was unknown once, and one record of it is no
 * acknowledgement's.
 * Tolerated: records without a key, which have no order; records that several acknowledgements name, as the first of
 * those calls stored it; an order between different senders.
 * Source: jepsen-io/jepsen `jepsen.tests.kafka`, nonmonotonic-send, which follows `:ok` and `:info` sends of a process.
 */
export function checkLogOrder(
  publishes: Publishes,
  identities: Identities,
  logs: ReadonlyMap<string, PartitionLog>,
  findings: FindingList,
): void {
  const places = placesOf(publishes, identities, [...logs.values()]);
  const { key, process, sequence } = publishes;
  // one number for process and key: a comparison less, a million times twenty
  const run = Float64Array.from(
    { length: publishes.size },
    (_, index) => process.values[index]! * identities.keys + key.values[index]!,
  );
  const sequences = sequence.values;
  const order = new Uint32Array(publishes.size);
  let placed = 0;
  for (let index = 0; index < publishes.size; index++) if (places.log[index]! >= 0) order[placed++] = index;
  const sorted = order.subarray(0, placed).sort((a, b) => run[a]! - run[b]! || sequences[a]! - sequences[b]!);

  const all = [...logs.values()];
  for (let i = 1; i < sorted.length; i++) {
    const before = sorted[i - 1]!;
    const after = sorted[i]!;
    if (run[before] !== run[after]) continue;
    const ordered = places.log[before] === places.log[after] && places.offset[before]! < places.offset[after]!;
    if (ordered || identities.keyText(key.values[after]!) === '') continue;
    findings.add('reordered-in-log', () => {
      const at = (index: number): string =>
        `${publishes.nameOf(index)} at ${placeText(all[places.log[index]!]!, places.offset[index]!)}`;
      return `key "${identities.keyText(key.values[after]!)}": ${at(before)} was sent before ${at(after)}`;
    });
  }
}

interface Places {
  /** By publish: which of the logs, or -1 where it is not known to be in one. */
  readonly log: Int32Array;
  readonly offset: Float64Array;
}

function placesOf(publishes: Publishes, identities: Identities, logs: readonly PartitionLog[]): Places {
  const places = { log: new Int32Array(publishes.size).fill(-1), offset: new Float64Array(publishes.size) };
  const numbers = new Map(logs.map((log, number) => [partitionText(log), number]));
  const unclaimed = unclaimedRecords(identities, logs);
  const unknowns = new Int32Array(identities.size);
  const { identity, key, outcome, partition, offset } = publishes;
  for (let index = 0; index < publishes.size; index++) {
    if (outcome.values[index] === UNKNOWN) unknowns[identity.values[index]!]!++;
  }
  for (let index = 0; index < publishes.size; index++) {
    const sent = identity.values[index]!;
    if (outcome.values[index] === ACKED) {
      const topic = identities.topicOfKey(key.values[index]!);
      const number = numbers.get(partitionText({ topic, partition: partition.values[index]! })) ?? -1;
      const at = offset.values[index]!;
      const log = logs[number];
      if (log?.identityAt(at) !== sent || log.claims[at - log.earliest] !== 1) continue;
      places.log[index] = number;
      places.offset[index] = at;
    } else if (outcome.values[index] === UNKNOWN && unknowns[sent] === 1 && unclaimed.count[sent] === 1) {
      places.log[index] = unclaimed.log[sent]!;
      places.offset[index] = unclaimed.offset[sent]!;
    }
  }
  return places;
}

/** By identity: how many records no acknowledgement names, and where the last of them is. */
function unclaimedRecords(identities: Identities, logs: readonly PartitionLog[]) {
  const count = new Int32Array(identities.size);
  const log = new Int32Array(identities.size);
  const offset = new Float64Array(identities.size);
  for (const [number, { earliest, identity, claims, replays }] of logs.entries()) {
    for (let at = 0; at < identity.length; at++) {
      const sent = identity[at]!;
      if (sent < 0 || claims[at] !== 0 || replays.has(earliest + at)) continue;
      count[sent]!++;
      log[sent] = number;
      offset[sent] = earliest + at;
    }
  }
  return { count, log, offset };
}
