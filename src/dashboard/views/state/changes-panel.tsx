/** The events that changed a row, newest first, with what each did; from each to the row just before and just after it. */
import { useSignal } from '@preact/signals';
import type { ChangeJson, ChangesJson, KindJson, StateJson } from '../../../api/projection-documents.ts';
import { count, dateTime, plural } from '../../format.ts';
import { get } from '../../http.ts';
import { journeyLink } from '../../journey-link.ts';
import { Button, ChoiceField } from '../../parts/controls.tsx';
import { Empty, Loading, Note, ProblemNote } from '../../parts/notes.tsx';
import { Panel } from '../../parts/page.tsx';
import { type Column, ExportButtons, Table } from '../../parts/table.tsx';
import { Time } from '../../parts/values.tsx';
import { type Resource, useResource } from '../../resource.ts';
import { pathTo, query, setQuery } from '../../router.ts';
import { useTask } from '../../use-task.ts';
import { changeText, isOutdated } from './document-model.ts';
import { FoldProgress } from './fold-progress.tsx';
import { momentText } from './time-model.ts';

interface ChangesPanelProps {
  readonly name: string;
  readonly documentKey: string;
  readonly at: number | null;
  readonly kind: KindJson | null;
  /** The row as it is now; null where that is not known yet. */
  readonly live: StateJson | null;
  readonly choose: (at: number) => void;
}

const LIMIT = 50;
const MAX_SHOWN = 1_000;
const SHOWN_FIELDS = 3;

export function ChangesPanel(props: ChangesPanelProps) {
  const { name, documentKey, at } = props;
  const before = query('changes') === 'before' && at !== null;
  const search = new URLSearchParams({ key: documentKey, limit: String(LIMIT) });
  if (before) search.set('until', momentText(at));
  const path = `/api/v1/projections/${encodeURIComponent(name)}/changes?${search}`;
  const first = useResource<ChangesJson>(path);
  return <Changes key={`${path} ${first.atMs}`} {...props} path={path} first={first} before={before} />;
}

interface Older {
  readonly changes: readonly ChangeJson[];
  readonly cursor: string | null;
}

interface ChangesProps extends ChangesPanelProps {
  readonly path: string;
  readonly first: Resource<ChangesJson>;
  readonly before: boolean;
}

function Changes({ name, documentKey, at, kind, live, choose, path, first, before }: ChangesProps) {
  const older = useSignal<Older>({ changes: [], cursor: first.data?.cursor ?? null });
  const { busy, problem, run } = useTask();
  const { data } = first;
  const hasNewer = !before && live !== null && data !== null && isOutdated(data.changes, live.document);
  const rows = [...(data?.changes ?? []), ...older.value.changes];
  const columns = columnsOf(kind, choose);
  // the row of the chosen time has come about by this one
  const standsAfter = at === null ? null : rows.find((row) => row.at < at);
  const showOlder = async () => {
    await run(async () => {
      const page = await get<ChangesJson>(`${path}&cursor=${encodeURIComponent(older.value.cursor!)}`);
      older.value = { changes: [...older.value.changes, ...page.changes], cursor: page.cursor };
    });
  };
  return (
    <Panel
      title="Events that changed it"
      note={data === null ? 'newest first' : <ChangesNote data={data} before={before} hasTime={at !== null} />}
      flush
      actions={
        <>
          {at !== null && (
            <ChoiceField
              label="Which"
              bare
              value={before ? 'before' : 'all'}
              options={[
                { value: 'all', text: 'All' },
                { value: 'before', text: 'Before the chosen time' },
              ]}
              onInput={(value) => setQuery({ changes: value === 'all' ? null : value })}
            />
          )}
          <Button small kind={hasNewer ? 'primary' : 'quiet'} onClick={first.reload}>
            {hasNewer ? 'Look again: the row has changed' : 'Look again'}
          </Button>
          <ExportButtons name={`${name}-changes`} columns={EXPORTED} rows={rows} />
        </>
      }
    >
      {first.problem !== null && <ProblemNote problem={first.problem} retry={first.reload} />}
      {data === null && first.problem === null && <FoldProgress name={name} documentKey={documentKey} />}
      {data === null && first.problem === null && <Loading what="the events that changed it" />}
      {data !== null && data.missing > 0 && (
        <Note kind="warn">
          The log no longer has its beginning: {plural(data.missing, 'record')} of before are gone. What they did is not
          known, and the values here lack it.
        </Note>
      )}
      {data !== null && data.from_snapshot !== null && (
        <Note>
          The log no longer has its beginning; a snapshot of {dateTime(data.from_snapshot)} stands in for it. Older
          events are not known.
        </Note>
      )}
      {data !== null && (
        <Table
          caption={`Events that changed ${documentKey}`}
          columns={columns}
          rows={rows.slice(0, MAX_SHOWN)}
          keyOf={({ topic, partition, offset }) => `${topic}/${partition}/${offset}`}
          selected={(row) => row === standsAfter}
          unsorted
          empty={
            <Empty title={before ? 'No event had changed it by then' : 'No event has changed it yet'}>
              <p>{plural(data.searched, 'record')} were looked through.</p>
            </Empty>
          }
        />
      )}
      {problem.value !== null && <ProblemNote problem={problem.value} retry={() => void showOlder()} />}
      {older.value.cursor !== null && (
        <div class="row state-more">
          {rows.length < MAX_SHOWN ? (
            <Button small busy={busy.value} onClick={() => void showOlder()}>
              Show older
            </Button>
          ) : (
            <span class="small muted">
              {count(MAX_SHOWN)} are shown; choose an earlier time and “Before the chosen time” to go further back.
            </span>
          )}
        </div>
      )}
    </Panel>
  );
}

interface ChangesNoteProps {
  readonly data: ChangesJson;
  readonly before: boolean;
  readonly hasTime: boolean;
}

function ChangesNote({ data: { total, searched, changes }, before, hasTime }: ChangesNoteProps) {
  const which = before ? ' before the chosen time' : '';
  return (
    <>
      <span data-figure="changes.total">{count(total)}</span>
      {which}, newest first; found in {plural(searched, 'record')}
      {hasTime && changes.length > 0 && '; marked: the last one before the chosen time'}
    </>
  );
}

const EXPORTED: readonly Pick<Column<ChangeJson>, 'head' | 'value'>[] = [
  { head: 'recorded_at', value: ({ at }) => new Date(at).toISOString() },
  { head: 'event_id', value: ({ event_id }) => event_id },
  { head: 'event_type', value: ({ event_type }) => event_type },
  { head: 'user_id', value: ({ user_id }) => user_id },
  { head: 'event_time', value: ({ event_time }) => event_time },
  { head: 'topic', value: ({ topic }) => topic },
  { head: 'partition', value: ({ partition }) => partition },
  { head: 'offset', value: ({ offset }) => offset },
  { head: 'changes', value: ({ fields }) => fields.map((field) => changeText(field)).join('; ') },
];

function columnsOf(kind: KindJson | null, choose: (at: number) => void): readonly Column<ChangeJson>[] {
  return [
    {
      head: 'Recorded',
      names: true,
      value: ({ at }) => at,
      show: ({ at }) => (
        <span class="state-when">
          <Time at={at} as="full" />
        </span>
      ),
    },
    {
      head: 'Event',
      value: ({ event_id }) => event_id,
      show: ({ event_id, event_type, topic, partition, offset }) => (
        <a href={journeyLink(event_id, `${topic}:${partition}:${offset}`)} title={`${event_id}: its journey`}>
          {event_type}
        </a>
      ),
    },
    {
      head: 'By',
      value: ({ user_id }) => user_id,
      show: ({ user_id }) => (
        <span class="cut state-by" title={user_id}>
          {user_id}
        </span>
      ),
    },
    {
      head: 'What it did',
      value: ({ field_count }) => field_count,
      show: ({ fields, field_count: total }) => <Fields fields={fields} total={total} kind={kind} />,
    },
    {
      head: 'The row',
      value: ({ at }) => at,
      show: ({ at, event_type }) => (
        <span class="state-jump">
          <Button
            small
            kind="quiet"
            label={`before ${event_type} at ${dateTime(at)}: the row then`}
            onClick={() => choose(at)}
          >
            before
          </Button>
          <Button
            small
            kind="quiet"
            label={`after ${event_type} at ${dateTime(at)}: the row then`}
            onClick={() => choose(at + 1)}
          >
            after
          </Button>
        </span>
      ),
    },
    {
      head: 'Stored at',
      value: ({ topic, partition, offset }) => `${topic}/${partition}/${offset}`,
      show: ({ topic, partition, offset }) => (
        <a class="state-when" href={pathTo('topics', topic, String(partition), String(offset))}>
          {topic} {partition}:{count(offset)}
        </a>
      ),
    },
  ];
}

function Fields({ fields, total, kind }: { fields: ChangeJson['fields']; total: number; kind: KindJson | null }) {
  const typeOf = (field: string) => kind?.fields[field]?.type ?? kind?.entries?.type;
  return (
    <ul class="state-changed">
      {fields.slice(0, SHOWN_FIELDS).map((field) => (
        <li key={field.field}>{changeText(field, typeOf(field.field))}</li>
      ))}
      {total > SHOWN_FIELDS && <li class="muted">and {plural(total - SHOWN_FIELDS, 'field')} more</li>}
    </ul>
  );
}
