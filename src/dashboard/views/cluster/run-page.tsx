import { useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import type { DrillRun } from '../../../api/drills.ts';
import { clock, count, duration } from '../../format.ts';
import { remove } from '../../http.ts';
import { nowMs } from '../../now.ts';
import { Button } from '../../parts/controls.tsx';
import { Confirm } from '../../parts/dialog.tsx';
import { Loading, Note, ProblemNote } from '../../parts/notes.tsx';
import { Figures, Page, Panel } from '../../parts/page.tsx';
import { ScrollRegion } from '../../parts/scroll-region.tsx';
import { State } from '../../parts/state.tsx';
import { Time } from '../../parts/values.tsx';
import { pathTo } from '../../router.ts';
import { CourseCharts } from './course-charts.tsx';
import { isUnderWay, RUN_STATES } from './run-model.ts';
import { watchRun } from './run-watch.ts';
import { Verdict } from './verdict.tsx';

export const DRILL_CRUMBS = [
  { text: 'Cluster and drills', href: pathTo('cluster') },
  { text: 'Drills', href: pathTo('cluster', 'drills') },
];

/** A run of this server, as it goes on. */
export function RunPage({ id }: { readonly id: string }) {
  const watched = useMemo(() => watchRun(id), [id]);
  useEffect(() => watched.stop, [watched]);
  const { run, course, problem } = watched.state.value;
  const title = run === null ? 'A drill' : run.drill;
  if (run === null && problem?.code === 'UNKNOWN_DRILL_RUN')
    return (
      <Page title={title} crumbs={DRILL_CRUMBS}>
        <Panel title="This server knows of no such run">
          <p>
            Runs are forgotten when the server ends, and after five others. What it left is among the{' '}
            <a href={pathTo('cluster', 'drills')}>reports</a>.
          </p>
        </Panel>
      </Page>
    );
  return (
    <Page title={title} crumbs={DRILL_CRUMBS} actions={run !== null && <Cancel run={run} onDone={watched.again} />}>
      {problem !== null && <ProblemNote problem={problem} retry={watched.again} />}
      {run === null && problem === null && <Loading what="the run" />}
      {run !== null && (
        <>
          <Now run={run} />
          {run.error !== null && (
            <Note kind="bad">
              It broke off without a verdict: {run.error.message} <code>{run.error.code}</code>
            </Note>
          )}
          {run.verdict !== null && <Verdict verdict={run.verdict} />}
          {run.report !== null && (
            <p>
              <a href={pathTo('cluster', 'drills', 'reports', run.report)}>Its report</a>, which stays when this server
              ends.
            </p>
          )}
          <CourseCharts course={course} marks={run.marks} isOver={run.ended_at !== null} />
          <ProgressLines run={run} />
        </>
      )}
    </Page>
  );
}

function Now({ run }: { readonly run: DrillRun }) {
  const { kind, text } = RUN_STATES[run.state];
  const latest = run.progress.at(-1)?.text;
  const untilMs = run.ended_at === null ? nowMs.value : Date.parse(run.ended_at);
  return (
    <Panel title="The run" note={<Time at={run.started_at} as="full" />}>
      <div class="stack">
        <Figures
          items={[
            { label: 'State', name: 'drill-state', value: <State kind={kind}>{text}</State> },
            {
              label: run.ended_at === null ? 'For' : 'Took',
              value: duration(Math.max(0, untilMs - Date.parse(run.started_at))),
            },
            { label: 'Load offered', value: `${count(run.rate_per_second)}/s`, note: 'events' },
            { label: 'Length of phases', value: `× ${run.scale}` },
            { label: 'Seed', value: String(run.seed) },
            ...(run.sabotage === null ? [] : [{ label: 'Safeguard taken away', value: run.sabotage }]),
          ]}
        />
        {isUnderWay(run.state) && <p role="status">{latest ?? 'Its process is starting.'}</p>}
      </div>
    </Panel>
  );
}

function ProgressLines({ run: { progress } }: { readonly run: DrillRun }) {
  if (progress.length === 0) return null;
  return (
    <Panel title="What it did" note="the last 200 lines, the newest first" flush>
      <ScrollRegion class="cluster-log" label="Lines of progress">
        <ol>
          {progress.toReversed().map(({ at, text }, index) => (
            <li key={`${at}-${progress.length - index}`}>
              <time dateTime={at}>{clock(at)}</time> {text}
            </li>
          ))}
        </ol>
      </ScrollRegion>
    </Panel>
  );
}

function Cancel({ run, onDone }: { readonly run: DrillRun; readonly onDone: () => void }) {
  const asked = useSignal(false);
  if (!isUnderWay(run.state)) return null;
  return (
    <>
      <Button
        kind="danger"
        busy={run.state === 'CANCELLING'}
        onClick={() => {
          asked.value = true;
        }}
      >
        {run.state === 'CANCELLING' ? 'Cancelling' : 'Cancel the run'}
      </Button>
      {asked.value && (
        <Confirm
          title={`Cancel ${run.drill}?`}
          action="Cancel the run"
          danger
          onConfirm={async () => {
            await remove(`/api/v1/drills/runs/${run.id}`);
            onDone();
          }}
          onClose={() => {
            asked.value = false;
          }}
        >
          Its processes and servers end, its files are removed, and there is no verdict and no report.
        </Confirm>
      )}
    </>
  );
}
