/** Who owned which partition, as members were told and as transactions show. */
import type { TopicPartition } from '../../kit/log/event-log.ts';
import type { HistoryEntry, OwnershipOperation } from '../history/history.ts';
import { before } from './course.ts';
import type { FindingList } from './finding-list.ts';
import { partitionText } from './partition-logs.ts';
import type { Transactions } from './transactions.ts';

/**
 * A group gives up a member after its session, 6 s at least (Kafka's `group.min.session.timeout.ms`), of which up to one
 * interval of heartbeats, 3 s, may have passed before the member fell silent.
 */
const EXPELLED_AFTER_MS = 3_000;
/** Signs of life are kept as coarse as this. */
const TICK_MS = 100;

interface Ownership extends TopicPartition {
  readonly group: string;
  readonly process: string;
  readonly fromMs: number;
  toMs: number;
  end: 'revoked' | 'lost' | 'none';
}

interface ProcessTrace {
  /** Of its last entry that is no refused transaction. */
  lastMs: number;
  readonly ticks: Set<number>;
  /** By group: when its transactions were fenced. */
  readonly fencedMs: Map<string, number[]>;
}

/**
 * `two-owners`, as members were told: one process got a partition (`assigned`, from its beginning) before another one had
 * given it back (`revoked`, to its end); one finding for each that had not. A process is taken for one member of a group.
 *
 * Tolerated, because the group could not have known:
 * - `lost` ends an ownership that overlapped: the group had gone on without that member;
 * - an owner without an end (killed: nobody wrote `revoked`) owned until its last entry, refused transactions aside;
 * - a member that was given up and only noticed while leaving writes `revoked`. It is taken for that when it had owned
 *   the partition for 3 s, and either wrote nothing in the 3 s before the new owner came (it was frozen or cut off), or was fenced
 *   in that group before it gave the partition back.
 */
export class Owners {
  readonly #owned = new Map<string, Ownership[]>();
  /** By group, partition and process. */
  readonly #open = new Map<string, Ownership>();
  readonly #processes = new Map<string, ProcessTrace>();
  changes = 0;

  add(entry: Exclude<HistoryEntry, { kind: 'mark' }>): void {
    this.#trace(entry);
    if (entry.kind === 'publish' || entry.kind === 'apply') return;
    this.changes += 1;
    for (const place of entry.partitions) {
      if (entry.kind === 'assigned') this.#begin(entry, place);
      else this.#end(entry, place);
    }
  }

  check(findings: FindingList): void {
    for (const ownership of this.#open.values()) ownership.toMs = this.#processes.get(ownership.process)!.lastMs;
    for (const owned of this.#owned.values()) {
      owned.sort((a, b) => a.fromMs - b.fromMs);
      const current: Ownership[] = [];
      const told = new Set<Ownership>();
      for (const newer of owned) {
        for (const older of current) {
          if (older.toMs <= newer.fromMs || older.process === newer.process || this.#wasExpelled(older, newer.fromMs))
            continue;
          findings.add('two-owners', () => twoOwners(older, newer));
          told.add(older);
        }
        const still = current.filter((older) => older.toMs > newer.fromMs && !told.has(older));
        current.splice(0, current.length, ...still, newer);
      }
    }
  }

  #trace(entry: Exclude<HistoryEntry, { kind: 'mark' }>): void {
    let trace = this.#processes.get(entry.process);
    if (trace === undefined) {
      trace = { lastMs: Number.NEGATIVE_INFINITY, ticks: new Set(), fencedMs: new Map() };
      this.#processes.set(entry.process, trace);
    }
    const atMs = entry.completedMs ?? entry.invokedMs;
    if (entry.kind === 'apply' && entry.outcome !== 'ok') {
      if (entry.outcome !== 'fenced') return;
      const times = trace.fencedMs.get(entry.group);
      if (times === undefined) trace.fencedMs.set(entry.group, [atMs]);
      else times.push(atMs);
      return;
    }
    trace.lastMs = Math.max(trace.lastMs, atMs);
    trace.ticks.add(Math.floor(atMs / TICK_MS));
  }

  #begin({ group, process, invokedMs }: OwnershipOperation, { topic, partition }: TopicPartition): void {
    const name = `${group} ${partitionText({ topic, partition })}`;
    const key = `${name} ${process}`;
    const earlier = this.#open.get(key);
    if (earlier !== undefined) earlier.toMs = invokedMs;
    const ownership: Ownership = { group, topic, partition, process, fromMs: invokedMs, toMs: invokedMs, end: 'none' };
    this.#open.set(key, ownership);
    const owned = this.#owned.get(name);
    if (owned === undefined) this.#owned.set(name, [ownership]);
    else owned.push(ownership);
  }

  #end({ kind, group, process, invokedMs, completedMs }: OwnershipOperation, place: TopicPartition): void {
    const key = `${group} ${partitionText(place)} ${process}`;
    const ownership = this.#open.get(key);
    if (ownership === undefined || kind === 'assigned') return;
    this.#open.delete(key);
    ownership.toMs = completedMs ?? invokedMs;
    ownership.end = kind;
  }

  #wasExpelled({ group, process, fromMs, toMs, end }: Ownership, newerMs: number): boolean {
    if (end === 'lost') return true;
    if (newerMs - fromMs < EXPELLED_AFTER_MS) return false;
    const { ticks, fencedMs } = this.#processes.get(process)!;
    if (fencedMs.get(group)?.some((ms) => ms >= newerMs && ms <= toMs)) return true;
    const last = Math.floor(newerMs / TICK_MS);
    for (let tick = last - EXPELLED_AFTER_MS / TICK_MS; tick <= last; tick++) if (ticks.has(tick)) return false;
    return true;
  }
}

function twoOwners(older: Ownership, newer: Ownership): string {
  const { group } = older;
  const end = older.end === 'none' ? 'was last seen' : 'gave it back';
  return `${partitionText(older)} of group ${group}: ${newer.process} got it at ${newer.fromMs.toFixed(0)} ms, ${older.process} had it since ${older.fromMs.toFixed(0)} ms and ${end} at ${older.toMs.toFixed(0)} ms`;
}

/**
 * `two-owners`, as transactions show: one was accepted that was begun when one of a higher epoch had been accepted already, or two
 * processes used one epoch. Between two marks `store-reset` only, as epochs may begin again there.
 *
 * Tolerated: transactions of an older owner that were refused (that is what the fence is for); those that ran at the same time.
 */
export function checkEpochs(transactions: Transactions, resetsMs: readonly number[], findings: FindingList): void {
  const { group, epoch, invokedMs, completedMs, size } = transactions;
  const accepted = Uint32Array.from({ length: size }, (_, index) => index).filter((index) => transactions.isOk(index));
  const byCall = accepted.toSorted((a, b) => invokedMs.values[a]! - invokedMs.values[b]!);
  const byEnd = accepted.toSorted((a, b) => completedMs.values[a]! - completedMs.values[b]!);
  const eraOf = (index: number): number => before(resetsMs, invokedMs.values[index]!);
  const users = new Map<string, number>();
  let newest = -1;
  let ended = 0;
  for (const index of byCall) {
    for (; ended < byEnd.length && completedMs.values[byEnd[ended]!]! <= invokedMs.values[index]!; ended++) {
      const other = byEnd[ended]!;
      if (newest < 0 || eraOf(other) > eraOf(newest) || epoch.values[other]! >= epoch.values[newest]!) newest = other;
    }
    const tell = (what: string, other: number): void =>
      findings.add(
        'two-owners',
        () =>
          `${partitionText(transactions)} of group ${group}: ${transactions.nameOf(index)} was accepted ${what} ${transactions.nameOf(other)}`,
      );
    const user = `${eraOf(index)} ${epoch.values[index]}`;
    const first = users.get(user) ?? index;
    users.set(user, first);
    if (newest >= 0 && eraOf(newest) === eraOf(index) && epoch.values[newest]! > epoch.values[index]!)
      tell('after', newest);
    else if (transactions.processOf(first) !== transactions.processOf(index)) tell('with the epoch of', first);
  }
}
