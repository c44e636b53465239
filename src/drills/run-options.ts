import type { DrillOptions } from './drill-options.ts';

export interface RunOptions extends DrillOptions {
  /** Gets a folder per run, with `report.json` and `plot.svg`, and on failure the servers' logs and the histories. */
  readonly reportDirectory: string;
  /** Where downloads are kept. */
  readonly cacheDirectory: string;
  /** Aborts every wait. */
  readonly signal: AbortSignal;
  readonly onProgress: (text: string) => void;
}
