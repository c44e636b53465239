/** All consumer groups: the platform's own, and those of others. */
import type { ComponentChildren } from 'preact';
import type { GroupList, GroupSummary } from '../../../api/group-schemas.ts';
import { count, plural, rate } from '../../format.ts';
import { sample } from '../../live.ts';
import { TextField } from '../../parts/controls.tsx';
import { Empty, Loaded, Note } from '../../parts/notes.tsx';
import { Figures, Page, Panel } from '../../parts/page.tsx';
import { Sparkline } from '../../parts/sparkline.tsx';
import { type Column, ExportButtons, Table } from '../../parts/table.tsx';
import { useResource } from '../../resource.ts';
import { pathTo, query, setQuery } from '../../router.ts';
import { ConnectHint } from './connect-hint.tsx';
import { Breakable, GroupState, Lag, StaleNote } from './group-values.tsx';
import { lately, matches, purposeOf, waitText, withPulse } from './groups-model.ts';

/** The pulse has lag and rates meanwhile. */
const LIST_MS = 3_000;
const LATELY = 'Lately';

const COLUMNS: readonly Column<GroupSummary>[] = [
  {
    head: 'Group',
    names: true,
    value: ({ group }) => group,
    show: ({ group, owner, topics }) => (
      <>
        <a href={pathTo('consumers', group)}>
          <Breakable text={group} />
        </a>
        <small class="muted group-note">
          {purposeOf(owner)}
          <span>
            {owner !== null && ' from '}
            {topics.join(', ')}
          </span>
        </small>
      </>
    ),
  },
  {
    head: 'State',
    value: ({ state }) => state,
    show: ({ group, state }) => <GroupState group={group} state={state} />,
  },
  { head: 'Members', number: true, value: ({ members }) => members },
  {
    head: 'Lag, records',
    number: true,
    value: ({ lag }) => lag,
    show: (group) => <Lag group={group} />,
  },
  {
    head: 'Lag, time',
    unit: 's',
    number: true,
    value: ({ lag_seconds }) => lag_seconds,
    show: ({ lag_seconds }) => <span class={(lag_seconds ?? 0) >= 10 ? 'behind' : ''}>{waitText(lag_seconds)}</span>,
  },
  {
    head: LATELY,
    value: ({ recent_lag }) => recent_lag.at(-1),
    show: ({ group, recent_lag }) => (
      <Sparkline
        values={lately(recent_lag)}
        label={`lag of ${group} over ten minutes at most: up to ${count(mostOf(recent_lag))} records`}
      />
    ),
  },
  {
    head: 'Consumed',
    unit: 'records/s',
    number: true,
    value: ({ per_second }) => per_second,
    show: ({ per_second }) => rate(per_second),
  },
  { head: 'Rebalances', number: true, value: ({ rebalances }) => rebalances },
];
/** Without the curve, and with what the list has below the name. */
const EXPORTED: readonly Column<GroupSummary>[] = [
  ...COLUMNS.filter(({ head }) => head !== LATELY),
  { head: 'Topics', value: ({ topics }) => topics.join(' ') },
  { head: 'Feeds', value: ({ owner }) => owner },
];

export function GroupsPage() {
  const list = useResource<GroupList>('/api/v1/groups', { everyMs: LIST_MS });
  return (
    <Page
      title="Consumers"
      lead="Who reads the log, how far each group is, and how long the oldest record waits for it. The platform's own handlers are groups like any other."
    >
      <Loaded of={list} what="consumer groups">
        {(data) => <Groups list={data} />}
      </Loaded>
    </Page>
  );
}

function Groups({ list }: { readonly list: GroupList }) {
  const text = query('q');
  const all = withPulse(list.groups, list.observed_at, sample.value);
  const shown = all.filter((group) => matches(group, text));
  const ours = shown.filter(({ owner }) => owner !== null);
  const others = shown.filter(({ owner }) => owner === null);
  const hasOthers = all.some(({ owner }) => owner === null);
  const waits = all.map(({ lag_seconds }) => lag_seconds ?? 0);
  return (
    <>
      <StaleNote observedAt={list.observed_at} />
      {list.incomplete.length > 0 && (
        <Note kind="warn">Not all could be learned at the last look: {list.incomplete.join('; ')}.</Note>
      )}
      <Figures
        items={[
          { label: 'Groups', value: count(all.length), name: 'groups' },
          { label: 'Members', value: count(sumOf(all.map(({ members }) => members))), name: 'members' },
          { label: 'Records that wait', value: count(sumOf(all.map(({ lag }) => lag ?? 0))), name: 'lag' },
          { label: 'Longest wait', value: waitText(Math.max(0, ...waits)), name: 'lag-seconds' },
        ]}
      />
      <div class="row end">
        <div class="groups-filter">
          <TextField
            label="Find a group"
            type="search"
            placeholder="name, projection or topic"
            value={text}
            onInput={(value) => setQuery({ q: value })}
          />
        </div>
        <span class="muted small" role="status">
          {text === '' ? '' : `${plural(shown.length, 'group')} of ${all.length}`}
        </span>
        <span class="row groups-export">
          <ExportButtons name="consumer-groups" columns={EXPORTED} rows={shown} />
        </span>
      </div>
      <Panel title="Handlers of the platform" note="their positions are stored with what they have counted" flush>
        <GroupTable
          caption="Groups that the platform has"
          rows={ours}
          empty={<Empty title={text === '' ? 'No handler runs' : 'None of these fits'} />}
        />
      </Panel>
      <Panel title="Groups of others" note="any client of the Kafka protocol" flush>
        <GroupTable
          caption="Groups that others have"
          rows={others}
          empty={hasOthers ? <Empty title="None of these fits" /> : <ConnectHint bootstrap={list.bootstrap} />}
        />
      </Panel>
    </>
  );
}

interface GroupTableProps {
  readonly caption: string;
  readonly rows: readonly GroupSummary[];
  readonly empty: ComponentChildren;
}

function GroupTable(props: GroupTableProps) {
  return (
    <div class="groups-table">
      <Table {...props} columns={COLUMNS} keyOf={({ group }) => group} />
    </div>
  );
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function mostOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : Math.max(...known);
}
