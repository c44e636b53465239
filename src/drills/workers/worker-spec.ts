/** What the parent and a worker process of a drill say to each other. */
import type { Sabotage } from '../sabotage.ts';

export interface LoadSpec {
  readonly role: 'load';
  readonly name: string;
  readonly historyFile: string;
  readonly bootstrap: readonly string[];
  readonly seed: number;
  readonly ratePerSecond: number;
  /** Of the content interactions. */
  readonly poisonShare: number;
  /** Of the events that are published once more with the same id, as an impatient client does. */
  readonly repeatShare: number;
  /** How long after the first time. Default 0. */
  readonly repeatAfterMs?: number;
  /** Unacknowledged at a time. */
  readonly maxOutstanding: number;
  /** Offers no more than these; otherwise it goes on until it is told to finish. */
  readonly maxEvents?: number;
  /** Whether the history also has what was begun: where the process is going to be killed. */
  readonly recordsBeginnings: boolean;
}

export interface ConsumerSpec {
  readonly role: 'consumer';
  readonly name: string;
  readonly historyFile: string;
  readonly bootstrap: readonly string[];
  readonly redis: { readonly host: string; readonly port: number };
  readonly groupId: string;
  /** Default: the product's. */
  readonly sessionTimeoutMs?: number;
  /** Of the events, how many fail at first and are parked; decided by the event's id, so that every owner agrees. */
  readonly flakyShare: number;
  /** How long such an event waits for each further attempt; otherwise as the platform's policy has it. */
  readonly flakyDelayMs?: number;
  readonly sabotage: Sabotage | null;
}

/** Embedded log, projections, load and consumers in one process, as `npm start` has them. */
export interface PlatformSpec
  extends Omit<LoadSpec, 'role' | 'bootstrap'>,
    Pick<ConsumerSpec, 'groupId' | 'sessionTimeoutMs' | 'flakyShare' | 'flakyDelayMs' | 'sabotage'> {
  readonly role: 'platform';
  /** Of the platform: the log in `log`, the projections in `projections`. */
  readonly directory: string;
  /** The history of the projections; that of the publishes is `historyFile`. */
  readonly appliesFile: string;
}

export type WorkerSpec = LoadSpec | ConsumerSpec | PlatformSpec;

export type Command =
  | { readonly do: 'start' }
  | { readonly do: 'rate'; readonly ratePerSecond: number }
  /** Load: offers nothing more, waits for what is out. Consumer: leaves its groups. Answered by `finished`. */
  | { readonly do: 'finish' }
  /** The wall clock of this process jumps. */
  | { readonly do: 'jump-clock'; readonly byMs: number };

export interface LoadProgress {
  readonly offered: number;
  readonly acked: number;
  readonly failed: number;
  readonly unknown: number;
  readonly outstanding: number;
}

export interface ConsumerProgress {
  readonly applied: number;
  readonly lag: number;
  readonly parked: number;
  readonly partitions: number;
}

export interface PlatformProgress extends LoadProgress, ConsumerProgress {}

export type Report =
  | { readonly is: 'ready' }
  | { readonly is: 'progress'; readonly progress: LoadProgress | ConsumerProgress }
  | { readonly is: 'finished'; readonly progress: LoadProgress | ConsumerProgress }
  | { readonly is: 'failed'; readonly error: string };
