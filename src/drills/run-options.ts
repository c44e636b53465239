import type { DrillOptions } from './drill-options.ts';
import type { DrillReport } from './report/report.ts';

export interface RunOptions extends DrillOptions {
  /** Gets a folder per run, with `report.json` and `plot.svg`, and on failure the servers' logs and the histories. */
  readonly reportDirectory: string;
  readonly cacheDirectory: string;
  readonly signal: AbortSignal;
  readonly onProgress: (text: string) => void;
}

export interface FinishedDrill {
  readonly report: DrillReport;
  /** Where it was written. */
  readonly directory: string;
}
