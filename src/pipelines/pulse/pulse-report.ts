/** How the platform is at a moment, as it is served. Null: not known. Latencies are those of the last ten seconds. */
import type { BrokerHealth, ClusterReport } from '../../kit/monitoring/cluster-report.ts';
import type { RecentLatency } from '../../kit/monitoring/recent-histogram.ts';
import type { DemoReport } from '../demo.ts';
import type { ProjectionName } from '../projection.ts';
import type { RuntimeState } from '../runtime-controller.ts';

export interface ProducerFlow {
  /** Acknowledged by the log. */
  readonly per_second: number;
  readonly errors_per_second: number;
  readonly sent: number;
  readonly failed: number;
  readonly queue_size: number;
  readonly p50_ms: number | null;
  readonly p99_ms: number | null;
}

export interface TopicFlow {
  readonly name: string;
  readonly partitions: number;
  /** The ends of its partitions, summed up. */
  readonly end: number | null;
  readonly per_second: number | null;
}

export interface WorstPartition {
  readonly topic: string;
  readonly partition: number;
  readonly lag: number;
  readonly lag_seconds: number | null;
}

export interface GroupFlow {
  readonly group: string;
  /** What it feeds, where that runs in this process; all counts are of this process. */
  readonly handler: ProjectionName | null;
  readonly topics: readonly string[];
  readonly state: string | null;
  readonly members: number | null;
  readonly generation: number | null;
  /** Why it can apply nothing now; null: nothing is in its way, or that is not known. */
  readonly halted: 'stopped' | 'store_unavailable' | null;
  readonly per_second: number | null;
  readonly errors_per_second: number | null;
  /** From its positions (in this process) or committed offsets to the ends of the log. */
  readonly lag: number;
  /** Age of the oldest record that waits; 0 where none does. Null beside a lag of 0: of a partition no position is known. */
  readonly lag_seconds: number | null;
  readonly worst: WorstPartition | null;
  readonly parked: number | null;
  readonly applied: number | null;
  readonly retries: number | null;
  readonly dead: number | null;
  readonly process_p50_ms: number | null;
  readonly process_p99_ms: number | null;
  readonly end_to_end: RecentLatency | null;
}

export type Severity = 'critical' | 'warning' | 'info';

export interface Trouble {
  readonly severity: Severity;
  readonly text: string;
  /** The page's own address of it. */
  readonly link: string | null;
}

/** A moment as the history keeps it. */
export interface PulsePoint {
  /** RFC 3339. */
  readonly at: string;
  readonly producer: Pick<ProducerFlow, 'per_second' | 'errors_per_second' | 'p50_ms' | 'p99_ms'>;
  readonly groups: readonly Pick<GroupFlow, 'group' | 'per_second' | 'errors_per_second' | 'lag' | 'lag_seconds'>[];
  /** Of all effects in this process. */
  readonly end_to_end: RecentLatency | null;
  readonly dead_letters: { readonly depth: number | null };
}

export interface PulseSample extends PulsePoint {
  readonly runtime: { readonly state: RuntimeState; readonly cause: string | null };
  /** All but the mode is null until the first look at the log. */
  readonly log: {
    readonly mode: ClusterReport['mode'];
    readonly status: ClusterReport['status'] | null;
    readonly brokers: readonly Pick<BrokerHealth, 'id' | 'role' | 'state' | 'reason' | 'leaders' | 'out_of_sync'>[];
    readonly under_replicated_partitions: number | null;
    readonly offline_partitions: number | null;
    readonly under_min_isr_partitions: number | null;
    readonly controller_id: number | null;
  };
  readonly producer: ProducerFlow;
  readonly topics: readonly TopicFlow[];
  readonly groups: readonly GroupFlow[];
  readonly demo: DemoReport | null;
  /** The worst first. */
  readonly troubles: readonly Trouble[];
}

export type MarkKind = 'broker' | 'leader' | 'isr' | 'controller' | 'group' | 'demo' | 'rebuild' | 'drill';

/** Something that happened, for time axes. */
export interface Mark {
  /** RFC 3339. */
  readonly at: string;
  readonly kind: MarkKind;
  readonly text: string;
  readonly link: string | null;
}

export type NewMark = Omit<Mark, 'at'> & { readonly at?: string };
