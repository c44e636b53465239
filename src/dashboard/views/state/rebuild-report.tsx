import { useSignal } from '@preact/signals';
import type { RebuildJson } from '../../../api/projections.ts';
import { count, dateTime, duration, plural } from '../../format.ts';
import { post, remove } from '../../http.ts';
import { nowMs } from '../../now.ts';
import { Button } from '../../parts/controls.tsx';
import { Confirm } from '../../parts/dialog.tsx';
import { Note } from '../../parts/notes.tsx';
import { type Figure, Figures, Panel } from '../../parts/page.tsx';
import { State } from '../../parts/state.tsx';
import { type Column, ExportButtons, Table } from '../../parts/table.tsx';
import { Progress, Time } from '../../parts/values.tsx';
import { pathTo } from '../../router.ts';
import { valueText } from './document-model.ts';
import { type DifferenceRow, differenceRows, isWaiting, phaseText, progressOf, stateKindOf } from './rebuild-model.ts';

interface ReportProps {
  readonly name: string;
  readonly report: RebuildJson;
  readonly reload: () => void;
}

type Question = 'swap' | 'let go' | 'cancel';

export function RebuildReport({ name, report, reload }: ReportProps) {
  const asked = useSignal<Question | null>(null);
  const running = report.state === 'RUNNING';
  const waiting = isWaiting(report);
  const ask = (question: Question) => () => {
    asked.value = question;
  };
  return (
    <>
      <Panel
        title={running ? 'Rebuild under way' : 'Last rebuild'}
        note={
          <>
            begun <Time at={report.started_at} as="ago" />
          </>
        }
        actions={
          <>
            {waiting && (
              <>
                <Button small kind="primary" onClick={ask('swap')}>
                  Swap it in …
                </Button>
                <Button small onClick={ask('let go')}>
                  Let it go
                </Button>
              </>
            )}
            {running && !waiting && (
              <Button small onClick={ask('cancel')}>
                Cancel …
              </Button>
            )}
          </>
        }
      >
        <div class="stack">
          <div role="status" data-rebuild={report.state}>
            <State kind={stateKindOf(report)}>{phaseText(report)}</State>
          </div>
          {running && report.phase === 'folding' && (
            <Progress label="Records folded" {...progressOf(report, nowMs.value)} />
          )}
          {report.error !== null && report.state === 'FAILED' && (
            <Note kind="bad">
              {report.error.message} <code class="muted">{report.error.code}</code>
            </Note>
          )}
          <Figures items={figuresOf(report)} />
        </div>
      </Panel>
      {report.comparison !== null && <Differences name={name} report={report} />}
      {asked.value !== null && (
        <Question
          name={name}
          report={report}
          question={asked.value}
          onDone={reload}
          onClose={() => {
            asked.value = null;
          }}
        />
      )}
    </>
  );
}

function figuresOf(report: RebuildJson): Figure[] {
  const {
    folded,
    behind,
    version,
    from_snapshot: snapshot,
    paused_ms: paused,
    started_at,
    ended_at,
    decide_by,
  } = report;
  const figures: Figure[] = [
    { label: 'Folded', value: count(folded), note: 'records', name: 'rebuild.folded' },
    {
      label: 'Began with',
      value: snapshot === null ? 'the log' : dateTime(snapshot),
      note: snapshot === null ? '' : 'snapshot',
    },
  ];
  if (ended_at === null) figures.push({ label: 'Behind the live version', value: count(behind), note: 'records' });
  else figures.push({ label: 'Took', value: duration(Date.parse(ended_at) - Date.parse(started_at)) });
  if (decide_by !== null)
    figures.push({ label: 'Let go by itself in', value: duration(Math.max(0, Date.parse(decide_by) - nowMs.value)) });
  if (paused !== null) figures.push({ label: 'Consumers waited', value: duration(paused) });
  if (version !== null) figures.push({ label: 'Version', value: version });
  return figures;
}

const DIFFERENCES = (name: string): readonly Column<DifferenceRow>[] => [
  {
    head: 'Row',
    names: true,
    value: ({ key }) => key,
    show: ({ key }) => <a href={pathTo('state', name, key)}>{key}</a>,
  },
  { head: 'Field', value: ({ field }) => field },
  { head: 'Live', number: true, value: ({ live }) => live, show: ({ live }) => valueText(live, undefined) },
  {
    head: 'Rebuilt',
    number: true,
    value: ({ rebuilt }) => rebuilt,
    show: ({ rebuilt }) => <strong>{valueText(rebuilt, undefined)}</strong>,
  },
];

function Differences({ name, report }: { readonly name: string; readonly report: RebuildJson }) {
  const { compared, differing, differences } = report.comparison!;
  const rows = differenceRows(report);
  return (
    <Panel
      title="Differences"
      note={`${plural(compared, 'row')} compared at the same positions`}
      flush={differing > 0}
      actions={differing > 0 && <ExportButtons name={`${name}-differences`} columns={DIFFERENCES(name)} rows={rows} />}
    >
      {differing === 0 ? (
        <div data-differences="0">
          <State kind="ok">No differences: the log folds to what is live, to the byte.</State>
        </div>
      ) : (
        <>
          <p class="state-more" data-differences={differing}>
            <State kind="warn">
              {plural(differing, 'row')} {differing === 1 ? 'differs' : 'differ'}
            </State>{' '}
            {differing > differences.length && (
              <span class="muted">; the first {count(differences.length)} are listed</span>
            )}
          </p>
          <Table
            caption="Differences between the live version and the rebuilt one"
            columns={DIFFERENCES(name)}
            rows={rows}
            keyOf={({ key, field }) => `${key} ${field}`}
          />
        </>
      )}
    </Panel>
  );
}

interface QuestionProps extends Omit<ReportProps, 'reload'> {
  readonly question: Question;
  readonly onDone: () => void;
  readonly onClose: () => void;
}

function Question({ name, report, question, onDone, onClose }: QuestionProps) {
  const path = `/api/v1/projections/${encodeURIComponent(name)}/rebuild`;
  const done = async (answer: Promise<unknown>) => {
    await answer;
    onDone();
  };
  if (question === 'cancel')
    return (
      <Confirm
        title="Cancel the rebuild?"
        action="Cancel the rebuild"
        onConfirm={() => done(remove(path))}
        onClose={onClose}
      >
        <p>
          {report.shadow
            ? 'The live version stays as it is; what was folded is removed.'
            : 'The projection stays as far as it came, and its consumers go on from there, one record after the other.'}
        </p>
      </Confirm>
    );
  const swap = question === 'swap';
  const { compared, differing } = report.comparison ?? { compared: 0, differing: 0 };
  return (
    <Confirm
      title={swap ? 'Swap the rebuilt version in?' : 'Let the rebuilt version go?'}
      action={swap ? 'Swap it in' : 'Let it go'}
      onConfirm={() => done(post(`${path}/decision`, { swap }))}
      onClose={onClose}
    >
      <p>
        {swap
          ? `Readers see the rebuilt version at once; ${differing === 0 ? `none of ${plural(compared, 'row')} differs` : `${plural(differing, 'row')} of ${count(compared)} will change`}. Consumers wait a moment.`
          : 'The live version stays as it is; the rebuilt one is removed.'}
      </p>
    </Confirm>
  );
}
