/**
 * The log's health as metrics: kafka_* by the names and labels of kafka_exporter (github.com/danielqsj/kafka_exporter), so that its
 * dashboards work, and streamsocial_* for what it has not.
 */
import type { PartitionProgress } from '../kit/consumers/consumer-metrics.ts';
import type {
  BrokerHealth,
  GroupHealth,
  GroupPartitionLag,
  PartitionHealth,
} from '../kit/monitoring/cluster-report.ts';
import { counter, gauge, type Metric, one, type Readings, type Sample } from './metric.ts';

const STATES: readonly BrokerHealth['state'][] = [
  'STARTING',
  'RUNNING',
  'RECOVERING',
  'FAILED',
  'LEADER_ELECTION',
  'SHUTDOWN',
];

type Value = number | null;

function known(value: Value, labels: Sample['labels'] = {}): Sample[] {
  return value === null ? [] : one(value, labels);
}

function ofCluster(name: string, help: string, value: (health: Health) => Value, make = gauge): Metric {
  return make(name, help, ({ health }) => (health === null ? [] : known(value(health))));
}

type Health = NonNullable<Readings['health']>;

function perPartition(name: string, help: string, value: (partition: PartitionHealth) => Value): Metric {
  return gauge(name, help, ({ health }) =>
    (health?.topics ?? []).flatMap(({ name: topic, partitions }) =>
      partitions.flatMap((partition) => known(value(partition), { topic, partition: partition.partition })),
    ),
  );
}

function perBroker(name: string, help: string, read: (broker: BrokerHealth) => readonly Sample[]): Metric {
  return gauge(name, help, ({ health }) =>
    (health?.brokers ?? []).flatMap((broker) =>
      read(broker).map(({ value, labels }) => ({ value, labels: { broker: broker.id, ...labels } })),
    ),
  );
}

/** A handler of this process knows where it is; of other groups, and partitions of others, the committed offset is what is known. */
function groupsOf({ health, handlers }: Readings): readonly GroupHealth[] {
  const known = health?.groups ?? [];
  const own = handlers
    .map(({ group, metrics }) => withOwn(group, metrics.partitions, known))
    .filter(({ partitions }) => partitions.length > 0);
  return [...own, ...known.filter(({ group }) => own.every((mine) => mine.group !== group))];
}

function withOwn(group: string, progress: readonly PartitionProgress[], known: readonly GroupHealth[]): GroupHealth {
  const found = known.find((one) => one.group === group);
  const own = progress.map(
    ({ topic, partition, position, lag }): GroupPartitionLag => ({
      topic,
      partition,
      committed_offset: position,
      lag,
      lag_seconds: null,
    }),
  );
  const others = (found?.partitions ?? []).filter(
    (one) => !own.some(({ topic, partition }) => topic === one.topic && partition === one.partition),
  );
  const partitions = [...own, ...others];
  return {
    group,
    state: found?.state ?? null,
    members: found?.members ?? null,
    lag: partitions.reduce((sum, { lag }) => sum + (lag ?? 0), 0),
    lag_seconds: found?.lag_seconds ?? null,
    partitions,
  };
}

function perGroupPartition(name: string, help: string, value: (read: GroupPartitionLag) => Value): Metric {
  return gauge(name, help, (readings) =>
    groupsOf(readings).flatMap(({ group: consumergroup, partitions }) =>
      partitions.flatMap((read) => known(value(read), { consumergroup, topic: read.topic, partition: read.partition })),
    ),
  );
}

function perGroupTopic(name: string, help: string, value: (read: GroupPartitionLag) => number): Metric {
  return gauge(name, help, (readings) =>
    groupsOf(readings).flatMap(({ group: consumergroup, partitions }) =>
      [...Map.groupBy(partitions, ({ topic }) => topic)].map(([topic, read]) => ({
        value: read.reduce((sum, partition) => sum + value(partition), 0),
        labels: { consumergroup, topic },
      })),
    ),
  );
}

function perGroup(name: string, help: string, value: (group: GroupHealth) => Value): Metric {
  return gauge(name, help, (readings) =>
    groupsOf(readings).flatMap((group) => known(value(group), { consumergroup: group.group })),
  );
}

const offset = (value: number): Value => (value < 0 ? null : value);

export const CLUSTER_METRICS: readonly Metric[] = [
  ofCluster('kafka_brokers', 'Brokers that answer.', (health) => health.broker_count),
  gauge('kafka_broker_info', '1 for each broker whose address is known.', ({ health }) =>
    (health?.brokers ?? []).flatMap(({ id, host, port }) =>
      host === null || port === null || port < 0 ? [] : one(1, { id, address: `${host}:${port}` }),
    ),
  ),
  gauge('kafka_topic_partitions', 'Partitions of a topic.', ({ health }) =>
    (health?.topics ?? []).map(({ name, partitions }) => ({ value: partitions.length, labels: { topic: name } })),
  ),
  perPartition('kafka_topic_partition_current_offset', 'The offset that the next record gets.', (p) =>
    offset(p.end_offset),
  ),
  perPartition('kafka_topic_partition_oldest_offset', 'The first offset that is kept.', (p) => offset(p.start_offset)),
  perPartition('kafka_topic_partition_leader', 'Node id of the leader; -1: none.', (p) => p.leader),
  perPartition('kafka_topic_partition_leader_is_preferred', '1 where the first replica leads.', (p) =>
    p.preferred ? 1 : 0,
  ),
  perPartition('kafka_topic_partition_replicas', 'Replicas.', (p) => p.replicas.length),
  perPartition('kafka_topic_partition_in_sync_replica', 'Replicas in sync.', (p) => p.isr.length),
  perPartition('kafka_topic_partition_under_replicated_partition', '1 where a replica is not in sync.', (p) =>
    p.isr.length < p.replicas.length ? 1 : 0,
  ),
  perGroupPartition('kafka_consumergroup_current_offset', 'The next offset to process.', (p) => p.committed_offset),
  perGroupPartition('kafka_consumergroup_lag', 'Records not yet processed.', (p) => p.lag),
  perGroupTopic('kafka_consumergroup_current_offset_sum', 'Next offsets, summed.', (p) => p.committed_offset),
  perGroupTopic('kafka_consumergroup_lag_sum', 'Records of a topic not yet processed.', (p) => p.lag ?? 0),
  perGroup('kafka_consumergroup_members', 'Members of a group.', (group) => group.members),

  perGroup(
    'streamsocial_consumergroup_lag_seconds',
    'Age of the oldest record that is not committed.',
    (group) => group.lag_seconds,
  ),
  perBroker('streamsocial_broker_state', '1 for the state that holds.', ({ state }) =>
    STATES.flatMap((name) => one(name === state ? 1 : 0, { state: name })),
  ),
  perBroker('streamsocial_broker_leaders', 'Partitions that a broker leads.', ({ leaders }) => one(leaders)),
  perBroker('streamsocial_broker_log_bytes', 'Size of its logs.', (broker) => known(broker.log_bytes)),
  perBroker('streamsocial_broker_usable_bytes', 'Free on its data volume.', (broker) => known(broker.usable_bytes)),
  perBroker('streamsocial_broker_messages_in_per_second', 'As leader, since the look before.', (broker) =>
    known(broker.messages_in_per_second),
  ),
  perBroker('streamsocial_broker_bytes_in_per_second', 'As leader, since the look before.', (broker) =>
    known(broker.bytes_in_per_second),
  ),
  perBroker(
    'streamsocial_broker_request_latency_p99_seconds',
    'Total time of requests, as the broker has it.',
    ({ request_latency_p99_ms: { produce, fetch } }) => [
      ...known(produce === null ? null : produce / 1000, { request: 'Produce' }),
      ...known(fetch === null ? null : fetch / 1000, { request: 'Fetch' }),
    ],
  ),
  ofCluster('streamsocial_controller_epoch', 'Epoch of the metadata quorum.', (health) => health.controller_epoch),
  ofCluster(
    'streamsocial_controller_elections_total',
    'Epochs of the metadata quorum since the first look.',
    (health) => health.controller_elections,
    counter,
  ),
  ofCluster(
    'streamsocial_under_replicated_partitions',
    'Partitions with a replica that is not in sync.',
    (health) => health.under_replicated_partitions,
  ),
  ofCluster(
    'streamsocial_under_min_isr_partitions',
    'Partitions that take no acknowledged writes.',
    (health) => health.under_min_isr_partitions,
  ),
  ofCluster(
    'streamsocial_offline_partitions',
    'Partitions without a leader that answers.',
    (health) => health.offline_partitions,
  ),
  ofCluster(
    'streamsocial_leader_skew',
    'The most led by one broker, over the mean; 0: even.',
    (health) => health.leader_skew,
  ),
];
