import type { DrillReportDocument } from '../../../api/drills.ts';
import { download } from '../../download.ts';
import { bytes, count, duration } from '../../format.ts';
import { Button } from '../../parts/controls.tsx';
import { Loaded } from '../../parts/notes.tsx';
import { Page, Pairs, Panel } from '../../parts/page.tsx';
import { Time } from '../../parts/values.tsx';
import { useResource } from '../../resource.ts';
import { pathTo } from '../../router.ts';
import { CourseCharts } from './course-charts.tsx';
import { merged, NO_COURSE } from './run-model.ts';
import { DRILL_CRUMBS } from './run-page.tsx';
import { Verdict } from './verdict.tsx';

/** A report that a run has left, of whoever ran it. */
export function ReportPage({ id }: { readonly id: string }) {
  const report = useResource<DrillReportDocument>(`/api/v1/drills/reports/${encodeURIComponent(id)}`);
  const { data, problem } = report;
  if (data === null && problem?.code === 'UNKNOWN_DRILL_REPORT')
    return (
      <Page title="Report of a drill" crumbs={DRILL_CRUMBS}>
        <Panel title="There is no such report">
          <p>
            Its folder may have been removed, or is in another data directory. Those that are there:{' '}
            <a href={pathTo('cluster', 'drills')}>all reports</a>.
          </p>
        </Panel>
      </Page>
    );
  return (
    <Page
      title={data === null ? 'Report of a drill' : data.drill}
      {...(data === null ? {} : { lead: `${data.proves}.` })}
      crumbs={DRILL_CRUMBS}
      actions={
        data !== null && (
          <Button onClick={() => download(`${id}.json`, 'application/json', `${JSON.stringify(data, null, 2)}\n`)}>
            Save as JSON
          </Button>
        )
      }
    >
      <Loaded of={report} what="the report">
        {(found) => (
          <div class="stack">
            <Verdict verdict={found.verdict} />
            <CourseCharts course={merged(NO_COURSE, found.timeline)} marks={found.marks} isOver />
            <div class="grid">
              <Conditions report={found} />
              <Looked report={found} />
            </div>
          </div>
        )}
      </Loaded>
    </Page>
  );
}

function Conditions({ report }: { readonly report: DrillReportDocument }) {
  const { machine, memory } = report;
  return (
    <Panel title="Under which conditions">
      <Pairs
        items={[
          ['Begun', <Time key="at" at={report.started_at} as="full" />],
          ['Took', duration(report.duration_s * 1_000)],
          ['Load offered', `${count(report.rate_per_second)} events/s`],
          ['Length of phases', `× ${report.scale}`],
          ['Seed', String(report.seed)],
          ['Safeguard taken away', report.sabotage ?? 'none'],
          ['Promises tested', report.promises.join(' ')],
          ['Machine', `${count(machine.cores)} cores, ${bytes(machine.memory_bytes)}, Node ${machine.node}`],
          ...memory.map(
            ({ process, highest_bytes }) => [`Memory of ${process}`, `at most ${bytes(highest_bytes)}`] as const,
          ),
        ]}
      />
    </Panel>
  );
}

/** `in_log` -> `in log` */
function Looked({ report: { checked } }: { readonly report: DrillReportDocument }) {
  return (
    <Panel title="What the checker looked at">
      {checked === null ? (
        <p class="muted">Nothing: the drill did not come so far.</p>
      ) : (
        <Pairs
          items={Object.entries(checked).map(([name, value]) => [name.replaceAll('_', ' '), count(value)] as const)}
        />
      )}
    </Panel>
  );
}
