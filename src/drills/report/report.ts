/** What remains of a drill: `report.json`. */
import { availableParallelism, totalmem } from 'node:os';
import type { CheckReport, Finding } from '../checker/findings.ts';
import type { Criterion, Drill } from '../drill.ts';
import type { DrillOptions } from '../drill-options.ts';
import type { Bucket } from '../measurements.ts';

export interface DrillReport extends DrillOptions {
  readonly drill: string;
  readonly proves: string;
  readonly promises: readonly string[];
  readonly startedAt: string;
  readonly durationS: number;
  readonly passed: boolean;
  readonly criteria: readonly Criterion[];
  readonly findings: readonly Finding[];
  readonly checked: CheckReport['checked'] | null;
  readonly notes: readonly string[];
  /** Why the drill could not be brought to its end; it has failed then. */
  readonly error: string | null;
  readonly marks: readonly { readonly atMs: number; readonly label: string }[];
  readonly bucketMs: number;
  readonly timeline: readonly Bucket[];
  readonly memory: readonly { readonly process: string; readonly highestBytes: number }[];
  readonly machine: { readonly cores: number; readonly memoryBytes: number; readonly node: string };
}

export interface FinishedDrill {
  readonly report: DrillReport;
  /** Where it was written. */
  readonly directory: string;
}

export function machine(): DrillReport['machine'] {
  return { cores: availableParallelism(), memoryBytes: totalmem(), node: process.version };
}

export type DrillHead = Pick<DrillReport, 'drill' | 'proves' | 'promises'>;

export function headOf({ name, proves, promises }: Drill): DrillHead {
  return { drill: name, proves, promises };
}
