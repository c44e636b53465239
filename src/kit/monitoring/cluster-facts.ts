/** One look at a cluster, before anything is concluded from it. */
import type { TopicPartition } from '../log/event-log.ts';
import type { GroupDescription } from '../log/log-admin.ts';
import type { BrokerReading } from './broker-telemetry.ts';

export interface QuorumReplica {
  readonly id: number;
  readonly logEndOffset: number;
  /** Milliseconds since the epoch by the leader's clock; -1 before its first. */
  readonly lastFetchAt: number;
  readonly lastCaughtUpAt: number;
}

export interface QuorumFacts {
  /** -1 while there is none. */
  readonly leaderId: number;
  readonly leaderEpoch: number;
  readonly highWatermark: number;
  readonly voters: readonly QuorumReplica[];
  readonly observers: readonly QuorumReplica[];
}

export interface TopicFacts {
  readonly name: string;
  readonly internal: boolean;
  readonly minInSync: number | null;
  readonly partitions: readonly {
    readonly partition: number;
    readonly leader: number;
    readonly replicas: readonly number[];
    readonly isr: readonly number[];
  }[];
}

/** A broker's own logs. */
export interface LogFacts {
  readonly usableBytes: number | null;
  /** By `keyOf` partition. */
  readonly partitions: ReadonlyMap<string, { readonly bytes: number; readonly lag: number }>;
}

export interface GroupFacts {
  readonly group: string;
  readonly state: string | null;
  readonly members: number | null;
  readonly committed: readonly (TopicPartition & { readonly offset: number })[];
  /** Null where its coordinator did not tell. */
  readonly description: GroupDescription | null;
}

export interface ClusterFacts {
  /** By the clock of the looks, in milliseconds: to be compared with other looks only. */
  readonly at: number;
  /** Live by the cluster's metadata: registered and not fenced. */
  readonly registered: readonly { readonly id: number; readonly host: string; readonly port: number }[];
  readonly answering: ReadonlySet<number>;
  /** Null where nobody who could tell answered in time. */
  readonly quorum: QuorumFacts | null;
  /** Null where nobody told them in time. */
  readonly topics: readonly TopicFacts[] | null;
  /** By `keyOf` partition. */
  readonly ends: ReadonlyMap<string, number>;
  readonly starts: ReadonlyMap<string, number>;
  /** By broker. */
  readonly logs: ReadonlyMap<number, LogFacts>;
  readonly groups: readonly GroupFacts[];
  readonly readings: ReadonlyMap<number, BrokerReading>;
  readonly incomplete: readonly string[];
}

export function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}:${partition}`;
}
