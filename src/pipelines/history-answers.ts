/** What is said of the history of a document. */
import type { Document } from '../kit/projections/projection-store.ts';
import type { DocumentChange } from './document-history.ts';

/** What an answer rests on. */
export interface HistoryOrigin {
  /** Records read for this answer. */
  readonly folded: number;
  /** Records that the log had before that time, and no snapshot holds any more. */
  readonly missing: number;
  /** RFC 3339; null where it began with the log. */
  readonly fromSnapshot: string | null;
  /** Records that the history was made of so far. */
  readonly searched: number;
}

export interface HistoryProgress {
  /** Records of this fold, of so many. */
  readonly folded: number;
  readonly total: number;
}

export interface HistoricDocument extends HistoryOrigin {
  readonly document: Document | null;
  /** When it changed last before that time, and next, ms since the epoch; null where no such change is remembered. */
  readonly previous: number | null;
  readonly next: number | null;
  /** Neither log nor snapshots go back so far: there may have been one. */
  readonly forgotten: boolean;
}

export interface HistoricChanges extends HistoryOrigin {
  /** Newest first. */
  readonly changes: readonly DocumentChange[];
  /** All before that time, on this page or not. */
  readonly total: number;
}
