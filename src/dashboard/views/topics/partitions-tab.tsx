import type { TopicDetailJson } from '../../../api/topic-facts.ts';
import { count } from '../../format.ts';
import { Loaded } from '../../parts/notes.tsx';
import { Panel } from '../../parts/page.tsx';
import { State } from '../../parts/state.tsx';
import { type Column, ExportButtons, Table } from '../../parts/table.tsx';
import { Time } from '../../parts/values.tsx';
import type { Resource } from '../../resource.ts';
import { pathTo } from '../../router.ts';
import { PartitionBars } from './partition-bars.tsx';

type Partition = TopicDetailJson['partitions'][number];

function columnsOf(topic: string): Column<Partition>[] {
  return [
    {
      head: 'Partition',
      names: true,
      value: ({ partition }) => partition,
      show: ({ partition }) => <a href={`${pathTo('topics', topic)}?partition=${partition}`}>{partition}</a>,
    },
    { head: 'Records', number: true, value: recordsOf, show: (row) => count(recordsOf(row)) },
    { head: 'Start offset', number: true, value: (row) => row.start_offset, show: (row) => count(row.start_offset) },
    { head: 'End offset', number: true, value: (row) => row.end_offset, show: (row) => count(row.end_offset) },
    { head: 'First record', value: (row) => row.first_record_at, show: (row) => timeOf(row.first_record_at) },
    { head: 'Last record', value: (row) => row.last_record_at, show: (row) => timeOf(row.last_record_at) },
    {
      head: 'Leader',
      value: ({ leader }) => leader,
      show: ({ leader }) => (leader < 0 ? <State kind="bad">no leader</State> : `broker ${leader}`),
    },
    {
      head: 'In sync',
      value: ({ isr, replicas }) => `${isr.length} of ${replicas.length}`,
      show: ({ isr, replicas }) => (
        <State kind={isr.length < replicas.length ? 'warn' : 'ok'}>
          {isr.length} of {replicas.length}
        </State>
      ),
    },
    { head: 'Replicas on', value: ({ replicas }) => replicas.join(', ') },
  ];
}

function recordsOf({ start_offset: start, end_offset: end }: Partition): number | null {
  return start === null || end === null ? null : end - start;
}

function timeOf(at: string | null) {
  return at === null ? null : <Time at={at} as="full" />;
}

export function PartitionsTab({ topic }: { readonly topic: Resource<TopicDetailJson> }) {
  return (
    <Loaded of={topic} what="partitions">
      {({ name, partitions }) => {
        const columns = columnsOf(name);
        return (
          <div class="stack">
            {partitions.length > 1 && (
              <Panel title="Spread">
                <PartitionBars counts={partitions.map((one) => [one.partition, recordsOf(one) ?? 0])} />
              </Panel>
            )}
            <Panel
              title="Partitions"
              actions={<ExportButtons name={`${name}-partitions`} columns={columns} rows={partitions} />}
              flush
            >
              <Table
                caption={`Partitions of ${name}`}
                columns={columns}
                rows={partitions}
                keyOf={({ partition }) => String(partition)}
                tall={partitions.length > 50}
              />
            </Panel>
          </div>
        );
      }}
    </Loaded>
  );
}
