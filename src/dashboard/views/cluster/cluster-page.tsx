import { useEffect } from 'preact/hooks';
import type { ClusterControlReport, ClusterServer } from '../../../api/cluster.ts';
import type { ClusterHealth } from '../../../api/health.ts';
import { bytes, count, duration, percent, rate } from '../../format.ts';
import { Loaded, Note, ProblemNote } from '../../parts/notes.tsx';
import { Figures, Panel } from '../../parts/page.tsx';
import { State } from '../../parts/state.tsx';
import { useResource } from '../../resource.ts';
import { BrokerTable, QuorumTable } from './broker-tables.tsx';
import { Events } from './cluster-events.tsx';
import { EmbeddedNote, UncontrolledNote } from './cluster-notes.tsx';
import { PartitionGrid } from './partition-grid.tsx';
import { ServerCard } from './server-card.tsx';

const EVERY_MS = 1_000;
/** While something is done to a server, whose end is waited for. */
const BUSY_MS = 250;
const STATUS = { healthy: 'ok', degraded: 'warn', down: 'bad' } as const;

export function ClusterPage() {
  const health = useResource<ClusterHealth>('/api/v1/health/kafka', { everyMs: EVERY_MS });
  const control = useResource<ClusterControlReport>('/api/v1/cluster', { everyMs: EVERY_MS });
  const isBusy = control.data?.servers.some(({ action }) => action?.state === 'RUNNING') ?? false;
  useEffect(() => {
    if (!isBusy) return;
    const timer = setTimeout(control.reload, BUSY_MS);
    return () => clearTimeout(timer);
  }, [isBusy, control.atMs, control.reload]);
  const onChanged = (): void => {
    control.reload();
    health.reload();
  };
  return (
    <Loaded of={health} what="the health of the cluster">
      {(report) => (
        <div class="stack">
          {control.problem !== null && <ProblemNote problem={control.problem} retry={control.reload} />}
          {report.error !== undefined && <Note kind="bad">{report.error}</Note>}
          {report.mode === 'embedded' ? (
            <EmbeddedNote commands={control.data?.commands ?? []} />
          ) : (
            control.data?.controllable === false && <UncontrolledNote {...control.data} />
          )}
          <Summary health={report} />
          <Servers health={report} control={control.data} onChanged={onChanged} />
          <Events />
          {report.mode === 'kafka' && <PartitionGrid topics={report.topics} isOld={report.broker_count === 0} />}
          {report.mode === 'kafka' && <BrokerTable health={report} />}
          {report.mode === 'kafka' && <QuorumTable health={report} />}
          {report.incomplete.length > 0 && (
            <Note kind="warn">Not known this time: {report.incomplete.join('; ')}.</Note>
          )}
        </div>
      )}
    </Loaded>
  );
}

function Summary({ health }: { readonly health: ClusterHealth }) {
  const isKafka = health.mode === 'kafka';
  const { produce, fetch } = health.request_latency_p99_ms;
  const known = health.broker_count > 0;
  const partitions = (value: number) => (known ? count(value) : '–');
  return (
    <Panel
      title="Health"
      note={
        isKafka
          ? 'asked of the brokers by Kafka’s protocol, once a second; Kafka’s own partitions count too'
          : 'the embedded log, once a second'
      }
    >
      <Figures
        items={[
          {
            label: 'State',
            name: 'cluster-status',
            value: <State kind={STATUS[health.status]}>{health.status}</State>,
          },
          {
            label: 'Brokers that answer',
            name: 'brokers-answering',
            value: count(health.broker_count),
            note: `of ${count(health.brokers.length)}`,
          },
          ...(isKafka
            ? [
                {
                  label: 'Active controller',
                  name: 'controller',
                  value: health.controller_id < 0 ? 'none' : `broker ${health.controller_id}`,
                  note: `epoch ${count(health.controller_epoch)}, ${count(health.controller_elections)} elections seen`,
                },
                {
                  label: 'Under-replicated',
                  name: 'under-replicated',
                  value: partitions(health.under_replicated_partitions),
                  note: 'partitions',
                },
                {
                  label: 'Under min ISR',
                  name: 'under-min-isr',
                  value: partitions(health.under_min_isr_partitions),
                  note: 'partitions',
                },
                {
                  label: 'Offline',
                  name: 'offline',
                  value: partitions(health.offline_partitions),
                  note: 'partitions',
                },
                {
                  label: 'Not led by first replica',
                  value: partitions(health.non_preferred_leaders),
                  note: `partitions; busiest broker ${health.leader_skew === null ? '–' : `+${percent(Math.round(health.leader_skew * 100) / 100)}`}`,
                },
              ]
            : []),
          { label: 'Records in', value: rate(health.messages_in_per_second) },
          ...(isKafka
            ? [
                {
                  label: 'Bytes in',
                  value: health.bytes_in_per_second === null ? '–' : `${bytes(health.bytes_in_per_second)}/s`,
                },
                { label: 'Produce p99', value: duration(produce), note: 'slowest broker' },
                { label: 'Fetch p99', value: duration(fetch), note: 'slowest broker, with its waiting' },
              ]
            : []),
        ]}
      />
    </Panel>
  );
}

interface ServersProps {
  readonly health: ClusterHealth;
  readonly control: ClusterControlReport | null;
  readonly onChanged: () => void;
}

/** A card for each broker, and for a Redis that was launched with them. */
function Servers({ health, control, onChanged }: ServersProps) {
  const servers = control?.servers ?? [];
  const ids = new Set([
    ...health.brokers.map(({ id }) => id),
    ...servers.flatMap(({ node_id }) => (node_id === null ? [] : [node_id])),
  ]);
  const serverOf = (id: number): ClusterServer | null => servers.find(({ node_id }) => node_id === id) ?? null;
  return (
    <ul class="cluster-servers">
      {[...ids]
        .sort((a, b) => a - b)
        .map((id) => (
          <ServerCard
            key={id}
            broker={health.brokers.find((broker) => broker.id === id) ?? null}
            server={serverOf(id)}
            health={health}
            onChanged={onChanged}
          />
        ))}
      {servers
        .filter(({ kind }) => kind === 'redis')
        .map((server) => (
          <ServerCard key={server.name} broker={null} server={server} health={health} onChanged={onChanged} />
        ))}
    </ul>
  );
}
