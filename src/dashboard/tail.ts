/** A tail of a topic over the live connection: what is asked for, and what comes. */
import type { RecordJson } from '../api/record-json.ts';

export interface TailOptions {
  readonly topic: string;
  readonly partition?: number;
  readonly key?: string;
  readonly text?: string;
  /** Records a frame, 100 at most. */
  readonly max?: number;
}

export interface TailFrame {
  /** Newest last. */
  readonly records: readonly RecordJson[];
  /** Records since the frame before. */
  readonly seen: number;
  /** Of those, the ones that fit the filter. */
  readonly matched: number;
  /** Of those, the ones that are not in `records`. */
  readonly skipped: number;
}

export interface TailListener {
  onFrame(frame: TailFrame): void;
  /** The subscription is over, and why. */
  onEnd(code: string, message: string): void;
}
