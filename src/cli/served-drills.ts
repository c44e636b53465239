/** The drills that the API is handed, in its words. */
import { join } from 'node:path';
import type {
  DrillCatalog,
  DrillEntry,
  DrillReportDocument,
  DrillReportSummary,
  DrillRun,
  DrillRuns,
  DrillStart,
  DrillTimeline,
  DrillVerdict,
} from '../api/drills.ts';
import { cacheDirectory } from '../config/cache-directory.ts';
import type { Drill, Requirement } from '../drills/drill.ts';
import type { DrillOptions } from '../drills/drill-options.ts';
import { DEFAULT_RATE, type RunState, DrillRuns as Runs } from '../drills/drill-runs.ts';
import { MAX_BUCKETS } from '../drills/live-timeline.ts';
import type { Bucket } from '../drills/measurements.ts';
import { PROMISES } from '../drills/promises.ts';
import type { DrillReport } from '../drills/report/report.ts';
import { drillOf, ReportFolder, type ReportHead } from '../drills/report/report-folder.ts';
import { allLacks } from '../drills/requirements.ts';
import { SABOTAGES, type Sabotage } from '../drills/sabotage.ts';
import { KitError } from '../kit/errors.ts';
import { shared } from '../kit/monitoring/shared.ts';
import type { NewMark } from '../pipelines/pulse/pulse-report.ts';

/** Until what is missing is looked for again. */
const LACKS_MAX_AGE_MS = 30_000;
const MAX_LIST = 200;
const MAX_EXAMPLES = 20;

export class ServedDrills implements DrillRuns {
  readonly #runs: Runs;
  readonly #reports: ReportFolder;
  readonly #lacks = shared(allLacks, LACKS_MAX_AGE_MS, () => performance.now());

  /** @param dataDir reports are in `drills` of it, where the command line puts them too */
  constructor(dataDir: string, onChange?: (run: RunState) => void) {
    const reportDirectory = join(dataDir, 'drills');
    this.#reports = new ReportFolder(reportDirectory);
    this.#runs = new Runs({ reportDirectory, cacheDirectory: cacheDirectory(), ...(onChange && { onChange }) });
  }

  async catalog(): Promise<DrillCatalog> {
    // when somebody looks: what drills are made of is much to load
    const [lacks, ids, { DRILLS }] = await Promise.all([
      this.#lacks(),
      this.#reports.ids(),
      import('../drills/catalog.ts'),
    ]);
    const lastIds = DRILLS.flatMap(({ name }) => ids.find((id) => drillOf(id) === name) ?? []);
    const last = await this.#reports.heads(lastIds);
    const { current } = this.#runs;
    return {
      drills: DRILLS.map((drill) => entry(drill, lacks, last.find((head) => head.drill === drill.name) ?? null)),
      promises: PROMISES,
      sabotages: [...SABOTAGES],
      run:
        current === null
          ? null
          : {
              id: current.id,
              drill: current.drill,
              state: current.state,
              started_at: current.startedAt,
              ended_at: current.endedAt,
            },
    };
  }

  async start(drill: string, { rate_per_second: rate, seed, scale, sabotage = null }: DrillStart): Promise<DrillRun> {
    if (sabotage !== null && !SABOTAGES.includes(sabotage as Sabotage))
      throw new KitError('INVALID_ARGUMENT', `sabotage is one of ${SABOTAGES.join(', ')}`);
    const run = await this.#runs.start(drill, {
      ...(rate === undefined ? {} : { ratePerSecond: rate }),
      ...(seed === undefined ? {} : { seed }),
      ...(scale === undefined ? {} : { scale }),
      sabotage: sabotage as Sabotage | null,
    });
    return runDocument(run, 0);
  }

  run(id: string, fromBucket: number): DrillRun {
    return runDocument(this.#runs.run(id), fromBucket);
  }

  cancel(id: string): DrillRun {
    return runDocument(this.#runs.cancel(id), 0);
  }

  async reports({ drill, limit }: { readonly drill: string | null; readonly limit: number }) {
    const ids = (await this.#reports.ids()).filter((id) => drill === null || drillOf(id) === drill);
    const heads = await this.#reports.heads(ids.slice(0, limit));
    return { reports: heads.map(summary), total: ids.length };
  }

  async report(id: string): Promise<DrillReportDocument> {
    const report = await this.#reports.read(id);
    if (report === null)
      throw new KitError('UNKNOWN_DRILL_REPORT', `There is no report ${id} that can be read.`, {
        details: { report: id },
      });
    return reportDocument(id, report);
  }

  /** Ends what runs. */
  close(timeoutMs: number): Promise<void> {
    return this.#runs.close(timeoutMs);
  }
}

const ENDINGS: Readonly<Record<RunState['state'], string>> = {
  RUNNING: 'began',
  CANCELLING: 'is being cancelled',
  PASSED: 'passed',
  FAILED: 'failed',
  CANCELLED: 'was cancelled',
  BROKEN: 'broke off without a verdict',
};

/** For the time axes. */
export function drillMark({ id, drill, state }: RunState): NewMark {
  return { kind: 'drill', text: `Drill ${drill} ${ENDINGS[state]}`, link: `/cluster/drills/runs/${id}` };
}

function entry(drill: Drill, lacks: ReadonlyMap<Requirement, string>, last: ReportHead | null): DrillEntry {
  const { name, proves, promises, requires, defaults } = drill;
  const requirement = requires.find((one) => lacks.has(one));
  return {
    name,
    proves,
    promises: [...promises],
    requires: [...requires],
    missing: requirement === undefined ? null : { requirement, remedy: lacks.get(requirement)! },
    defaults: { rate_per_second: defaults.ratePerSecond ?? DEFAULT_RATE, scale: defaults.scale ?? 1 },
    last_report: last === null ? null : summary(last),
  };
}

function optionsDocument({ ratePerSecond, seed, scale, sabotage }: DrillOptions) {
  return { rate_per_second: ratePerSecond, seed, scale, sabotage };
}

function runDocument(run: RunState, fromBucket: number): DrillRun {
  return {
    id: run.id,
    drill: run.drill,
    state: run.state,
    ...optionsDocument(run.options),
    started_at: run.startedAt,
    ended_at: run.endedAt,
    progress: run.progress.map((line) => ({ ...line })),
    marks: marksDocument(run.marks),
    timeline: timelineDocument(run.bucketMs, run.timeline, fromBucket),
    verdict: run.report === null ? null : verdict(run.report),
    report: run.reportId,
    error: run.error,
  };
}

function reportDocument(id: string, report: DrillReport): DrillReportDocument {
  const { drill, startedAt, durationS, passed, proves, promises, criteria, marks, bucketMs, timeline, machine } =
    report;
  return {
    id,
    drill,
    ...optionsDocument(report),
    started_at: startedAt,
    duration_s: durationS,
    passed,
    missed: criteria.filter(({ pass }) => !pass).map(({ name }) => name),
    proves,
    promises: [...promises],
    verdict: verdict(report),
    marks: marksDocument(marks.slice(0, MAX_LIST)),
    timeline: timelineDocument(bucketMs, timeline.slice(0, MAX_BUCKETS), 0),
    checked: report.checked === null ? null : snakeCase(report.checked),
    memory: report.memory.map(({ process, highestBytes }) => ({ process, highest_bytes: highestBytes })),
    machine: { cores: machine.cores, memory_bytes: machine.memoryBytes, node: machine.node },
  };
}

function summary({ id, drill, startedAt, durationS, passed, missed, ...options }: ReportHead): DrillReportSummary {
  return {
    id,
    drill,
    ...optionsDocument(options),
    started_at: startedAt,
    duration_s: durationS,
    passed,
    missed: [...missed],
  };
}

function verdict({ passed, criteria, findings, notes, error }: DrillReport): DrillVerdict {
  return {
    passed,
    criteria: criteria.slice(0, MAX_LIST).map(({ name, limit, measured, pass }) => ({ name, limit, measured, pass })),
    findings: findings
      .slice(0, MAX_LIST)
      .map(({ kind, count, examples }) => ({ kind, count, examples: examples.slice(0, MAX_EXAMPLES) })),
    notes: notes.slice(0, MAX_LIST),
    error,
  };
}

function marksDocument(marks: readonly { readonly atMs: number; readonly label: string }[]) {
  return marks.map(({ atMs, label }) => ({ at_ms: atMs, label }));
}

function timelineDocument(bucketMs: number, timeline: readonly Bucket[], from: number): DrillTimeline {
  return {
    bucket_ms: bucketMs,
    from: Math.min(from, timeline.length),
    total: timeline.length,
    buckets: timeline.slice(from).map(({ atMs, acked, applied, p50Ms, p99Ms, maxMs }) => ({
      at_ms: atMs,
      acked,
      applied,
      p50_ms: rounded(p50Ms),
      p99_ms: rounded(p99Ms),
      max_ms: rounded(maxMs),
    })),
  };
}

/** To microseconds. */
function rounded(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms * 1000) / 1000;
}

/** `inLog` -> `in_log` */
function snakeCase(counts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(counts).map(([name, count]) => [
      name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      count,
    ]),
  );
}
