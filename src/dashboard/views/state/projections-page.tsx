import type { ProjectionSummaryJson } from '../../../api/projections.ts';
import { count } from '../../format.ts';
import { Empty, Loaded } from '../../parts/notes.tsx';
import { Page, Panel } from '../../parts/page.tsx';
import { State } from '../../parts/state.tsx';
import { type Column, ExportButtons, Table } from '../../parts/table.tsx';
import { useResource } from '../../resource.ts';
import { pathTo } from '../../router.ts';
import { ABOUT } from './projection-words.ts';

const COLUMNS: readonly Column<ProjectionSummaryJson>[] = [
  {
    head: 'Projection',
    names: true,
    value: ({ name }) => name,
    show: ({ name }) => <a href={pathTo('state', name)}>{name}</a>,
  },
  { head: 'What it holds', value: ({ name }) => ABOUT[name] },
  {
    head: 'State',
    value: (row) => (row.rebuilding ? 'being rebuilt' : row.lag === 0 ? 'up to date' : 'behind'),
    show: ({ rebuilding, lag }) =>
      rebuilding ? (
        <State kind="busy">being rebuilt</State>
      ) : lag === 0 ? (
        <State kind="ok">up to date</State>
      ) : (
        <State kind="busy">behind</State>
      ),
  },
  { head: 'Version', number: true, value: ({ version }) => version },
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

export function ProjectionsPage() {
  const all = useResource<{ readonly projections: readonly ProjectionSummaryJson[] }>('/api/v1/projections', {
    everyMs: 2_000,
  });
  const rows = all.data?.projections ?? [];
  return (
    <Page
      title="State and time"
      lead="What is made of the log. Any row can be looked at as it is now and as it was at any time, with the events that changed it; any projection can be folded from the log again."
    >
      <Panel
        title="Projections"
        note="counts since the live version began"
        flush
        actions={<ExportButtons name="projections" columns={COLUMNS} rows={rows} />}
      >
        <Loaded of={all} what="projections">
          {({ projections }) => (
            <Table
              caption="All projections"
              columns={COLUMNS}
              rows={projections}
              keyOf={({ name }) => name}
              empty={<Empty title="There are no projections" />}
            />
          )}
        </Loaded>
      </Panel>
    </Page>
  );
}
