/** Which dead letters are meant, and in what order they are shown. */
import type { DeadLetterEntry } from './dead-letter.ts';

/** A dead letter as it is listed. */
export interface ListedDeadLetter extends DeadLetterEntry {
  /** See `fingerprint.ts`. */
  readonly fingerprint: string;
}

export interface DeadLetterFilter {
  /** The source topic. */
  readonly topic?: string;
  readonly code?: string;
  readonly group?: string;
  readonly fingerprint?: string;
  /** Somewhere in its reason, key or id, in any case. */
  readonly text?: string;
  /** When it was set aside, milliseconds since the epoch. */
  readonly since?: number;
  /** Before this. */
  readonly until?: number;
}

export type ReplayedChoice = 'no' | 'only' | 'all';

export function isEmptyFilter(filter: DeadLetterFilter): boolean {
  const { topic, code, group, fingerprint, text, since, until } = filter;
  return [topic, code, group, fingerprint, text, since, until].every((part) => part === undefined);
}

export function matcher(filter: DeadLetterFilter, replayed: ReplayedChoice): (entry: ListedDeadLetter) => boolean {
  const { topic, code, group, fingerprint, since = 0, until = Number.POSITIVE_INFINITY } = filter;
  const text = filter.text?.toLowerCase();
  return (entry) =>
    (replayed === 'all' || entry.replayed === (replayed === 'only')) &&
    (topic === undefined || entry.topic === topic) &&
    (code === undefined || entry.code === code) &&
    (group === undefined || entry.group === group) &&
    (fingerprint === undefined || entry.fingerprint === fingerprint) &&
    entry.capturedAt >= since &&
    entry.capturedAt < until &&
    (text === undefined || [entry.reason, entry.key, entry.id].some((part) => part?.toLowerCase().includes(text)));
}

/** What an entry's place in the list depends on. */
export type ListPlace = Pick<DeadLetterEntry, 'capturedAt' | 'at'>;

/** A total order, the same in every process. */
export function newestFirst(a: ListPlace, b: ListPlace): number {
  return (
    b.capturedAt - a.capturedAt ||
    compareText(a.at.topic, b.at.topic) ||
    a.at.partition - b.at.partition ||
    b.at.offset - a.at.offset
  );
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
