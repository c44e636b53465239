import type { BrokerHealth, ClusterHealth } from '../../../api/health.ts';
import { bytes, count, duration, rate } from '../../format.ts';
import { Panel } from '../../parts/page.tsx';
import { type Column, ExportButtons, Table } from '../../parts/table.tsx';
import { roleOf } from './broker-model.ts';

const ID: Column<BrokerHealth> = { head: 'Broker', value: ({ id }) => id, names: true };

const NUMBERS: readonly Column<BrokerHealth>[] = [
  ID,
  { head: 'Leads', value: ({ leaders }) => leaders, number: true },
  { head: 'Replicas', value: ({ replicas }) => replicas, number: true },
  { head: 'Out of sync', value: ({ out_of_sync }) => out_of_sync, number: true },
  {
    head: 'Records behind',
    value: ({ replica_lag }) => replica_lag,
    show: ({ replica_lag }) => count(replica_lag),
    number: true,
  },
  {
    head: 'Records in',
    unit: 'records/s',
    value: (broker) => broker.messages_in_per_second,
    show: (broker) => rate(broker.messages_in_per_second),
    number: true,
  },
  {
    head: 'Bytes in',
    unit: 'bytes/s',
    value: (broker) => broker.bytes_in_per_second,
    show: (broker) => (broker.bytes_in_per_second === null ? '–' : `${bytes(broker.bytes_in_per_second)}/s`),
    number: true,
  },
  {
    head: 'Produce p99',
    unit: 'ms',
    value: (broker) => broker.request_latency_p99_ms.produce,
    show: (broker) => duration(broker.request_latency_p99_ms.produce),
    number: true,
  },
  {
    head: 'Fetch p99',
    unit: 'ms',
    value: (broker) => broker.request_latency_p99_ms.fetch,
    show: (broker) => duration(broker.request_latency_p99_ms.fetch),
    number: true,
  },
  {
    head: 'Log on disk',
    unit: 'bytes',
    value: ({ log_bytes }) => log_bytes,
    show: ({ log_bytes }) => bytes(log_bytes),
    number: true,
  },
  {
    head: 'Free on disk',
    unit: 'bytes',
    value: ({ usable_bytes }) => usable_bytes,
    show: ({ usable_bytes }) => bytes(usable_bytes),
    number: true,
  },
];

export function BrokerTable({ health: { brokers, broker_count } }: { readonly health: ClusterHealth }) {
  const withoutJmx = brokers.some(({ telemetry, answers }) => answers && telemetry === 'protocol');
  return (
    <Panel
      title="Brokers in numbers"
      flush
      {...(broker_count === 0 ? { note: 'as last heard: no broker answers' } : {})}
      {...(withoutJmx
        ? { note: 'Request times come from JMX, which only brokers launched here offer; rates are growth of the log.' }
        : {})}
      actions={<ExportButtons name="brokers" columns={NUMBERS} rows={brokers} />}
    >
      <Table caption="Figures of each broker" columns={NUMBERS} rows={brokers} keyOf={({ id }) => String(id)} />
    </Panel>
  );
}

const PLACES = {
  controller_leader: 'leader (active controller)',
  controller_follower: 'voter, follows',
  observer: 'observer',
} as const;

const QUORUM: readonly Column<BrokerHealth>[] = [
  ID,
  {
    head: 'Place',
    value: ({ role }) => role,
    show: ({ role }) => (role === null ? '–' : PLACES[role]),
  },
  {
    head: 'Records behind',
    value: ({ metadata_lag }) => metadata_lag,
    show: ({ metadata_lag }) => count(metadata_lag),
    number: true,
  },
  {
    head: 'Asked the leader last',
    value: (broker) => broker.metadata_fetch_age_ms,
    show: ({ role, metadata_fetch_age_ms: age }) =>
      role === 'controller_leader' ? 'leads' : age === null ? '–' : `${duration(age)} ago`,
    number: true,
  },
  {
    head: 'Had everything last',
    value: (broker) => broker.metadata_caught_up_age_ms,
    show: ({ role, metadata_caught_up_age_ms: age }) =>
      role === 'controller_leader' ? 'leads' : age === null ? '–' : `${duration(age)} ago`,
    number: true,
  },
];

/** Who follows the log of the cluster's own metadata, and how closely. */
export function QuorumTable({ health }: { readonly health: ClusterHealth }) {
  const leader = health.controller_id;
  const brokers = health.brokers.map((broker) => ({ ...broker, role: roleOf(broker, leader) }));
  const note =
    leader < 0
      ? 'No leader: no partition’s leader can change until a majority of the voters is back.'
      : `broker ${leader} leads, epoch ${count(health.controller_epoch)}; by its clock`;
  return (
    <Panel title="Metadata quorum" note={note} flush>
      <Table caption="Voters and observers" columns={QUORUM} rows={brokers} keyOf={({ id }) => String(id)} />
    </Panel>
  );
}
