/**
 * What `/metrics` reads off the platform. Names: OpenTelemetry's messaging conventions (messaging_*), kafka_exporter's
 * (kafka_*), and `streamsocial_*` for what neither knows. Counts are of this process; offsets and lag are the log's.
 */
import type { ConsumerMetrics } from '../kit/consumers/consumer-metrics.ts';
import type { ProducerMetrics } from '../kit/producers/high-volume-producer.ts';
import type { RuntimeState } from '../pipelines/runtime-controller.ts';
import { CLUSTER_METRICS } from './cluster-metrics.ts';
import { counter, gauge, type Metric, one } from './metric.ts';

const STATES: readonly RuntimeState[] = ['SYSTEM_STOPPED', 'DEMO_RUNNING', 'SYSTEM_ERROR'];

function ofHandler(name: string, help: string, value: (metrics: ConsumerMetrics) => number, make = gauge): Metric {
  return make(name, help, ({ handlers }) =>
    handlers.map((handler) => ({ value: value(handler.metrics), labels: { handler: handler.name } })),
  );
}

function ofProducer(name: string, help: string, value: (producer: ProducerMetrics) => number, make = gauge): Metric {
  return make(name, help, ({ producer }) => one(value(producer)));
}

const SEND = 'messaging_client_operation_duration_seconds';
const PROCESS = 'messaging_process_duration_seconds';

export const METRICS: readonly Metric[] = [
  ...CLUSTER_METRICS,
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
    readings.handlers.map(({ group, metrics }) => ({
      value: deliveries(metrics),
      labels: {
        messaging_system: readings.system,
        messaging_operation_name: 'poll',
        messaging_consumer_group_name: group,
      },
    })),
  ),
  {
    name: PROCESS,
    help: 'From decoding to the stored effect.',
    type: 'summary',
    read: (readings) =>
      readings.handlers.flatMap(({ group, metrics }) => {
        const count = deliveries(metrics);
        const labels = {
          messaging_system: readings.system,
          messaging_operation_name: 'process',
          messaging_consumer_group_name: group,
        };
        return [
          { metricName: `${PROCESS}_sum`, value: (metrics.avg_processing_time_ms * count) / 1000, labels },
          { metricName: `${PROCESS}_count`, value: count, labels },
        ];
      }),
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
  ofHandler('streamsocial_consumer_running', '1 while the projection consumes.', (c) => (c.consumer_running ? 1 : 0)),
  ofHandler(
    'streamsocial_consumer_processed_total',
    'Events whose effect is stored.',
    (c) => c.messages_processed,
    counter,
  ),
  ofHandler('streamsocial_consumer_failed_total', 'Deliveries that failed.', (c) => c.messages_failed, counter),
  ofHandler(
    'streamsocial_consumer_retries_total',
    'Deliveries after an event\u2019s first.',
    (c) => c.retry_count,
    counter,
  ),
  ofHandler(
    'streamsocial_consumer_dead_letters_total',
    'Events given to the dead letter queue.',
    (c) => c.dead_letter_count,
    counter,
  ),
  ofHandler('streamsocial_consumer_skipped_total', 'Records that retention removed first.', (c) => c.skipped, counter),
  ofHandler('streamsocial_consumer_parked', 'Events that wait for a retry, or behind one.', (c) => c.parked),
  gauge('streamsocial_dead_letter_depth', 'Open entries of the dead letter queue.', ({ consumer }) =>
    consumer === null ? [] : one(consumer.dlq_depth),
  ),
];

function deliveries({ messages_processed, messages_failed }: ConsumerMetrics): number {
  return messages_processed + messages_failed;
}
