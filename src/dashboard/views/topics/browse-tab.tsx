/** The message browser: a question in the address, its answer page by page. */
import { useSignal, useSignalEffect } from '@preact/signals';
import { useLayoutEffect } from 'preact/hooks';
import type { RecordPage } from '../../../api/topic-records.ts';
import { bytes, plural } from '../../format.ts';
import { asProblem, get, type Problem } from '../../http.ts';
import { Button } from '../../parts/controls.tsx';
import { Empty, Loading, ProblemNote } from '../../parts/notes.tsx';
import { Panel } from '../../parts/page.tsx';
import { ExportButtons } from '../../parts/table.tsx';
import { pathTo, query, setQuery, withQuery } from '../../router.ts';
import { BrowseForm } from './browse-form.tsx';
import { addressOf, type BrowseQuery, pathOf, readBrowseQuery } from './browse-query.ts';
import { RECORD_COLUMNS, recordJson } from './record-columns.ts';
import { RecordDetail } from './record-detail.tsx';
import { RecordList } from './record-list.tsx';
import { type RecordRow, rowOf } from './record-row.ts';
import { derivedFrom } from './topic-words.ts';

/** Shown at once; who wants more narrows the question. */
const MAX_ROWS = 2_000;

interface Props {
  readonly topic: string;
  /** Null: not known yet. */
  readonly partitions: number | null;
}

interface Found {
  readonly rows: readonly RecordRow[];
  readonly scanned: number;
  readonly scannedBytes: number;
  readonly last: RecordPage | null;
}

const NOTHING: Found = { rows: [], scanned: 0, scannedBytes: 0, last: null };

export function BrowseTab({ topic, partitions }: Props) {
  const asked = readBrowseQuery(query);
  const turn = useSignal(0);
  const search = useSearch(topic, asked, turn.value);
  const { rows, scanned, scannedBytes, last } = search.found;
  const selected = query('record');
  const isFiltered = asked.key !== '' || asked.type !== '' || asked.text !== '';
  return (
    <div class="stack">
      <BrowseForm
        asked={asked}
        partitions={partitions}
        onAsk={(next) => {
          setQuery({ ...addressOf(next), record: null }, { replace: false });
          turn.value++;
        }}
      />
      {search.problem !== null && <ProblemNote problem={search.problem} retry={() => void turn.value++} />}
      <div class={selected === '' ? '' : 'records-beside'}>
        <Panel
          title="Records"
          note={
            last !== null && (
              <>
                <span data-figure="records.shown">{rows.length}</span> shown
                {isFiltered && ` of ${plural(scanned, 'record')} looked at (${bytes(scannedBytes)} read)`}
                {last.partition !== null && `, partition ${last.partition} only`}
              </>
            )
          }
          actions={
            <>
              <Button small busy={search.loading} onClick={() => void turn.value++}>
                Look again
              </Button>
              <ExportButtons name={`${topic}-records`} columns={RECORD_COLUMNS} rows={rows} json={recordJson} />
            </>
          }
          flush
        >
          {rows.length > 0 && (
            <RecordList
              label={`Records of ${topic}`}
              rows={rows}
              selected={selected}
              hrefOf={({ id }) => withQuery({ record: id })}
            />
          )}
          {last === null && search.problem === null && <Loading what="records" />}
          {last !== null && rows.length === 0 && (
            <NoRecords asked={asked} scanned={scanned} more={last.more} topic={topic} />
          )}
          {last?.more && (
            <div class="records-more row">
              {rows.length >= MAX_ROWS ? (
                <span class="muted">{plural(MAX_ROWS, 'record')} are the most that is shown: narrow the search.</span>
              ) : (
                <>
                  <Button busy={search.loading} onClick={search.more}>
                    {last.stopped_by === 'scan' ? 'Look further' : 'More'}
                  </Button>
                  {last.stopped_by === 'scan' && (
                    <span class="muted">One look reads 10,000 records at most; there are more.</span>
                  )}
                </>
              )}
            </div>
          )}
        </Panel>
        {selected !== '' && <RecordDetail key={selected} topic={topic} id={selected} />}
      </div>
    </div>
  );
}

interface NoRecordsProps {
  readonly asked: BrowseQuery;
  readonly scanned: number;
  readonly more: boolean;
  readonly topic: string;
}

function NoRecords({ asked, scanned, more, topic }: NoRecordsProps) {
  const isNarrow =
    asked.key !== '' || asked.type !== '' || asked.text !== '' || asked.start !== 'end' || asked.partition !== '';
  if (more) return <Empty title={`Nothing found among ${plural(scanned, 'record')}`} />;
  if (isNarrow)
    return (
      <Empty title="No record is like that">
        <a href={pathTo('topics', topic)}>Show all records</a>
      </Empty>
    );
  return (
    <Empty title="There is no record">
      {derivedFrom(topic) === null ? (
        <a href="/topics?tab=publish">Publish an event</a>
      ) : (
        <p>It has {derivedFrom(topic)!.what} once there are some.</p>
      )}
    </Empty>
  );
}

/** The answer to what is asked, from its first page on; what was asked before is given up. */
function useSearch(topic: string, asked: BrowseQuery, turn: number) {
  const found = useSignal<Found>(NOTHING);
  const loading = useSignal(false);
  const problem = useSignal<Problem | null>(null);
  const path = pathOf(topic, asked, null);
  const question = useSignal({ path, turn, cursor: null as string | null });
  useLayoutEffect(() => {
    const before = question.peek();
    if (before.path === path && before.turn === turn) return;
    found.value = NOTHING;
    problem.value = null;
    question.value = { path, turn, cursor: null };
  }, [path, turn]);

  useSignalEffect(() => {
    const { path: base, cursor } = question.value;
    const stop = new AbortController();
    loading.value = true;
    get<RecordPage>(cursor === null ? base : `${base}&cursor=${cursor}`, { signal: stop.signal }).then(
      (page) => {
        if (stop.signal.aborted) return;
        const before = cursor === null ? NOTHING : found.peek();
        found.value = {
          rows: [...before.rows, ...page.records.map(rowOf)].slice(0, MAX_ROWS),
          scanned: before.scanned + page.scanned,
          scannedBytes: before.scannedBytes + page.scanned_bytes,
          last: page,
        };
        problem.value = null;
        loading.value = false;
      },
      (error) => {
        if (stop.signal.aborted) return;
        problem.value = asProblem(error);
        loading.value = false;
      },
    );
    return () => stop.abort();
  });
  return {
    found: found.value,
    loading: loading.value,
    problem: problem.value,
    more: () => {
      question.value = { ...question.peek(), cursor: found.peek().last?.cursor ?? null };
    },
  };
}
