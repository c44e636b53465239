import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BrokerHealth, ClusterReport } from '../../src/kit/monitoring/cluster-report.ts';
import { openApi } from './support/fake-platform.ts';

const BROKER: BrokerHealth = {
  id: 1,
  host: '127.0.0.1',
  port: 9092,
  role: 'controller_leader',
  state: 'RUNNING',
  reason: 'it answers, is registered and in sync',
  answers: true,
  leaders: 1,
  replicas: 2,
  out_of_sync: 0,
  replica_lag: 0,
  metadata_lag: 0,
  metadata_fetch_age_ms: 0,
  metadata_caught_up_age_ms: 0,
  log_bytes: 4_096,
  usable_bytes: 1_000_000,
  messages_in_per_second: 12,
  bytes_in_per_second: 1_200,
  request_latency_p99_ms: { produce: 7, fetch: null },
  telemetry: 'jmx',
};
const GONE: BrokerHealth = {
  ...BROKER,
  id: 2,
  host: null,
  port: null,
  state: 'FAILED',
  answers: false,
  log_bytes: null,
  messages_in_per_second: null,
};

const REPORT: ClusterReport = {
  mode: 'kafka',
  status: 'degraded',
  observed_at: '2026-05-27T14:00:00.000Z',
  broker_count: 1,
  brokers: [BROKER, GONE],
  controller_id: 1,
  controller_epoch: 7,
  controller_elections: 2,
  under_replicated_partitions: 1,
  offline_partitions: 1,
  under_min_isr_partitions: 1,
  non_preferred_leaders: 1,
  leader_skew: 0.5,
  messages_in_per_second: 12,
  bytes_in_per_second: 1_200,
  request_latency_p99_ms: { produce: 7, fetch: null },
  topics: [
    {
      name: 'content-interactions',
      internal: false,
      min_insync_replicas: 2,
      partitions: [
        {
          partition: 0,
          leader: 1,
          replicas: [2, 1],
          isr: [1],
          end_offset: 40,
          start_offset: 5,
          preferred: false,
          offline: false,
          under_min_isr: true,
        },
        {
          partition: 1,
          leader: -1,
          replicas: [2],
          isr: [2],
          end_offset: -1,
          start_offset: -1,
          preferred: false,
          offline: true,
          under_min_isr: true,
        },
      ],
    },
  ],
  groups: [
    {
      group: 'others',
      state: 'Stable',
      members: 3,
      lag: 15,
      lag_seconds: 2.5,
      partitions: [
        { topic: 'content-interactions', partition: 0, committed_offset: 25, lag: 15, lag_seconds: 2.5 },
        { topic: 'content-interactions', partition: 1, committed_offset: 3, lag: null, lag_seconds: null },
      ],
    },
    {
      group: 'streamsocial-engagement',
      state: 'Stable',
      members: 1,
      lag: 33,
      lag_seconds: 9,
      partitions: [
        { topic: 'content-interactions', partition: 0, committed_offset: 7, lag: 33, lag_seconds: 9 },
        { topic: 'content-interactions', partition: 1, committed_offset: 2, lag: null, lag_seconds: null },
      ],
    },
  ],
  incomplete: [],
};

async function lines(): Promise<string[]> {
  await using api = openApi();
  api.platform.health = async () => REPORT;
  return (await api.app.inject('/metrics')).body.split('\n');
}

test('names and labels are those of kafka_exporter', async () => {
  const found = await lines();
  const at = 'topic="content-interactions",partition="0"';
  for (const line of [
    'kafka_brokers 1',
    'kafka_broker_info{id="1",address="127.0.0.1:9092"} 1',
    'kafka_topic_partitions{topic="content-interactions"} 2',
    `kafka_topic_partition_current_offset{${at}} 40`,
    `kafka_topic_partition_oldest_offset{${at}} 5`,
    `kafka_topic_partition_in_sync_replica{${at}} 1`,
    `kafka_topic_partition_leader{${at}} 1`,
    `kafka_topic_partition_leader_is_preferred{${at}} 0`,
    `kafka_topic_partition_replicas{${at}} 2`,
    `kafka_topic_partition_under_replicated_partition{${at}} 1`,
    `kafka_consumergroup_current_offset{consumergroup="others",${at}} 25`,
    `kafka_consumergroup_lag{consumergroup="others",${at}} 15`,
    'kafka_consumergroup_current_offset_sum{consumergroup="others",topic="content-interactions"} 28',
    'kafka_consumergroup_lag_sum{consumergroup="others",topic="content-interactions"} 15',
    'kafka_consumergroup_members{consumergroup="others"} 3',
  ])
    assert(found.includes(line), line);
});

test('ours: states, lag in seconds, controller, partitions in danger', async () => {
  const found = await lines();
  for (const line of [
    'streamsocial_broker_state{broker="1",state="RUNNING"} 1',
    'streamsocial_broker_state{broker="2",state="RUNNING"} 0',
    'streamsocial_broker_state{broker="2",state="FAILED"} 1',
    'streamsocial_broker_request_latency_p99_seconds{broker="1",request="Produce"} 0.007',
    'streamsocial_consumergroup_lag_seconds{consumergroup="others"} 2.5',
    'streamsocial_controller_epoch 7',
    'streamsocial_controller_elections_total 2',
    'streamsocial_under_replicated_partitions 1',
    'streamsocial_under_min_isr_partitions 1',
    'streamsocial_offline_partitions 1',
    'streamsocial_leader_skew 0.5',
  ])
    assert(found.includes(line), line);
});

test('the own projection\u2019s position comes before what its group has committed; no sample twice', async () => {
  const found = await lines();
  const own = 'kafka_consumergroup_current_offset{consumergroup="streamsocial-engagement",topic="content-interactions"';
  assert.deepEqual(
    found.filter((line) => line.startsWith(own)),
    [`${own},partition="0"} 17`, `${own},partition="1"} 2`],
  );
  const names = found.filter((line) => line !== '' && !line.startsWith('#')).map((line) => line.replace(/ \S+$/, ''));
  assert.deepEqual(
    names.filter((name, index) => names.indexOf(name) !== index),
    [],
  );
});

test('what is unknown is left out', async () => {
  const found = await lines();
  for (const part of [
    'kafka_topic_partition_current_offset{topic="content-interactions",partition="1"}',
    'kafka_consumergroup_lag{consumergroup="others",topic="content-interactions",partition="1"}',
    'streamsocial_broker_log_bytes{broker="2"}',
    'kafka_broker_info{id="2"',
    'request="Fetch"',
  ])
    assert(!found.some((line) => line.includes(part)), part);
});
