/**
 * What `/metrics` reads off the platform. Names: OpenTelemetry's messaging conventions (messaging_*), kafka_exporter's
 * (kafka_*), and `streamsocial_*` for what neither knows. Counts are of this process; offsets and lag are the log's.
 */
import type { ProducerMetrics } from '../kit/producers/high-volume-producer.ts';
import type { ConsumerReport, HealthReport } from '../pipelines/platform.ts';
import type { RuntimeState } from '../pipelines/runtime-controller.ts';

/** Null where it could not be read just now. */
export interface Readings {
  readonly health: HealthReport | null;
  readonly consumer: ConsumerReport | null;
  readonly producer: ProducerMetrics;
  readonly state: RuntimeState;
  readonly groupId: string;
  /** As OpenTelemetry names it: `kafka`, or `streamsocial` for the embedded log. */
  readonly system: string;
}

export interface Sample {
  readonly value: number;
  readonly labels: Readonly<Record<string, string | number>>;
  /** Where it is not the metric's own: `_sum`, `_count`. */
  readonly metricName?: string;
}

export interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: 'gauge' | 'counter' | 'summary';
  read(readings: Readings): readonly Sample[];
}

const STATES: readonly RuntimeState[] = ['SYSTEM_STOPPED', 'DEMO_RUNNING', 'SYSTEM_ERROR'];

type PartitionHealth = HealthReport['topics'][number]['partitions'][number];

function gauge(name: string, help: string, read: Metric['read']): Metric {
  return { name, help, type: 'gauge', read };
}

function counter(name: string, help: string, read: Metric['read']): Metric {
  return { name, help, type: 'counter', read };
}

function one(value: number, labels: Sample['labels'] = {}): Sample[] {
  return [{ value, labels }];
}

function perPartition(name: string, help: string, value: (partition: PartitionHealth) => number): Metric {
  return gauge(name, help, ({ health }) =>
    (health?.topics ?? []).flatMap(({ name: topic, partitions }) =>
      partitions.map((partition) => ({ value: value(partition), labels: { topic, partition: partition.partition } })),
    ),
  );
}

function perRead(name: string, help: string, value: (read: ConsumerReport['partitions'][number]) => number): Metric {
  return gauge(name, help, ({ consumer, groupId }) =>
    (consumer?.partitions ?? []).map((read) => ({
      value: value(read),
      labels: { consumergroup: groupId, topic: read.topic, partition: read.partition },
    })),
  );
}

function ofConsumer(name: string, help: string, value: (consumer: ConsumerReport) => number, make = gauge): Metric {
  return make(name, help, ({ consumer }) => (consumer === null ? [] : one(value(consumer))));
}

function ofProducer(name: string, help: string, value: (producer: ProducerMetrics) => number, make = gauge): Metric {
  return make(name, help, ({ producer }) => one(value(producer)));
}

const SEND = 'messaging_client_operation_duration_seconds';
const PROCESS = 'messaging_process_duration_seconds';

export const METRICS: readonly Metric[] = [
  gauge('kafka_brokers', 'Brokers that answer.', ({ health }) => (health === null ? [] : one(health.broker_count))),
  gauge('kafka_topic_partitions', 'Partitions of a topic.', ({ health }) =>
    (health?.topics ?? []).map(({ name, partitions }) => ({ value: partitions.length, labels: { topic: name } })),
  ),
  perPartition('kafka_topic_partition_current_offset', 'The offset that the next record gets.', (p) => p.end_offset),
  perPartition('kafka_topic_partition_leader', 'Node id of the leader; -1: none.', (p) => p.leader),
  perPartition('kafka_topic_partition_replicas', 'Replicas.', (p) => p.replicas.length),
  perPartition('kafka_topic_partition_in_sync_replica', 'Replicas in sync.', (p) => p.isr.length),
  perPartition('kafka_topic_partition_under_replicated_partition', '1 where a replica is not in sync.', (p) =>
    p.isr.length < p.replicas.length ? 1 : 0,
  ),
  perRead('kafka_consumergroup_current_offset', 'The next offset to process.', (read) => read.position),
  perRead('kafka_consumergroup_lag', 'Records not yet processed.', (read) => read.lag),

  {
    name: SEND,
    help: 'From the call of publish to the acknowledgement.',
    type: 'summary',
    read: (readings) => {
      const { avg_latency_ms, p50_latency_ms, p99_latency_ms, messages_sent } = readings.producer;
      const labels = {
        messaging_system: readings.system,
        messaging_operation_name: 'send',
        messaging_operation_type: 'send',
      };
      return [
        { value: p50_latency_ms / 1000, labels: { ...labels, quantile: 0.5 } },
        { value: p99_latency_ms / 1000, labels: { ...labels, quantile: 0.99 } },
        { metricName: `${SEND}_sum`, value: (avg_latency_ms * messages_sent) / 1000, labels },
        { metricName: `${SEND}_count`, value: messages_sent, labels },
      ];
    },
  },
  counter(
    'messaging_client_sent_messages_total',
    'Sends with an outcome; error_type is empty for acknowledged ones.',
    (readings) => {
      const labels = { messaging_system: readings.system, messaging_operation_name: 'send' };
      return [
        { value: readings.producer.messages_sent, labels: { ...labels, error_type: '' } },
        { value: readings.producer.messages_failed, labels: { ...labels, error_type: '_OTHER' } },
      ];
    },
  ),
  counter('messaging_client_consumed_messages_total', 'Deliveries to the handler, successful or not.', (readings) =>
    readings.consumer === null
      ? []
      : one(deliveries(readings.consumer), {
          messaging_system: readings.system,
          messaging_operation_name: 'poll',
          messaging_consumer_group_name: readings.groupId,
        }),
  ),
  {
    name: PROCESS,
    help: 'From decoding to the stored effect.',
    type: 'summary',
    read: (readings) => {
      if (readings.consumer === null) return [];
      const count = deliveries(readings.consumer);
      const labels = {
        messaging_system: readings.system,
        messaging_operation_name: 'process',
        messaging_consumer_group_name: readings.groupId,
      };
      return [
        { metricName: `${PROCESS}_sum`, value: (readings.consumer.avg_processing_time_ms * count) / 1000, labels },
        { metricName: `${PROCESS}_count`, value: count, labels },
      ];
    },
  },

  gauge('streamsocial_up', '1 where a part answered this scrape.', ({ health, consumer }) => [
    { value: health === null || health.status === 'down' ? 0 : 1, labels: { part: 'log' } },
    { value: consumer === null ? 0 : 1, labels: { part: 'projections' } },
  ]),
  gauge('streamsocial_runtime_state', '1 for the state that holds.', ({ state }) =>
    STATES.map((name) => ({ value: name === state ? 1 : 0, labels: { state: name } })),
  ),
  ofProducer('streamsocial_producer_queue_size', 'Records without an outcome yet.', (p) => p.queue_size),
  ofProducer('streamsocial_producer_active_lanes', 'Partitions with a batch on its way.', (p) => p.active_connections),
  ofProducer('streamsocial_producer_sent_bytes_total', 'Bytes of acknowledged records.', (p) => p.bytes_sent, counter),
  ofConsumer('streamsocial_consumer_running', '1 while the projection consumes.', (c) => (c.consumer_running ? 1 : 0)),
  ofConsumer(
    'streamsocial_consumer_processed_total',
    'Events whose effect is stored.',
    (c) => c.messages_processed,
    counter,
  ),
  ofConsumer('streamsocial_consumer_failed_total', 'Deliveries that failed.', (c) => c.messages_failed, counter),
  ofConsumer(
    'streamsocial_consumer_retries_total',
    'Deliveries after an event\u2019s first.',
    (c) => c.retry_count,
    counter,
  ),
  ofConsumer(
    'streamsocial_consumer_dead_letters_total',
    'Events given to the dead letter queue.',
    (c) => c.dead_letter_count,
    counter,
  ),
  ofConsumer('streamsocial_consumer_skipped_total', 'Records that retention removed first.', (c) => c.skipped, counter),
  ofConsumer('streamsocial_consumer_parked', 'Events that wait for a retry, or behind one.', (c) => c.parked),
  ofConsumer('streamsocial_dead_letter_depth', 'Open entries of the dead letter queue.', (c) => c.dlq_depth),
];

function deliveries(consumer: ConsumerReport): number {
  return consumer.messages_processed + consumer.messages_failed;
}
