import type { TopicListJson, TopicSummaryJson } from '../../../api/topic-facts.ts';
import { bytes, count, plural, rate } from '../../format.ts';
import { TextField } from '../../parts/controls.tsx';
import { Empty, Loaded, Note } from '../../parts/notes.tsx';
import { Panel } from '../../parts/page.tsx';
import { Badge } from '../../parts/state.tsx';
import { type Column, ExportButtons, Table } from '../../parts/table.tsx';
import { useResource } from '../../resource.ts';
import { pathTo, query, setQuery } from '../../router.ts';
import { derivedFrom, retentionText } from './topic-words.ts';

const EVERY_MS = 2_000;

const COLUMNS: readonly Column<TopicSummaryJson>[] = [
  {
    head: 'Topic',
    names: true,
    value: ({ name }) => name,
    show: ({ name }) => (
      <>
        <a href={pathTo('topics', name)}>{name}</a> {derivedFrom(name) && <Badge>{derivedFrom(name)!.what}</Badge>}
      </>
    ),
  },
  {
    head: 'Records',
    number: true,
    value: ({ records }) => records,
    show: ({ name, records }) => <span data-figure={`records.${name}`}>{count(records)}</span>,
  },
  {
    head: 'Rate',
    unit: 'records/s',
    number: true,
    value: (row) => row.per_second,
    show: (row) => rate(row.per_second),
  },
  { head: 'Size', unit: 'bytes', number: true, value: (row) => row.size_bytes, show: (row) => bytes(row.size_bytes) },
  { head: 'Kept', value: ({ retention }) => retentionText(retention) },
  { head: 'Partitions', number: true, value: (row) => row.partition_count, show: (row) => count(row.partition_count) },
  { head: 'Replicas', number: true, value: (row) => row.replication_factor },
];

export function TopicList() {
  const topics = useResource<TopicListJson>('/api/v1/topics?partitions=false', { everyMs: EVERY_MS });
  const wanted = query('q');
  return (
    <Loaded of={topics} what="topics">
      {({ topics: all, administration }) => {
        const rows = all
          .filter(({ name }) => name.toLowerCase().includes(wanted.toLowerCase()))
          .toSorted((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name, 'en'));
        return (
          <div class="stack">
            {administration.reason !== null && <Note>Size and retention are not known: {administration.reason}</Note>}
            <div class="topics-filter">
              <TextField label="Name contains" type="search" value={wanted} onInput={(q) => setQuery({ q })} />
            </div>
            <Panel
              title="Topics"
              note={`${plural(rows.length, 'topic')}, ${plural(sumOf(rows), 'record')}`}
              actions={<ExportButtons name="topics" columns={COLUMNS} rows={rows} />}
              flush
            >
              <Table
                caption="All topics, or those of that name"
                columns={COLUMNS}
                rows={rows}
                keyOf={({ name }) => name}
                empty={
                  all.length === 0 ? (
                    <Empty title="There is no topic yet">
                      <p>
                        A topic is made by <code>streamsocial topics create -t NAME --partitions 6</code>, or by any
                        Kafka client.
                      </p>
                    </Empty>
                  ) : (
                    <Empty title="No topic has such a name">
                      <a href="/topics">Show all</a>
                    </Empty>
                  )
                }
              />
            </Panel>
          </div>
        );
      }}
    </Loaded>
  );
}

/** What was derived from other topics comes last. */
function rank({ name }: TopicSummaryJson): number {
  return derivedFrom(name) === null ? 0 : 1;
}

/** Of those that are known. */
function sumOf(topics: readonly TopicSummaryJson[]): number {
  return topics.reduce((sum, { records }) => sum + (records ?? 0), 0);
}
