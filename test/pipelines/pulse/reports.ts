/** Reports of a cluster to compare. */
import type { BrokerHealth, ClusterReport, PartitionHealth } from '../../../src/kit/monitoring/cluster-report.ts';
import type { GroupFlow, ProducerFlow, PulsePoint } from '../../../src/pipelines/pulse/pulse-report.ts';

export function broker(id: number, changes: Partial<BrokerHealth> = {}): BrokerHealth {
  return {
    id,
    host: 'localhost',
    port: 9_000 + id,
    role: 'controller_follower',
    state: 'RUNNING',
    reason: 'it answers',
    answers: true,
    leaders: 1,
    replicas: 3,
    out_of_sync: 0,
    replica_lag: 0,
    metadata_lag: 0,
    metadata_fetch_age_ms: 0,
    metadata_caught_up_age_ms: 0,
    log_bytes: 1,
    usable_bytes: 100 * 1024 ** 3,
    messages_in_per_second: 0,
    bytes_in_per_second: 0,
    request_latency_p99_ms: { produce: null, fetch: null },
    telemetry: 'protocol',
    ...changes,
  };
}

export function partition(number: number, leader: number): PartitionHealth {
  return {
    partition: number,
    leader,
    replicas: [1, 2, 3],
    isr: [1, 2, 3],
    end_offset: 0,
    start_offset: 0,
    preferred: true,
    offline: false,
    under_min_isr: false,
  };
}

export function cluster(changes: Partial<ClusterReport> = {}, leaders: readonly number[] = [1, 2, 3]): ClusterReport {
  return {
    mode: 'kafka',
    status: 'healthy',
    observed_at: '2026-05-27T14:00:00.000Z',
    broker_count: 3,
    brokers: [broker(1), broker(2), broker(3)],
    controller_id: 1,
    controller_epoch: 1,
    controller_elections: 0,
    under_replicated_partitions: 0,
    offline_partitions: 0,
    under_min_isr_partitions: 0,
    non_preferred_leaders: 0,
    leader_skew: 0,
    messages_in_per_second: 0,
    bytes_in_per_second: 0,
    request_latency_p99_ms: { produce: null, fetch: null },
    topics: [
      {
        name: 'content-interactions',
        internal: false,
        min_insync_replicas: 2,
        partitions: leaders.map((leader, number) => partition(number, leader)),
      },
    ],
    groups: [],
    incomplete: [],
    ...changes,
  };
}

export function group(changes: Partial<GroupFlow> = {}): GroupFlow {
  return {
    group: 'g',
    handler: 'notifications',
    topics: ['content-interactions'],
    state: 'Stable',
    members: 1,
    generation: 1,
    halted: null,
    per_second: 0,
    errors_per_second: 0,
    lag: 0,
    lag_seconds: 0,
    worst: null,
    parked: 0,
    applied: 0,
    retries: 0,
    dead: 0,
    process_p50_ms: null,
    process_p99_ms: null,
    end_to_end: null,
    ...changes,
  };
}

export const PRODUCER: ProducerFlow = {
  per_second: 0,
  errors_per_second: 0,
  sent: 0,
  failed: 0,
  queue_size: 0,
  p50_ms: null,
  p99_ms: null,
};

export function point(changes: Partial<PulsePoint> = {}): PulsePoint {
  return {
    at: '2026-05-27T14:00:00.000Z',
    producer: PRODUCER,
    groups: [],
    end_to_end: null,
    dead_letters: { depth: 0 },
    ...changes,
  };
}
