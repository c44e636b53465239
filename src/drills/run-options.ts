import type { DrillOptions } from './drill-options.ts';
import type { LiveUpdate } from './live-timeline.ts';

export interface RunOptions extends DrillOptions {
  /** Gets a folder per run, with `report.json` and `plot.svg`, and on failure the servers' logs and the histories. */
  readonly reportDirectory: string;
  /** Where downloads are kept. */
  readonly cacheDirectory: string;
  /** Aborts every wait. */
  readonly signal: AbortSignal;
  readonly onProgress: (text: string) => void;
  /** What was measured so far, a few times a second; without it nobody looks before the end. */
  readonly onLive?: (update: LiveUpdate) => void;
}
