import { socialEventCodec } from '../../domains/social/codec.ts';
import { compare, createFold, type Fold } from '../../domains/social/reconcile.ts';
import type { LogRecord, TopicPartition } from '../../kit/log/event-log.ts';
import type { FindingList } from './finding-list.ts';
import type { ObservedProjection } from './findings.ts';
import { isGivenUp, type Part, parkedIn } from './part.ts';

/**
 * `counter-mismatch`: a document that differs from a second fold of the log up to the projection's positions
 * (`src/domains/social/reconcile.ts`), field by field; one finding a document. An event id counts once in a partition;
 * what is poison, parked or dead-lettered does not count, and does not make a later one of its id a duplicate.
 *
 * Tolerated: after a reset of the store, a dead letter whose event had its effect when the projection was built anew (it had failed
 * before the loss, and not again).
 * Not compared, so that `documents` stays 0: a projection with parked records of which the history cannot tell which they are.
 */
export class Counters {
  readonly #projection: ObservedProjection;
  readonly #parts: readonly Part[];
  readonly #fold: Fold;
  readonly #comparable: boolean;
  #next = 0;
  #isSetAside: (offset: number) => boolean = () => false;

  constructor(projection: ObservedProjection, parts: readonly Part[]) {
    this.#projection = projection;
    this.#parts = parts;
    this.#comparable = parts.every((part) => parkedIn(part) !== null);
    this.#fold = createFold(socialEventCodec.decode, ({ offset }) => this.#isSetAside(offset));
  }

  /** The records that follow are of this partition. @returns false where this projection does not read it */
  begin(place: TopicPartition): boolean {
    const part = this.#parts.find(({ log }) => log.topic === place.topic && log.partition === place.partition);
    if (part === undefined) return false;
    const parked = parkedIn(part);
    this.#next = part.state.next ?? 0;
    this.#isSetAside = (offset) => parked?.has(offset) || isGivenUp(part, offset);
    return true;
  }

  add(record: LogRecord): void {
    if (record.offset < this.#next) this.#fold.add(record);
  }

  end(place: TopicPartition): void {
    this.#fold.endPartition(place);
  }

  /** @returns how many documents were compared */
  async compare(findings: FindingList): Promise<number> {
    if (!this.#comparable) return 0;
    const { documents, folded, group } = this.#projection;
    const expected = folded === 'engagement' ? this.#fold.engagement() : this.#fold.activity();
    const { compared, differing, differences } = await compare(documents, expected);
    const seen = new Set<string>();
    for (const { key, field, projection, fold } of differences) {
      if (seen.has(key)) continue;
      seen.add(key);
      findings.add(
        'counter-mismatch',
        () => `${folded} of group ${group}, ${key}: ${field} is ${projection}, by the log it is ${fold}`,
      );
    }
    if (differing > seen.size) {
      findings.add(
        'counter-mismatch',
        () => `${folded} of group ${group}: ${differing - seen.size} more`,
        differing - seen.size,
      );
    }
    return compared;
  }
}
