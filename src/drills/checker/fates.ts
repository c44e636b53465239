/** What became of every offset of one projection's partition, as its transactions say. */

import type { PartitionState } from '../../kit/projections/projection-store.ts';
import type { Life } from './course.ts';
import type { FindingList } from './finding-list.ts';
import { type PartitionLog, placeText } from './partition-logs.ts';
import { START, type Transactions } from './transactions.ts';

/** Its effect was stored in this life. */
const DONE = 1;
/** It may have been dealt with, by a transaction of which nobody knows whether it happened. */
const MAYBE = 2;
/** Its effect was stored in an earlier life, before the position at which this one began. */
const BEFORE = 4;
const PARKED = 8;
/** Whether it is parked is open. */
const UNSURE = 16;
const EVER_PARKED = 32;

/**
 * - `repeated-offset`: an offset that is an effect of two transactions that both happened in one life. Being a duplicate
 *   by its event id makes the second one harmless, but not right: a position is left once.
 * - `skipped-offset`: a record before the store's position that no transaction gave an effect, that is not parked and has
 *   no dead letter of this group; also parked records that the store no longer holds.
 *
 * Tolerated: what a transaction that may have happened could have done; effects of an earlier life again after a reset.
 * Source: jepsen-io/jepsen `jepsen.tests.kafka`, poll-skip and nonmonotonic-poll, which that test allows where consumers are
 * rebalanced; the position is stored with the effect here, so they are never allowed.
 */
export class Fates {
  readonly #transactions: Transactions;
  readonly #log: PartitionLog;
  readonly #lives: readonly Life[];
  readonly #flags: Uint8Array;

  constructor(transactions: Transactions, lives: readonly Life[], log: PartitionLog, findings: FindingList) {
    this.#transactions = transactions;
    this.#lives = lives;
    this.#log = log;
    this.#flags = new Uint8Array(log.identity.length);
    for (const [number, life] of lives.entries()) {
      if (number > 0) this.#beginAgain(life.from);
      for (const { transaction, certain } of life.steps) {
        if (certain) this.#happened(transaction, findings);
        else this.#mayHaveHappened(transaction);
      }
    }
  }

  /** Whether an effect is stored now, for certain. */
  hasEffect(offset: number): boolean {
    return ((this.#flags[offset - this.#log.earliest] ?? 0) & (DONE | BEFORE)) !== 0;
  }

  /** Whether what is stored was built anew at least once. */
  get wasReset(): boolean {
    return this.#lives.length > 1;
  }

  /** The offsets that are parked, by how many the store holds; null where that does not tell. */
  parked(count: number): ReadonlySet<number> | null {
    const sure = this.#offsetsWith(PARKED);
    if (sure.length === count) return new Set(sure);
    const all = [...sure, ...this.#offsetsWith(UNSURE)];
    return all.length === count ? new Set(all) : null;
  }

  /** @param isDead whether this group has a dead letter of the offset */
  checkSkipped({ next, parked }: PartitionState, isDead: (offset: number) => boolean, findings: FindingList): void {
    const { earliest, latest } = this.#log;
    const { group } = this.#transactions;
    const lifeFrom = this.#lives.at(-1)!.from;
    for (let offset = earliest; offset < Math.min(next ?? earliest, latest); offset++) {
      const flags = this.#flags[offset - earliest]!;
      if ((flags & (DONE | MAYBE | PARKED | UNSURE)) !== 0 || ((flags & BEFORE) !== 0 && offset < lifeFrom)) continue;
      if (!this.#log.holds(offset) || isDead(offset)) continue;
      findings.add(
        'skipped-offset',
        () =>
          `${placeText(this.#log, offset)}: group ${group} is past it (next is ${next}), without an effect, parking or dead letter`,
      );
    }
    const sure = this.#offsetsWith(PARKED);
    if (sure.length <= parked) return;
    findings.add(
      'skipped-offset',
      () => {
        const some = sure.slice(0, 5).map((offset) => placeText(this.#log, offset));
        return `group ${group} parked ${sure.length} records and never took them up again (${some.join(', ')}); the store holds ${parked}`;
      },
      sure.length - parked,
    );
  }

  #happened(transaction: number, findings: FindingList): void {
    const { effects, parked, unparked, group } = this.#transactions;
    const done = effects.of(transaction);
    for (const offset of done) {
      if (((this.#flags[offset - this.#log.earliest] ?? 0) & DONE) !== 0) {
        findings.add(
          'repeated-offset',
          () =>
            `${placeText(this.#log, offset)}: group ${group} stored its effect again in ${this.#transactions.nameOf(transaction)}`,
        );
      }
    }
    this.#change(done, DONE, BEFORE | PARKED | UNSURE);
    this.#change(unparked.of(transaction), 0, PARKED | UNSURE);
    this.#change(parked.of(transaction), PARKED | EVER_PARKED, UNSURE);
  }

  #mayHaveHappened(transaction: number): void {
    const { effects, parked, unparked } = this.#transactions;
    this.#change(effects.of(transaction), MAYBE, 0);
    for (const offsets of [parked.of(transaction), unparked.of(transaction)]) {
      this.#change(offsets, UNSURE | EVER_PARKED, PARKED);
    }
  }

  /** Effects from `from` on are gone; those before it are as they were when the store was saved. */
  #beginAgain(from: number): void {
    const end = Math.max(0, from === START ? 0 : from - this.#log.earliest);
    this.#flags.fill(0, end);
    for (let at = 0; at < Math.min(end, this.#flags.length); at++) {
      const flags = this.#flags[at]!;
      const wasParked = (flags & EVER_PARKED) !== 0 ? UNSURE | EVER_PARKED : 0;
      this.#flags[at] = wasParked | (flags & MAYBE) | ((flags & (DONE | BEFORE)) !== 0 ? BEFORE : 0);
    }
  }

  /** Offsets beyond the log's bounds are nothing that can be judged here: their records are gone, and that is told elsewhere. */
  #change(offsets: Float64Array | Int32Array, set: number, clear: number): void {
    for (const offset of offsets) {
      const at = offset - this.#log.earliest;
      if (at >= 0 && at < this.#flags.length) this.#flags[at] = (this.#flags[at]! & ~clear) | set;
    }
  }

  #offsetsWith(flag: number): number[] {
    const offsets: number[] = [];
    for (let at = 0; at < this.#flags.length; at++) {
      if ((this.#flags[at]! & flag) !== 0) offsets.push(this.#log.earliest + at);
    }
    return offsets;
  }
}
