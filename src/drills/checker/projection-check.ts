/** Everything that is judged of one projection, partition by partition. */
import { checkApplyOrder } from './apply-order.ts';
import { checkBalance } from './balance.ts';
import { Counters } from './counters.ts';
import { courseOf } from './course.ts';
import type { DeadLetters } from './dead-letters.ts';
import { Fates } from './fates.ts';
import type { FindingList } from './finding-list.ts';
import type { CheckReport, ObservedProjection } from './findings.ts';
import type { Identities } from './identities.ts';
import { checkEpochs } from './owners.ts';
import { type Known, newState, type Part } from './part.ts';
import { type PartitionLog, partitionText } from './partition-logs.ts';
import { type Ledger, START, Transactions } from './transactions.ts';

type ProjectionCounts = Pick<
  CheckReport['checked'],
  'applied' | 'duplicates' | 'parked' | 'deadLettered' | 'documents'
>;

export class ProjectionCheck {
  readonly counters: Counters;
  readonly #parts: readonly Part[];
  readonly #resetsMs: readonly number[];
  readonly #findings: FindingList;

  /** Once the history and the dead letters are read. */
  constructor(
    projection: ObservedProjection,
    logs: readonly PartitionLog[],
    ledger: Ledger,
    letters: DeadLetters,
    resetsMs: readonly number[],
    findings: FindingList,
  ) {
    const { group, topics, states } = projection;
    this.#resetsMs = resetsMs;
    this.#findings = findings;
    this.#parts = logs
      .filter(({ topic }) => topics.includes(topic))
      .map((log) => {
        const state = states.find(({ topic, partition }) => topic === log.topic && partition === log.partition);
        const part = { group, state: state ?? newState(log), log, letters: letters.of(group, log) };
        return { ...part, known: ledger.knows(group) ? this.#known(part, ledger) : null };
      });
    this.counters = new Counters(projection, this.#parts);
    for (const state of states) {
      if (this.#parts.some(({ log }) => log.topic === state.topic && log.partition === state.partition)) continue;
      findings.add(
        'unbalanced',
        () => `group ${group} has a position in ${partitionText(state)}, which the log does not have`,
      );
    }
  }

  /** Once the log is read. */
  async finish(identities: Identities): Promise<ProjectionCounts> {
    const findings = this.#findings;
    const total = { applied: 0, duplicates: 0, parked: 0, deadLettered: 0 };
    for (const part of this.#parts) {
      const { log, state, known, letters } = part;
      if (known !== null) {
        const { transactions, lives, fates } = known;
        fates.checkSkipped(state, (offset) => letters.has(offset), findings);
        checkApplyOrder(transactions, lives, this.#resetsMs, log, identities, findings);
        checkEpochs(transactions, this.#resetsMs, findings);
      }
      checkBalance(part, findings);
      total.applied += state.tallies.applied;
      total.duplicates += state.tallies.duplicates;
      total.parked += state.parked;
      total.deadLettered += letters.size;
    }
    return { ...total, documents: await this.counters.compare(findings) };
  }

  #known({ group, state, log }: Omit<Part, 'known'>, ledger: Ledger): Known {
    const { topic, partition } = log;
    const transactions = ledger.of(group, log) ?? new Transactions({ group, topic, partition });
    const lives = courseOf(transactions, this.#resetsMs, state.next ?? START);
    return { transactions, lives, fates: new Fates(transactions, lives, log, this.#findings) };
  }
}
