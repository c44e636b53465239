import type { ProjectionStatusJson } from '../../../api/projections.ts';
import { count } from '../../format.ts';
import { Loaded } from '../../parts/notes.tsx';
import { type Figure, Figures, Page, Panel } from '../../parts/page.tsx';
import { State } from '../../parts/state.tsx';
import { type Column, ExportButtons, Table } from '../../parts/table.tsx';
import { currentTab, Tabs } from '../../parts/tabs.tsx';
import { useResource } from '../../resource.ts';
import { pathTo } from '../../router.ts';
import { KeysTab } from './keys-tab.tsx';
import { ABOUT } from './projection-words.ts';
import { RebuildTab } from './rebuild-tab.tsx';

const TABS = [
  { value: 'rows', text: 'Rows' },
  { value: 'partitions', text: 'Partitions' },
  { value: 'rebuild', text: 'Rebuild' },
] as const;

/** Faster while something is under way that is looked at. */
const EVERY_MS = 2_000;
const REBUILDING_MS = 500;

export function ProjectionPage({ name }: { readonly name: string }) {
  const tab = currentTab(TABS);
  const path = `/api/v1/projections/${encodeURIComponent(name)}`;
  const status = useResource<ProjectionStatusJson>(path, { everyMs: tab === 'rebuild' ? REBUILDING_MS : EVERY_MS });
  return (
    <Page title={name} crumbs={[{ text: 'State', href: '/state' }]} lead={ABOUT[name as keyof typeof ABOUT]}>
      <Loaded of={status} what={name}>
        {(data) => (
          <>
            <Figures items={figuresOf(data)} />
            <div>
              <Tabs label={name} tabs={TABS} />
              {tab === 'rows' && <KeysTab name={name} />}
              {tab === 'partitions' && <PartitionsPanel status={data} />}
              {tab === 'rebuild' && <RebuildTab name={name} report={data.rebuild} reload={status.reload} />}
            </div>
          </>
        )}
      </Loaded>
    </Page>
  );
}

function figuresOf(status: ProjectionStatusJson): Figure[] {
  const { lag, rebuilding, version, kept_version: kept, applied, duplicates, parked, dead } = status;
  return [
    {
      label: 'State',
      value: rebuilding ? (
        <State kind="busy">being rebuilt</State>
      ) : (
        <State kind={lag === 0 ? 'ok' : 'busy'}>{lag === 0 ? 'up to date' : 'behind'}</State>
      ),
    },
    { label: 'Lag', value: count(lag), note: 'events', name: 'projection.lag' },
    { label: 'Applied', value: count(applied), note: 'events', name: 'projection.applied' },
    { label: 'Duplicates', value: count(duplicates), note: 'counted once', name: 'projection.duplicates' },
    {
      label: 'Parked',
      value: parked === 0 ? count(parked) : <a href="/failures/parked">{count(parked)}</a>,
      note: 'wait for a retry',
      name: 'projection.parked',
    },
    { label: 'Dead', value: count(dead), note: 'given up', name: 'projection.dead' },
    {
      label: 'Version',
      value: version,
      note: kept === null ? 'live' : `live; ${kept} is kept`,
      name: 'projection.version',
    },
  ];
}

type PartitionRow = ProjectionStatusJson['partitions'][number];

const PARTITION_COLUMNS: readonly Column<PartitionRow>[] = [
  {
    head: 'Partition',
    names: true,
    value: ({ topic, partition }) => `${topic}/${partition}`,
    show: ({ topic, partition }) => (
      <a href={`${pathTo('topics', topic)}?tab=partitions`}>
        {topic} {partition}
      </a>
    ),
  },
  { head: 'Position', number: true, value: ({ position }) => position, show: ({ position }) => count(position) },
  { head: 'End of the log', number: true, value: ({ end }) => end, show: ({ end }) => count(end) },
  { head: 'Lag, events', number: true, value: ({ lag }) => lag, show: ({ lag }) => count(lag) },
  { head: 'Applied', number: true, value: ({ applied }) => applied, show: ({ applied }) => count(applied) },
  {
    head: 'Duplicates',
    number: true,
    value: ({ duplicates }) => duplicates,
    show: ({ duplicates }) => count(duplicates),
  },
  { head: 'Parked', number: true, value: ({ parked }) => parked, show: ({ parked }) => count(parked) },
  { head: 'Dead', number: true, value: ({ dead }) => dead, show: ({ dead }) => count(dead) },
];

function PartitionsPanel({ status: { name, group, partitions } }: { readonly status: ProjectionStatusJson }) {
  return (
    <Panel
      title="Partitions"
      note={
        <>
          of the live version, moved by <a href={pathTo('consumers', group)}>{group}</a>; a dash: it has not begun there
        </>
      }
      flush
      actions={<ExportButtons name={`${name}-partitions`} columns={PARTITION_COLUMNS} rows={partitions} />}
    >
      <Table
        caption={`Partitions of ${name}`}
        columns={PARTITION_COLUMNS}
        rows={partitions}
        keyOf={({ topic, partition }) => `${topic}/${partition}`}
      />
    </Panel>
  );
}
