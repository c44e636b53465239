import type { DrillCatalog, DrillEntry, DrillReportSummary } from '../../../api/drills.ts';
import { ago, count, duration, plural } from '../../format.ts';
import { nowMs } from '../../now.ts';
import { Button } from '../../parts/controls.tsx';
import { Empty, Loaded, Note } from '../../parts/notes.tsx';
import { Pairs, Panel } from '../../parts/page.tsx';
import { Badge, State } from '../../parts/state.tsx';
import { type Column, ExportButtons, Table } from '../../parts/table.tsx';
import { Time } from '../../parts/values.tsx';
import { useResource } from '../../resource.ts';
import { pathTo, query, setQuery, withQuery } from '../../router.ts';
import { DrillStart } from './drill-start.tsx';
import { isUnderWay, RUN_STATES } from './run-model.ts';

const EVERY_MS = 3_000;

export function DrillsPage() {
  const catalog = useResource<DrillCatalog>('/api/v1/drills', { everyMs: EVERY_MS });
  return (
    <Loaded of={catalog} what="the drills">
      {(data) =>
        data.drills.length === 0 ? (
          <Empty title="This server was started without drills.">
            <p>
              From a terminal: <code>streamsocial drill list</code>
            </p>
          </Empty>
        ) : (
          <div class="stack">
            <Current run={data.run} />
            <Drills catalog={data} />
            <Reports drills={data.drills} />
            <StartQuestion catalog={data} />
          </div>
        )
      }
    </Loaded>
  );
}

function Current({ run }: Pick<DrillCatalog, 'run'>) {
  if (run === null) return null;
  const { kind, text } = RUN_STATES[run.state];
  return (
    <Note>
      <div class="row">
        <State kind={kind}>
          {run.drill} {text}
        </State>
        <span class="muted">
          begun <Time at={run.started_at} as="ago" />
        </span>
        <a href={pathTo('cluster', 'drills', 'runs', run.id)}>{isUnderWay(run.state) ? 'Watch it' : 'See the run'}</a>
      </div>
    </Note>
  );
}

function Drills({ catalog: { drills, promises, run } }: { readonly catalog: DrillCatalog }) {
  const isBusy = run !== null && isUnderWay(run.state);
  return (
    <Panel
      title="Drills"
      note={
        isBusy
          ? 'one at a time: another one is running'
          : 'each on a system of its own, on free ports: yours is not touched'
      }
      flush
    >
      <ul class="cluster-drills">
        {drills.map((drill) => (
          <li key={drill.name}>
            <h3>{drill.name}</h3>
            <div class="proves">
              {drill.proves}
              {drill.missing !== null && (
                <p class="small cluster-missing">It cannot run here: it needs {drill.missing.remedy}.</p>
              )}
            </div>
            <span class="promises">
              {drill.promises.map((name) => (
                <span key={name} title={promises[name]}>
                  <Badge>{name}</Badge>
                </span>
              ))}
            </span>
            <span class="last">
              {drill.last_report === null ? (
                <span class="muted">never run</span>
              ) : (
                <LastRun report={drill.last_report} />
              )}
            </span>
            <Button
              small
              disabled={drill.missing !== null || isBusy}
              label={`Run ${drill.name}`}
              onClick={() => setQuery({ run: drill.name }, { replace: false })}
            >
              Run…
            </Button>
          </li>
        ))}
      </ul>
      <details class="cluster-list">
        <summary>What is promised</summary>
        <div class="cluster-pad">
          <Pairs items={Object.entries(promises)} />
        </div>
      </details>
    </Panel>
  );
}

function LastRun({ report: { id, passed, started_at } }: { readonly report: DrillReportSummary }) {
  return (
    <a class="cluster-last" href={pathTo('cluster', 'drills', 'reports', id)}>
      <State kind={passed ? 'ok' : 'bad'}>{passed ? 'passed' : 'failed'}</State>
      <span class="small muted">{ago(started_at, nowMs.value)}</span>
    </a>
  );
}

const REPORTS: readonly Column<DrillReportSummary>[] = [
  {
    head: 'Report',
    value: ({ started_at }) => started_at,
    show: ({ id, started_at }) => (
      <a href={pathTo('cluster', 'drills', 'reports', id)}>
        <Time at={started_at} as="full" />
      </a>
    ),
    names: true,
  },
  { head: 'Drill', value: ({ drill }) => drill, show: ({ drill }) => <a href={withQuery({ drill })}>{drill}</a> },
  {
    head: 'Verdict',
    value: ({ passed }) => (passed ? 'passed' : 'failed'),
    show: ({ passed }) => <State kind={passed ? 'ok' : 'bad'}>{passed ? 'passed' : 'failed'}</State>,
  },
  {
    head: 'Not met',
    value: ({ missed }) => missed.join('; '),
    show: ({ missed, sabotage }) => (
      <>
        {sabotage !== null && <Badge>without its safeguard: {sabotage}</Badge>} {missed.join('; ')}
      </>
    ),
  },
  {
    head: 'Took',
    unit: 's',
    value: ({ duration_s }) => duration_s,
    show: ({ duration_s }) => duration(duration_s * 1_000),
    number: true,
  },
  {
    head: 'Load',
    unit: 'events/s',
    value: ({ rate_per_second }) => rate_per_second,
    show: ({ rate_per_second }) => `${count(rate_per_second)}/s`,
    number: true,
  },
  { head: 'Seed', value: ({ seed }) => seed, number: true },
  { head: 'Scale', value: ({ scale }) => scale, number: true },
];
const MAX_REPORTS = 100;

function Reports({ drills }: { readonly drills: readonly DrillEntry[] }) {
  const drill = query('drill');
  const filter = drills.some(({ name }) => name === drill) ? `&drill=${encodeURIComponent(drill)}` : '';
  const reports = useResource<{ reports: DrillReportSummary[]; total: number }>(
    `/api/v1/drills/reports?limit=${MAX_REPORTS}${filter}`,
    { everyMs: EVERY_MS },
  );
  const rows = reports.data?.reports ?? [];
  const total = reports.data?.total ?? 0;
  return (
    <Panel
      title="Reports"
      note={
        reports.data === null
          ? undefined
          : total > rows.length
            ? `the newest ${rows.length} of ${total}`
            : plural(total, 'report')
      }
      actions={
        <>
          {filter !== '' && <a href={withQuery({ drill: null })}>Of all drills</a>}
          <ExportButtons name="drill-reports" columns={REPORTS} rows={rows} />
        </>
      }
      flush
    >
      <Loaded of={reports} what="the reports">
        {() => (
          <Table
            caption="Reports of earlier runs"
            tall
            columns={REPORTS}
            rows={rows}
            keyOf={({ id }) => id}
            empty={
              <Empty title={filter === '' ? 'No drill was run yet.' : `No report of ${drill} yet.`}>
                <p>
                  Run one above, or from a terminal:{' '}
                  <code>streamsocial drill {filter === '' ? 'broker-kill' : drill}</code>. Reports of the command line
                  with the same data directory are listed here too.
                </p>
              </Empty>
            }
          />
        )}
      </Loaded>
    </Panel>
  );
}

/** `?run=broker-kill` */
function StartQuestion({ catalog }: { readonly catalog: DrillCatalog }) {
  const drill = catalog.drills.find(({ name }) => name === query('run'));
  if (drill === undefined) return null;
  return <DrillStart key={drill.name} drill={drill} catalog={catalog} onClose={() => setQuery({ run: null })} />;
}
