import type { JourneyAnswer } from '../../../api/journeys.ts';
import { Panel } from '../../parts/page.tsx';
import { State } from '../../parts/state.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { Time } from '../../parts/values.tsx';
import { pathTo } from '../../router.ts';
import { type Fate, fateDetail, fateTitle, kindOf } from './journey-words.ts';
import { relative } from './timeline.ts';

type Lane = JourneyAnswer['lanes'][number];

interface Row {
  readonly lane: Lane;
  readonly fate: Fate;
  /** Which record, where there are several. */
  readonly record: string | null;
}

/** What each handler made of each record, those that do not read it included. */
export function HandlersPanel({ journey: { lanes, records } }: { readonly journey: JourneyAnswer }) {
  const rows = lanes.flatMap((lane) =>
    lane.fates.map((fate): Row => ({ lane, fate, record: records.length > 1 ? roleOf(fate, records) : null })),
  );
  const others = lanes.filter(({ reads }) => !reads).map(({ handler }) => handler);
  return (
    <Panel title="Handlers" note="what each made of it, and what that changed" flush>
      <Table
        caption="What each handler made of the event"
        unsorted
        columns={COLUMNS}
        rows={rows}
        keyOf={({ lane, fate }) => `${lane.handler} ${fate.topic} ${fate.partition} ${fate.offset}`}
      />
      {others.length > 0 && (
        <p class="panel-foot small muted">
          Not read by {others.join(', ')}: {others.length === 1 ? 'it reads' : 'they read'} other topics.
        </p>
      )}
    </Panel>
  );
}

const COLUMNS: readonly Column<Row>[] = [
  {
    head: 'Handler',
    names: true,
    value: ({ lane }) => lane.handler,
    show: ({ lane, record }) => (
      <>
        <a href={pathTo('consumers', lane.group)}>{lane.handler}</a>
        {record !== null && <span class="muted"> {record}</span>}
      </>
    ),
  },
  {
    head: 'Outcome',
    value: ({ fate }) => fate.outcome,
    show: ({ fate }) => <State kind={kindOf(fate.state)}>{fateTitle(fate)}</State>,
  },
  {
    head: 'Since stored',
    number: true,
    value: ({ fate }) => fate.since_stored_ms,
    show: ({ fate }) => (fate.since_stored_ms === null ? '–' : relative(fate.since_stored_ms)),
  },
  {
    head: 'More',
    value: ({ fate }) => [fateDetail(fate), fate.note].filter(Boolean).join('. '),
    show: ({ fate }) => <More fate={fate} />,
  },
];

function More({ fate }: { readonly fate: Fate }) {
  const { documents, handler, dead_letter, next_at, note } = fate;
  return (
    <span class="step-detail">
      {fateDetail(fate)}{' '}
      {next_at !== null && (
        <>
          next attempt at <Time at={next_at} />{' '}
        </>
      )}
      {dead_letter !== null && <a href={pathTo('failures', 'letters', dead_letter)}>dead letter</a>}
      {documents.length > 0 && (
        <span class="documents">
          changed{' '}
          {documents.map((key) => (
            <a key={key} class="mono cut" title={key} href={pathTo('state', handler, key)}>
              {key}
            </a>
          ))}
        </span>
      )}
      {note !== null && <span class="muted handler-note">{note}</span>}
    </span>
  );
}

function roleOf(fate: Fate, records: JourneyAnswer['records']): string {
  const record = records.find(
    ({ topic, partition, offset }) => topic === fate.topic && partition === fate.partition && offset === fate.offset,
  );
  if (record === undefined) return '';
  return record.role === 'replay' ? `replay ${record.replay_count}` : record.role;
}
