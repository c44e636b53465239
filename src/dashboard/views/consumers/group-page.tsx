/** One consumer group. */
import { useSignal } from '@preact/signals';
import type { Deleted, Group, GroupList } from '../../../api/group-schemas.ts';
import { count, plural, rate } from '../../format.ts';
import { remove } from '../../http.ts';
import { sample } from '../../live.ts';
import { Button } from '../../parts/controls.tsx';
import { Confirm } from '../../parts/dialog.tsx';
import { Loaded, Note } from '../../parts/notes.tsx';
import { type Figure, Figures, Page, Panel } from '../../parts/page.tsx';
import { currentTab, Tabs } from '../../parts/tabs.tsx';
import { useResource } from '../../resource.ts';
import { go, pathTo } from '../../router.ts';
import { toast } from '../../toast.ts';
import { ConnectHint } from './connect-hint.tsx';
import { GroupState, Lag, StaleNote } from './group-values.tsx';
import { stateOf, unknownLag, waitText, withPulse } from './groups-model.ts';
import { LagPanel } from './lag-chart.tsx';
import { MembersPanel } from './members-panel.tsx';
import { PartitionsPanel } from './partitions-panel.tsx';
import { ResetPanel } from './reset-panel.tsx';

const TABS = [
  { value: 'lag', text: 'Lag' },
  { value: 'members', text: 'Members' },
  { value: 'reset', text: 'Reset offsets' },
] as const;
const DETAIL_MS = 2_000;

export function GroupPage({ group }: { readonly group: string }) {
  const detail = useResource<Group>(`/api/v1/groups${pathTo(group)}`, { everyMs: DETAIL_MS });
  const isUnknown = detail.data === null && detail.problem?.code === 'UNKNOWN_GROUP';
  return (
    <Page
      title={group}
      crumbs={[{ text: 'Consumers', href: pathTo('consumers') }]}
      lead={detail.data === null ? undefined : <Lead group={detail.data} />}
      actions={detail.data !== null && <DeleteButton group={detail.data} />}
    >
      {isUnknown ? (
        <UnknownGroup group={group} />
      ) : (
        <Loaded of={detail} what="the group">
          {(data) => <Content group={data} reload={detail.reload} />}
        </Loaded>
      )}
    </Page>
  );
}

function Content({ group, reload }: { readonly group: Group; readonly reload: () => void }) {
  const [live] = withPulse([group], group.observed_at, sample.value);
  const tab = currentTab(TABS);
  return (
    <>
      <StaleNote observedAt={group.observed_at} />
      <Figures items={figuresOf(live ?? group)} />
      <div>
        <Tabs label={`Parts of ${group.group}`} tabs={TABS} />
        <div class="stack">
          {tab === 'lag' && (
            <>
              <LagPanel group={group.group} />
              <PartitionsPanel group={group} />
            </>
          )}
          {tab === 'members' && <MembersPanel group={group} />}
          {tab === 'reset' && <ResetPanel group={group} onChanged={reload} />}
        </div>
      </div>
    </>
  );
}

function Lead({ group: { owner, state, projection } }: { readonly group: Group }) {
  if (owner === null) return <>A group of others: {stateOf(state).meaning}.</>;
  if (owner === 'delivery') return <>Sends notices to the webhook; {stateOf(state).meaning}.</>;
  return (
    <>
      Feeds the projection <a href={pathTo('state', owner)}>{owner}</a>, whose position is stored with what it has
      counted: the committed offset beside it is a hint for tools.
      {projection === null && ' How far that is cannot be told now: its store, or the log, does not answer.'}
    </>
  );
}

function figuresOf(group: Group): Figure[] {
  const { state, members, lag_seconds, per_second, generation, assignor, coordinator, type, projection } = group;
  const unknown = unknownLag(group);
  return [
    { label: 'State', value: <GroupState group={group.group} state={state} />, name: 'state' },
    { label: 'Members', value: count(members.length), name: 'members' },
    {
      label: 'Lag',
      value: <Lag group={group} />,
      note: unknown ?? (group.lag === 1 ? 'record' : 'records'),
      name: 'lag',
    },
    { label: 'Oldest waits', value: waitText(lag_seconds), name: 'lag-seconds' },
    { label: 'Consumed', value: rate(per_second), name: 'rate' },
    ...(projection === null || projection.parked === 0
      ? []
      : [{ label: 'Parked', value: count(projection.parked), note: 'wait for a retry', name: 'parked' }]),
    {
      label: 'Generation',
      value: count(generation),
      ...(generation === null ? { note: type === 'classic' ? 'Kafka keeps it to itself' : 'not known' } : {}),
    },
    {
      label: 'Coordinator',
      value: coordinator === null ? '–' : `broker ${coordinator}`,
      ...(assignor === null ? {} : { note: `assigns by ${assignor}` }),
    },
  ];
}

function DeleteButton({ group: { group, owner, state, partitions } }: { readonly group: Group }) {
  const asked = useSignal(false);
  const close = () => {
    asked.value = false;
  };
  if (owner !== null || state !== 'Empty') return null;
  const committed = partitions.filter((one) => one.committed !== null).length;
  return (
    <>
      <Button
        kind="danger"
        onClick={() => {
          asked.value = true;
        }}
      >
        Delete group…
      </Button>
      {asked.value && (
        <Confirm
          title={`Delete ${group}?`}
          action="Delete"
          danger
          word={group}
          onClose={close}
          onConfirm={async () => {
            await remove<Deleted>(`/api/v1/groups${pathTo(group)}?confirm=${encodeURIComponent(group)}`);
            toast(`${group} is deleted`);
            go(pathTo('consumers'));
          }}
        >
          <p>
            Its offsets in {plural(committed, 'partition')} go with it. A consumer that joins it later begins where its
            own setting says (auto.offset.reset).
          </p>
        </Confirm>
      )}
    </>
  );
}

function UnknownGroup({ group }: { readonly group: string }) {
  const list = useResource<GroupList>('/api/v1/groups');
  return (
    <>
      <Note kind="warn">
        There is no consumer group <b>{group}</b> with members or offsets: it never was, has been deleted, or nobody
        used it for too long. This page shows it as soon as it comes. <a href={pathTo('consumers')}>All groups</a>
      </Note>
      <Panel title={`Make ${group} come`} flush>
        <Loaded of={list} what="where clients connect">
          {({ bootstrap }) => <ConnectHint bootstrap={bootstrap} group={group} title="Join it with any Kafka client" />}
        </Loaded>
      </Panel>
    </>
  );
}
