/** What a look at a cluster says, as it is served. Null: it does not exist here, or could not be learned this time. */

/** In the metadata quorum. A node with both roles (combined mode) is named by its controller's. */
export type BrokerRole = 'controller_leader' | 'controller_follower' | 'observer';

/** How each is derived: `broker-state.ts`. */
export type BrokerState = 'STARTING' | 'RUNNING' | 'RECOVERING' | 'FAILED' | 'LEADER_ELECTION' | 'SHUTDOWN';

export interface LatencyReport {
  readonly produce: number | null;
  readonly fetch: number | null;
}

export interface BrokerHealth {
  readonly id: number;
  /** Null where it was never seen: only its id is known, from replicas or voters. */
  readonly host: string | null;
  readonly port: number | null;
  readonly role: BrokerRole | null;
  readonly state: BrokerState;
  /** Why it is in this state, for people. */
  readonly reason: string;
  readonly answers: boolean;
  /** Partitions that it leads; that it has a replica of; that it should follow and is not in sync with. */
  readonly leaders: number;
  readonly replicas: number;
  readonly out_of_sync: number;
  /** Records that its replicas are behind their leaders. */
  readonly replica_lag: number | null;
  /** Records that it is behind the metadata quorum. */
  readonly metadata_lag: number | null;
  /** Since it last asked the quorum's leader for metadata, and since it last had all of it, by that leader's clock. */
  readonly metadata_fetch_age_ms: number | null;
  readonly metadata_caught_up_age_ms: number | null;
  readonly log_bytes: number | null;
  /** Free on its data volume. */
  readonly usable_bytes: number | null;
  /** As leader, between this look and the one before. */
  readonly messages_in_per_second: number | null;
  readonly bytes_in_per_second: number | null;
  /** Total time of requests, the broker's own figures (JMX). */
  readonly request_latency_p99_ms: LatencyReport;
  /** Where the rates come from: the broker's counters, or the growth of its logs. */
  readonly telemetry: 'jmx' | 'protocol';
}

export interface PartitionHealth {
  readonly partition: number;
  /** Node id, or -1 where there is none. */
  readonly leader: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
  /** The offset that the next record gets; -1 where no leader told it. */
  readonly end_offset: number;
  /** The first offset that is kept; -1 where no leader told it. */
  readonly start_offset: number;
  /** The leader is the first replica. */
  readonly preferred: boolean;
  /** No leader, or one that does not answer. */
  readonly offline: boolean;
  readonly under_min_isr: boolean;
}

export interface TopicHealth {
  readonly name: string;
  /** Of the log itself, as `__consumer_offsets`. */
  readonly internal: boolean;
  /** Acknowledged are writes that as many replicas have. */
  readonly min_insync_replicas: number | null;
  readonly partitions: readonly PartitionHealth[];
}

export interface GroupPartitionLag {
  readonly topic: string;
  readonly partition: number;
  readonly committed_offset: number;
  /** Records from the committed offset to the end; null where the end is unknown. */
  readonly lag: number | null;
  /** Age of the record at the committed offset; 0 at the end; null where it was not looked up (`group-lag.ts`). */
  readonly lag_seconds: number | null;
}

export interface GroupHealth {
  readonly group: string;
  /** As Kafka names it: Stable, Empty, PreparingRebalance and so on. */
  readonly state: string | null;
  readonly members: number | null;
  /** All partitions together. */
  readonly lag: number;
  /** The longest of those known; null where none is. */
  readonly lag_seconds: number | null;
  readonly partitions: readonly GroupPartitionLag[];
}

export interface ClusterReport {
  readonly mode: 'embedded' | 'kafka';
  /**
   * `down`: no broker answers, or a partition is offline. `degraded`: a known broker is not RUNNING, a partition is under-replicated
   * or under its min ISR, or the quorum has no leader. `healthy`: none of these.
   */
  readonly status: 'healthy' | 'degraded' | 'down';
  readonly observed_at: string;
  /** Brokers that answer. */
  readonly broker_count: number;
  /** Every known one, gone ones too. */
  readonly brokers: readonly BrokerHealth[];
  /** The metadata quorum's leader, or -1 where there is none. */
  readonly controller_id: number;
  readonly controller_epoch: number | null;
  /** Epochs that have passed since the first look: elections of a controller, lost ones included. */
  readonly controller_elections: number | null;
  readonly under_replicated_partitions: number;
  readonly offline_partitions: number;
  readonly under_min_isr_partitions: number;
  readonly non_preferred_leaders: number;
  /** By how much the busiest broker leads more partitions than the mean, as a fraction of it: 0 is even. */
  readonly leader_skew: number | null;
  readonly messages_in_per_second: number | null;
  readonly bytes_in_per_second: number | null;
  /** The slowest broker's. */
  readonly request_latency_p99_ms: LatencyReport;
  readonly topics: readonly TopicHealth[];
  readonly groups: readonly GroupHealth[];
  /** What could not be learned within the time of one look, and why. */
  readonly incomplete: readonly string[];
  /** Only where `status` is `down`. */
  readonly error?: string;
}

/** Who looks. */
export interface HealthSource {
  /** At most a second old; never rejects because a cluster is in a bad way: the report says so. */
  report(): Promise<ClusterReport>;
  /** Something was done to the cluster: the next report begins after now. */
  lookAgain(): void;
  close(): void;
}
