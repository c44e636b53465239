import type { GroupDescription } from '../log/log-admin.ts';
import type { GroupHealth } from './cluster-report.ts';

/** Of one look, over all coordinators. */
export const MAX_GROUPS = 200;
/** By protocol type. Members that assign partitions themselves are a group without a type. */
export const CONSUMERS: ReadonlySet<string> = new Set(['consumer', '']);

/** What one look at a log says of its consumer groups. */
export interface GroupLook {
  /** Milliseconds since the epoch, as the wall clock has them: what ages of records are told from. */
  readonly atMs: number;
  /** The same moment by a clock that is never set: what durations and rates are told from. */
  readonly steadyMs: number;
  readonly groups: readonly {
    readonly health: GroupHealth;
    /** Null where its coordinator did not tell. */
    readonly description: GroupDescription | null;
  }[];
  /** By `keyOf` partition, of those that are known. */
  readonly starts: ReadonlyMap<string, number>;
  readonly ends: ReadonlyMap<string, number>;
  /** What could not be learned. */
  readonly incomplete: readonly string[];
}

/** Told of every look, when it is over. */
export type OnGroups = (look: GroupLook) => void;
