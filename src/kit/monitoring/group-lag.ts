/**
 * Lag of consumer groups in records and in seconds. A group's lag in seconds is the age of the record at its committed offset: how
 * long the oldest record that it has not committed has been waiting. That record has to be read, so that the cost is bounded: a record
 * that is known is not read again, and of the others no more than MAX_LOOKUPS at one look.
 */
import type { EventLog, TopicPartition } from '../log/event-log.ts';
import { type GroupFacts, keyOf } from './cluster-facts.ts';
import type { GroupHealth } from './cluster-report.ts';
import { maxOrNull } from './rates.ts';

/** Records of one look; each comes with its batch, at most 1 MiB by default. */
export const MAX_LOOKUPS = 16;
const AT_ONCE = 4;

export interface RecordAge extends TopicPartition {
  readonly offset: number;
  readonly timestamp: number;
}

/** Which records to read: the most lagging partition of every group, then the second most, and so on; no two of one position. */
export function lookups(
  groups: readonly GroupFacts[],
  ends: ReadonlyMap<string, number>,
  known: ReadonlyMap<string, RecordAge>,
): (TopicPartition & { readonly offset: number })[] {
  const wanted = groups.flatMap(({ committed }) =>
    committed
      .map((at) => ({ at, lag: (ends.get(keyOf(at)) ?? 0) - at.offset }))
      .filter(({ at, lag }) => lag > 0 && !known.has(positionOf(at)))
      .sort((a, b) => b.lag - a.lag)
      .map((one, rank) => ({ ...one, rank })),
  );
  const ranked = wanted.sort((a, b) => a.rank - b.rank || b.lag - a.lag).map(({ at }) => [positionOf(at), at] as const);
  return [...new Map(ranked).values()].slice(0, MAX_LOOKUPS);
}

export function groupHealth(
  { group, state, members, committed }: Omit<GroupFacts, 'description'>,
  ends: ReadonlyMap<string, number>,
  ages: ReadonlyMap<string, RecordAge>,
  now: number,
): GroupHealth {
  const partitions = committed.map((at) => {
    const end = ends.get(keyOf(at));
    const lag = end === undefined ? null : Math.max(0, end - at.offset);
    const record = ages.get(positionOf(at));
    const waiting = record === undefined ? null : Math.max(0, now - record.timestamp) / 1000;
    const { topic, partition, offset } = at;
    return { topic, partition, committed_offset: offset, lag, lag_seconds: lag === 0 ? 0 : waiting };
  });
  return {
    group,
    state,
    members,
    lag: partitions.reduce((sum, { lag }) => sum + (lag ?? 0), 0),
    lag_seconds: maxOrNull(partitions.map(({ lag_seconds }) => lag_seconds)),
    partitions,
  };
}

/** The times of records at groups' committed offsets, remembered for as long as a group stays there. */
export class RecordAges {
  readonly #read: EventLog['read'];
  #known: ReadonlyMap<string, RecordAge> = new Map();

  constructor(read: EventLog['read']) {
    this.#read = read;
  }

  /** By `positionOf`; what cannot be read before the signal is missing. */
  async of(
    groups: readonly GroupFacts[],
    ends: ReadonlyMap<string, number>,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, RecordAge>> {
    const current = new Set(groups.flatMap(({ committed }) => committed.map(positionOf)));
    const ages = new Map([...this.#known].filter(([position]) => current.has(position)));
    const wanted = lookups(groups, ends, ages);
    const worker = async (): Promise<void> => {
      for (let at = wanted.shift(); at !== undefined && !signal.aborted; at = wanted.shift()) {
        const age = await this.#ageAt(at, signal);
        if (age !== null) ages.set(positionOf(at), age);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    this.#known = ages;
    return ages;
  }

  async #ageAt(at: TopicPartition & { readonly offset: number }, signal: AbortSignal): Promise<RecordAge | null> {
    try {
      const { records } = await this.#read({ ...at, maxBytes: 1, maxRecords: 1, signal });
      return records[0] === undefined ? null : { ...at, timestamp: records[0].timestamp };
    } catch {
      // Removed by retention, its leader gone, or no time left: not known this time.
      return null;
    }
  }
}

export function positionOf(at: TopicPartition & { readonly offset: number }): string {
  return `${keyOf(at)}@${at.offset}`;
}
