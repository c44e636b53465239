import { firstPlaceOf } from '../../kit/dlq/dead-letter.ts';
import type { LogRecord } from '../../kit/log/event-log.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { FindingList } from './finding-list.ts';
import { type Identities, nameOfRecord } from './identities.ts';
import { ABSENT, type PartitionLog, partitionText, placeText, UNSENT } from './partition-logs.ts';
import { FAILED, type Publishes, UNKNOWN } from './publishes.ts';

const MAX_PLACES = 3;

/**
 * Compares what was sent with what is in the log. An id may be sent several times, so records are counted against
 * publishes: an acknowledged one explains the record at its place, an unknown one explains one record or none.
 *
 * - `lost-acknowledged`: an acknowledged publish, and no record of its identity at the partition and offset that the
 *   acknowledgement named. (It may still be elsewhere: that is told, and explains the record there.)
 * - `aborted-read`: more records of an identity than its acknowledged and unknown publishes explain, and some of its
 *   publishes failed: as many as failed at most.
 * - `duplicate-in-log`: what is then left over: more often in the log than it was sent and not refused.
 * - `phantom`: a record of an identity that nobody sent, or that says it is the replay of a record that was never a
 *   dead letter.
 *
 * Tolerated: an unknown publish is in the log or not; several acknowledgements may name one record (a request that was
 * repeated gets the first one's answer); replays of dead letters (header `streamsocial-replay-of`) are nobody's publish.
 * Source: jepsen-io/jepsen `jepsen.tests.kafka`, lost-write, G1a (aborted read) and duplicate, where an `:info` write too
 * may have happened or not. There a reader has to have seen a later offset; here the log itself is read to its end.
 */
export class LogAnalysis {
  readonly #publishes: Publishes;
  readonly #identities: Identities;
  readonly #logs: ReadonlyMap<string, PartitionLog>;
  readonly #letters: DeadLetters;
  readonly #findings: FindingList;
  /** By identity: records, replays left out. */
  readonly #stored: Int32Array;

  /** Once every publish is known. */
  constructor(
    publishes: Publishes,
    identities: Identities,
    logs: ReadonlyMap<string, PartitionLog>,
    letters: DeadLetters,
    findings: FindingList,
  ) {
    this.#publishes = publishes;
    this.#identities = identities;
    this.#logs = logs;
    this.#letters = letters;
    this.#findings = findings;
    this.#stored = new Int32Array(identities.size);
  }

  add(record: LogRecord, log: PartitionLog): void {
    const { offset } = record;
    const identity = this.#identities.find(record);
    log.add(record, identity < 0 ? UNSENT : identity, this.#identities);
    const first = firstPlaceOf(record);
    if (first !== `${record.topic}/${record.partition}/${offset}`) {
      log.replays.add(offset);
      if (this.#letters.isDead(first)) return;
      this.#findings.add(
        'phantom',
        () => `${placeText(log, offset)} says it replays ${first}, which is no dead letter`,
      );
    } else if (identity < 0) {
      this.#findings.add('phantom', () => `${placeText(log, offset)} holds ${nameOfRecord(record)}, which nobody sent`);
    } else this.#stored[identity]!++;
  }

  /** Once every record is known. */
  finish(): void {
    const explained = new Int32Array(this.#identities.size);
    const failed = new Int32Array(this.#identities.size);
    for (let index = 0; index < this.#publishes.size; index++) {
      const identity = this.#publishes.identity.values[index]!;
      const outcome = this.#publishes.outcome.values[index]!;
      if (outcome === FAILED) failed[identity]!++;
      else if (outcome === UNKNOWN || this.#claim(index, identity)) explained[identity]!++;
    }
    for (let identity = 0; identity < this.#stored.length; identity++) {
      const excess = this.#stored[identity]! - explained[identity]!;
      if (excess > 0) this.#tooMany(identity, excess, failed[identity]!);
    }
  }

  /** Whether this acknowledgement explains a record of its own. */
  #claim(index: number, identity: number): boolean {
    const { key, partition, offset } = this.#publishes;
    const place = {
      topic: this.#identities.topicOfKey(key.values[index]!),
      partition: partition.values[index]!,
    };
    const log = this.#logs.get(partitionText(place));
    const at = offset.values[index]!;
    if (log?.identityAt(at) === identity) {
      const claims = log.claims[at - log.earliest]!;
      log.claims[at - log.earliest] = Math.min(2, claims + 1);
      return claims === 0;
    }
    this.#findings.add('lost-acknowledged', () => {
      const name = this.#publishes.nameOf(index);
      return `${name} was acknowledged at ${placeText(place, at)}, where the log has ${this.#holds(log, at)}; ${this.#elsewhere(identity)}`;
    });
    return true;
  }

  #holds(log: PartitionLog | undefined, offset: number): string {
    const identity = log?.identityAt(offset) ?? ABSENT;
    if (log === undefined) return 'no such partition';
    if (identity === ABSENT) return `no record (it has ${log.earliest} to ${log.latest - 1})`;
    return identity === UNSENT ? 'a record that nobody sent' : this.#identities.nameOf(identity);
  }

  #elsewhere(identity: number): string {
    const places = this.#placesOf(identity);
    return places.length === 0 ? 'it is nowhere else' : `it is at ${places.join(', ')}`;
  }

  #tooMany(identity: number, excess: number, failed: number): void {
    const name = (): string => `${this.#identities.nameOf(identity)} is at ${this.#placesOf(identity).join(', ')}`;
    const aborted = Math.min(excess, failed);
    if (aborted > 0) {
      this.#findings.add('aborted-read', () => `${name()}, though its publish failed for certain`, aborted);
    }
    const duplicates = excess - aborted;
    if (duplicates > 0) {
      const stored = this.#stored[identity]!;
      this.#findings.add(
        'duplicate-in-log',
        () => `${name()}: ${stored} times, though it was sent only ${stored - duplicates} times`,
        duplicates,
      );
    }
  }

  /** Read from end to end for each example: there are few of them. */
  #placesOf(identity: number): string[] {
    const places: string[] = [];
    for (const log of this.#logs.values()) {
      for (let at = log.identity.indexOf(identity); at >= 0; at = log.identity.indexOf(identity, at + 1)) {
        if (log.replays.has(log.earliest + at)) continue;
        if (places.push(placeText(log, log.earliest + at)) === MAX_PLACES) return [...places, '…'];
      }
    }
    return places;
  }
}
