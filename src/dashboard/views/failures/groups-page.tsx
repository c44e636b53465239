/** What fails, by kind of failure: the page to begin at. */
import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import type { DeadLetterGroupJson, DeadLetterGroupsJson } from '../../../api/dead-letter-groups.ts';
import type { ParkedJson } from '../../../api/parked.ts';
import { count, duration, plural } from '../../format.ts';
import { nowMs } from '../../now.ts';
import { Button } from '../../parts/controls.tsx';
import { Empty, Loaded, Note } from '../../parts/notes.tsx';
import { Figures, Panel } from '../../parts/page.tsx';
import { Sparkline } from '../../parts/sparkline.tsx';
import { type Column, ExportButtons, Table } from '../../parts/table.tsx';
import { useResource } from '../../resource.ts';
import { go, pathTo, query } from '../../router.ts';
import { Ago } from './ago.tsx';
import { FailureChart } from './failure-chart.tsx';
import { FailuresFrame, MakeFailureButton } from './failures-frame.tsx';
import { LetterFilters } from './letter-filters.tsx';
import { apiQuery, filterBody, filterOf, filterWords } from './letters-query.ts';
import { ReplayDialog } from './replay-dialog.tsx';

const POLL_MS = 2_000;
const OVER_TIME = 'Over time';

const COLUMNS: readonly Column<DeadLetterGroupJson>[] = [
  {
    head: 'Failure',
    names: true,
    value: ({ code, shape }) => `${code}: ${shape}`,
    show: ({ fingerprint, code, shape }) => (
      <div class="failure-name">
        <a href={pathTo('failures', fingerprint)}>{code}</a>
        <span class="failure-shape">{shape}</span>
      </div>
    ),
  },
  { head: 'Open', number: true, value: ({ open }) => open, show: ({ open }) => count(open) },
  { head: 'In all', number: true, value: (group) => group.count, show: (group) => count(group.count) },
  {
    head: OVER_TIME,
    value: ({ counts }) => counts.at(-1),
    show: ({ code, counts }) => (
      <Sparkline values={counts} label={`${code}: at most ${plural(Math.max(...counts), 'letter')} in one step`} />
    ),
  },
  { head: 'Last', value: (group) => group.last_seen_at, show: (group) => <Ago at={group.last_seen_at} /> },
  { head: 'First', value: (group) => group.first_seen_at, show: (group) => <Ago at={group.first_seen_at} /> },
  {
    head: 'Handler',
    value: ({ handler, group }) => handler ?? group,
    show: ({ handler, group }) => <a href={pathTo('consumers', group)}>{handler ?? group}</a>,
  },
  {
    head: 'Topic',
    value: ({ topic }) => topic,
    show: ({ topic }) => (
      <a class="failure-place" href={pathTo('topics', topic)}>
        {topic}
      </a>
    ),
  },
];
/** A curve is no cell of a file; JSON has its numbers. */
const EXPORTED = COLUMNS.filter(({ head }) => head !== OVER_TIME);

export function GroupsPage() {
  const filter = filterOf(query, 'all');
  // an address that changes with every second would be asked for every second
  const path = `/api/v1/dlq/groups?${apiQuery(filter, nowMs.value)}`;
  const groups = useResource<DeadLetterGroupsJson>(path, { everyMs: POLL_MS });
  const last = useSignal<DeadLetterGroupsJson | null>(null);
  if (groups.data !== null) last.value = groups.data;
  const parked = useResource<ParkedJson>('/api/v1/parked?limit=1', { everyMs: POLL_MS });
  const isFiltered = Object.keys(filterBody(filter, 0)).length > 0 || filter.replayed !== 'all';
  const shown = { ...groups, data: groups.data ?? last.value };
  return (
    <FailuresFrame
      title="Failures"
      lead="Events that could not be processed are set aside with their original bytes, and the others go on. Here is what they have in common; look, repair a copy, and send it again: it counts once."
    >
      <Loaded of={shown} what="dead letters">
        {(data) =>
          data.matching === 0 && data.older === 0 && !isFiltered ? (
            <NothingFailed parked={parked.data} />
          ) : (
            <Groups data={data} parked={parked.data} filter={filter} />
          )
        }
      </Loaded>
    </FailuresFrame>
  );
}

function NothingFailed({ parked }: { readonly parked: ParkedJson | null }) {
  return (
    <Panel title="No event was given up so far">
      <div class="failure-empty">
        <p>
          What cannot be read, what a handler refuses and what fails at every attempt comes here, grouped by what it has
          in common.{' '}
          {parked !== null && parked.parked > 0 && (
            <>
              <a href="/failures/parked">{plural(parked.parked, 'event')}</a> wait for another attempt right now.
            </>
          )}
        </p>
        <p>
          To see how it looks, make a failure: a test record that is clearly marked as one. The demo on Pulse makes some
          too.
        </p>
        <p class="row failure-empty-action">
          <MakeFailureButton primary />
        </p>
      </div>
    </Panel>
  );
}

interface GroupsProps {
  readonly data: DeadLetterGroupsJson;
  readonly parked: ParkedJson | null;
  readonly filter: ReturnType<typeof filterOf>;
}

function Groups({ data, parked, filter }: GroupsProps) {
  const replaying = useSignal(false);
  const open = useMemo(() => data.groups.reduce((sum, group) => sum + group.open, 0), [data]);
  return (
    <>
      <Figures
        items={[
          { label: 'Open dead letters', value: count(data.depth), name: 'dlq-depth' },
          { label: 'Kinds of failure', value: count(data.group_count), name: 'dlq-groups' },
          {
            label: 'Parked',
            value: parked === null ? '–' : <a href="/failures/parked">{count(parked.parked)}</a>,
            note: 'events that wait for another attempt',
            name: 'parked',
          },
        ]}
      />
      <OlderNote older={data.older} listed={data.max_listed} />
      <LetterFilters filter={filter} defaultReplayed="all" />
      <Panel title="Over time" note={`dead letters per ${duration(data.bucket_ms)}`}>
        <FailureChart data={data} />
      </Panel>
      <Panel
        title="By kind"
        note={
          data.group_count > data.groups.length
            ? `the last ${data.groups.length} of ${count(data.group_count)}`
            : undefined
        }
        flush
        actions={
          <>
            <ExportButtons name="failures" columns={EXPORTED} rows={data.groups} />
            <Button
              small
              disabled={open === 0 || filter.replayed === 'only'}
              onClick={() => {
                replaying.value = true;
              }}
            >
              Replay {count(open)} open …
            </Button>
          </>
        }
      >
        <Table
          caption="Dead letters by kind of failure"
          columns={COLUMNS}
          rows={data.groups}
          keyOf={({ fingerprint }) => fingerprint}
          tall
          empty={
            <Empty title="None of these fits">
              <p>
                <a href="/failures">Show all</a>
              </p>
            </Empty>
          }
        />
      </Panel>
      {replaying.value && (
        <ReplayDialog
          what={`the open dead letters ${filterWords(filter)}`}
          selection={{ filter: filterBody(filter, Date.now()) }}
          onStarted={({ id }) => go(pathTo('failures', 'replays', id))}
          onClose={() => {
            replaying.value = false;
          }}
        />
      )}
    </>
  );
}

/** What the list lacks is said. */
export function OlderNote({ older, listed }: { readonly older: number; readonly listed: number }) {
  if (older === 0) return null;
  return (
    <Note kind="warn">
      {plural(older, 'open dead letter')} more {older === 1 ? 'is' : 'are'} older than the {count(listed)} that are
      listed here. They stay in their <a href="/topics">.dlq topics</a>, where they can be read; they are not replayed
      from here.
    </Note>
  );
}
