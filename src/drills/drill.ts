/** What a drill is: a known state, a load, a fault, and a verdict that can be "no". */
import type { CheckTarget } from './checker/check-target.ts';
import type { DrillOptions } from './drill-options.ts';
import type { Stage } from './stage.ts';

export interface Criterion {
  readonly name: string;
  /** As printed, e.g. `at most 5 s`. */
  readonly limit: string;
  /** As printed, with its unit. */
  readonly measured: string;
  /** The number behind `measured`, for the worst of several runs; null where it is no number. */
  readonly value: number | null;
  readonly pass: boolean;
}

/** What a drill may need and a machine may lack. */
export type Requirement = 'kafka' | 'redis' | 'c-compiler' | 'root' | 'network-namespaces' | 'linux';

export interface Drill {
  readonly name: string;
  /** One line for `drill list`: what it proves. */
  readonly proves: string;
  /** Promises of docs/DESIGN.md section 7. */
  readonly promises: readonly string[];
  readonly requires: readonly Requirement[];
  /** It plays in a process with a network of its own, empty but for what it makes there. */
  readonly ownNetwork?: true;
  readonly defaults: Partial<Pick<DrillOptions, 'ratePerSecond' | 'scale'>>;
  run(stage: Stage): Promise<DrillOutcome>;
}

export interface DrillOutcome {
  /** The drill's own; the stage adds those that hold for every drill (nothing lost, duplicated, reordered; memory). */
  readonly criteria: readonly Criterion[];
  readonly notes?: readonly string[];
  /** What to check, where it is not the cluster of `Stage.kafka`. */
  readonly check?: CheckTarget;
}
