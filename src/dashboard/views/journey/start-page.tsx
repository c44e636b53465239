/** Where no event is named: the newest ones, and those that were given up, to begin with. */
import type { DeadLetterJson } from '../../../api/dead-letter-json.ts';
import type { RecordPage } from '../../../api/topic-records.ts';
import { journeyLink } from '../../journey-link.ts';
import { ChoiceField } from '../../parts/controls.tsx';
import { Empty, Loaded } from '../../parts/notes.tsx';
import { Page, Panel } from '../../parts/page.tsx';
import { State } from '../../parts/state.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { Id, Time } from '../../parts/values.tsx';
import { useResource } from '../../resource.ts';
import { pathTo, query, setQuery } from '../../router.ts';
import { FollowForm } from './follow-form.tsx';

type Row = RecordPage['records'][number];

const TOPICS = ['content-interactions', 'user-actions', 'system-events'] as const;
const EVERY_MS = 3_000;
const NEWEST = 12;

export function StartPage() {
  const topic = TOPICS.find((name) => name === query('topic')) ?? TOPICS[0];
  const newest = useResource<RecordPage>(`/api/v1/topics/${topic}/records?max=${NEWEST}`, { everyMs: EVERY_MS });
  const letters = useResource<{ readonly entries: readonly DeadLetterJson[] }>('/api/v1/dlq?limit=8&replayed=all', {
    everyMs: EVERY_MS,
  });
  return (
    <Page
      title="Journey"
      lead="One event followed through the system: when it was published, where it was stored, what each handler made of it, and how long everything took."
    >
      <FollowForm />
      <Panel
        title="Newest events"
        flush
        actions={
          <ChoiceField
            label="Topic"
            value={topic}
            options={TOPICS.map((value) => ({ value, text: value }))}
            onInput={(value) => setQuery({ topic: value === TOPICS[0] ? null : value })}
          />
        }
      >
        <Loaded of={newest} what="events">
          {({ records }) => (
            <Table
              caption={`Newest events of ${topic}`}
              unsorted
              columns={NEWEST_COLUMNS}
              rows={records}
              keyOf={placeOf}
              empty={
                <Empty title="There are no events yet.">
                  <p>
                    <a href="/topics?tab=publish">Publish one</a>, or run the demo from the <a href="/">start page</a>.
                  </p>
                </Empty>
              }
            />
          )}
        </Loaded>
      </Panel>
      <Panel title="Newest dead letters" flush actions={<a href="/failures">All failures</a>}>
        <Loaded of={letters} what="dead letters">
          {({ entries }) => (
            <Table
              caption="The newest dead letters, open and replayed"
              unsorted
              columns={LETTER_COLUMNS}
              rows={entries}
              keyOf={({ id }) => id}
              empty={<Empty title="Nothing was given up.">Events that no retry can help are listed here.</Empty>}
            />
          )}
        </Loaded>
      </Panel>
    </Page>
  );
}

const NEWEST_COLUMNS: readonly Column<Row>[] = [
  {
    head: 'Event',
    names: true,
    value: idOf,
    show: (row) => <Id value={idOf(row) ?? placeOf(row)} href={journeyLink(idOf(row), placeOf(row))} />,
  },
  {
    head: 'Type',
    value: typeOf,
    show: (row) => (row.readable === false ? <State kind="bad">unreadable</State> : (typeOf(row) ?? '–')),
  },
  { head: 'Key', value: ({ key }) => key, show: ({ key }) => <span class="mono">{key ?? '–'}</span> },
  { head: 'Published', value: ({ timestamp }) => timestamp, show: ({ timestamp }) => <Time at={timestamp} as="ago" /> },
];

const LETTER_COLUMNS: readonly Column<DeadLetterJson>[] = [
  {
    head: 'Record',
    names: true,
    value: recordOf,
    show: (row) => <Id value={recordOf(row)} href={pathTo('journey', recordOf(row))} />,
  },
  { head: 'Code', value: ({ code }) => code, show: ({ code }) => <code>{code}</code> },
  { head: 'Group', value: ({ group }) => group },
  {
    head: 'State',
    value: ({ replayed }) => (replayed ? 'replayed' : 'open'),
    show: ({ replayed }) => <State kind={replayed ? 'ok' : 'bad'}>{replayed ? 'replayed' : 'open'}</State>,
  },
  {
    head: 'Given up',
    value: ({ captured_at }) => captured_at,
    show: ({ captured_at }) => <Time at={captured_at} as="ago" />,
  },
];

function idOf({ event }: Row): string | null {
  return event?.attributes.id ?? null;
}

function typeOf({ event }: Row): string | null {
  return event?.attributes.type ?? null;
}

function placeOf({ topic, partition, offset }: { topic: string; partition: number; offset: number }): string {
  return `${topic}:${partition}:${offset}`;
}

function recordOf(row: DeadLetterJson): string {
  return placeOf(row);
}
