/** One kind of failure: how often, since when, and its letters. */
import { useSignal } from '@preact/signals';
import type { DeadLetterGroupJson, DeadLetterGroupsJson } from '../../../api/dead-letter-groups.ts';
import { count, duration } from '../../format.ts';
import { nowMs } from '../../now.ts';
import { Button } from '../../parts/controls.tsx';
import { Empty, Loaded, Note } from '../../parts/notes.tsx';
import { Figures, Page, Panel } from '../../parts/page.tsx';
import { Time } from '../../parts/values.tsx';
import { useResource } from '../../resource.ts';
import { pathTo, query, setQuery } from '../../router.ts';
import { FailureChart } from './failure-chart.tsx';
import { wordsOf } from './failure-words.ts';
import { LetterFilters } from './letter-filters.tsx';
import { filterBody, filterOf, type LetterFilter } from './letters-query.ts';
import { LettersTable } from './letters-table.tsx';
import { ReplayDialog, type Selection } from './replay-dialog.tsx';
import { ReplayPanel } from './replay-panel.tsx';

const POLL_MS = 2_000;
const CRUMBS = [{ text: 'Failures', href: '/failures' }];

export function GroupPage({ fingerprint }: { readonly fingerprint: string }) {
  const known = /^[0-9a-f]{16}$/.test(fingerprint);
  const groups = useResource<DeadLetterGroupsJson>(known ? `/api/v1/dlq/groups?fingerprint=${fingerprint}` : null, {
    everyMs: POLL_MS,
  });
  if (!known)
    return (
      <Page title="Failure" crumbs={CRUMBS}>
        <Note kind="warn">A kind of failure has sixteen hexadecimal digits at the end of its address.</Note>
      </Page>
    );
  const group = groups.data?.groups[0];
  return (
    <Page
      title={group === undefined ? 'Failure' : group.code}
      crumbs={CRUMBS}
      lead={group === undefined ? undefined : wordsOf(group.code).title}
    >
      <Loaded of={groups} what="this kind of failure">
        {(data) =>
          group === undefined ? (
            <Empty title="No dead letter of this kind is listed">
              <p>
                Retention may have removed them, or they are older than those that are listed.{' '}
                <a href="/failures">All failures</a>
              </p>
            </Empty>
          ) : (
            <Group group={group} data={data} />
          )
        }
      </Loaded>
    </Page>
  );
}

function Group({ group, data }: { readonly group: DeadLetterGroupJson; readonly data: DeadLetterGroupsJson }) {
  const { fingerprint, shape, handler, topic } = group;
  const filter = filterOf(query, 'no');
  const replaying = useSignal(false);
  const job = query('replay');
  return (
    <>
      {job !== '' && <ReplayPanel id={job} onClose={() => setQuery({ replay: null })} />}
      <p class="failure-shape-whole">{shape}</p>
      <Figures
        items={[
          { label: 'Open', value: count(group.open), name: 'group-open' },
          { label: 'In all', value: count(group.count), name: 'group-count' },
          { label: 'Handler', value: <a href={pathTo('consumers', group.group)}>{handler ?? group.group}</a> },
          { label: 'Topic', value: <a href={pathTo('topics', topic)}>{topic}</a> },
          { label: 'First', value: <Time at={group.first_seen_at} as="ago" /> },
          { label: 'Last', value: <Time at={group.last_seen_at} as="ago" /> },
        ]}
      />
      <p class="muted">
        {wordsOf(group.code).advice} <a href={pathTo('failures', 'letters', group.example_id)}>Open the newest one</a>
      </p>
      <Panel title="Over time" note={`dead letters per ${duration(data.bucket_ms)}`}>
        <FailureChart data={data} />
      </Panel>
      <LetterFilters filter={filter} defaultReplayed="no" kinds={false} />
      <LettersTable
        filter={filter}
        fingerprint={fingerprint}
        actions={
          <Button
            small
            disabled={group.open === 0}
            onClick={() => {
              replaying.value = true;
            }}
          >
            Replay open ones …
          </Button>
        }
        empty={
          <Empty title={filter.replayed === 'no' ? 'None of these is open' : 'None of these fits'}>
            <p>
              <a href={`${pathTo('failures', fingerprint)}?replayed=all`}>Show all, replayed ones too</a>
            </p>
          </Empty>
        }
      />
      {replaying.value && (
        <ReplayDialog
          what={isNarrowed(filter) ? 'the open ones of this kind that are listed' : 'the open ones of this kind'}
          selection={selectionOf(fingerprint, filter)}
          onStarted={({ id }) => {
            setQuery({ replay: id }, { replace: false });
            scrollTo({ top: 0 });
          }}
          onClose={() => {
            replaying.value = false;
          }}
        />
      )}
    </>
  );
}

function isNarrowed(filter: LetterFilter): boolean {
  return Object.keys(filterBody(filter, 0)).length > 0;
}

function selectionOf(fingerprint: string, filter: LetterFilter): Selection {
  return isNarrowed(filter) ? { filter: { ...filterBody(filter, nowMs.peek()), fingerprint } } : { fingerprint };
}
