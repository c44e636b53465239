/** Runs one drill from an empty directory to a written verdict. */
import { rmSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isKitError } from '../kit/errors.ts';
import { checkInThread } from './checker/check-thread.ts';
import type { CheckReport } from './checker/findings.ts';
import type { Criterion, Drill, DrillOutcome } from './drill.ts';
import { followLive } from './follow-live.ts';
import { runIsolated } from './isolated-run.ts';
import { BUCKET_MS } from './live-timeline.ts';
import type { Measurements } from './measurements.ts';
import { checkCriteria, memoryCriterion } from './report/criteria.ts';
import { plot } from './report/plot.ts';
import { type DrillReport, type FinishedDrill, headOf, machine } from './report/report.ts';
import type { RunOptions } from './run-options.ts';
import { Stage } from './stage.ts';
import { takeTurn } from './turn.ts';

/** A drill that could not be brought to its end has failed, with the error in its report. Only `signal` makes it throw. */
export async function runDrill(drill: Drill, options: RunOptions): Promise<FinishedDrill> {
  const endTurn = await takeTurn(options.signal, options.onProgress);
  try {
    return await (drill.ownNetwork ? runIsolated(drill.name, options) : perform(drill, options));
  } finally {
    await endTurn();
  }
}

/** In this process, whatever its network; the turn is the caller's. */
export async function perform(drill: Drill, options: RunOptions): Promise<FinishedDrill> {
  options.signal.throwIfAborted();
  const startedAt = new Date();
  const startMs = performance.now();
  const directory = await mkdtemp(join(tmpdir(), `streamsocial-drill-${drill.name}-`));
  // of a process that does not wait for the end of all it has started
  const removeAtExit = (): void => rmSync(directory, { recursive: true, force: true });
  process.once('exit', removeAtExit);
  const stage = new Stage({ ...options, directory });
  const stopTelling =
    options.onLive === undefined ? null : followLive(() => stage.historyFiles, BUCKET_MS, options.onLive);
  try {
    let outcome: DrillOutcome = { criteria: [] };
    let check: CheckReport | null = null;
    let error: string | null = null;
    try {
      outcome = await drill.run(stage);
      const target = outcome.check ?? (await stage.checkTarget());
      if (target !== null) {
        options.onProgress('checking the history against the log and the projections');
        check = await checkInThread(target);
      }
    } catch (cause) {
      options.signal.throwIfAborted();
      error = isKitError(cause) ? `${cause.message} (${cause.code})` : String((cause as Error)?.stack ?? cause);
    }
    await stopTelling?.();
    await stage.endProcesses();
    const measured = await stage.measurements();
    const criteria: Criterion[] = [
      ...outcome.criteria,
      ...(check === null ? [] : checkCriteria(check)),
      ...memoryCriterion(stage.memory.highest),
    ];
    const report: DrillReport = {
      ...headOf(drill),
      ratePerSecond: options.ratePerSecond,
      seed: options.seed,
      scale: options.scale,
      sabotage: options.sabotage,
      startedAt: startedAt.toISOString(),
      durationS: Math.round((performance.now() - startMs) / 100) / 10,
      passed: error === null && criteria.length > 0 && criteria.every(({ pass }) => pass),
      criteria,
      findings: check?.findings ?? [],
      checked: check?.checked ?? null,
      notes: outcome.notes ?? [],
      error,
      ...timelineOf(measured),
      memory: [...stage.memory.highest].map(([process, highestBytes]) => ({ process, highestBytes })),
      machine: machine(),
    };
    return { report, directory: await write(report, stage, options.reportDirectory) };
  } finally {
    await stopTelling?.();
    await stage.dispose();
    await rm(directory, { recursive: true, force: true });
    process.off('exit', removeAtExit);
  }
}

function timelineOf(measured: Measurements): Pick<DrillReport, 'marks' | 'bucketMs' | 'timeline'> {
  const { startMs } = measured;
  return {
    marks: measured.marks
      .map(({ atMs, label }) => ({ atMs: Math.round(atMs - startMs), label }))
      .filter(({ atMs }) => Number.isFinite(atMs)),
    bucketMs: BUCKET_MS,
    timeline: measured.timeline(BUCKET_MS),
  };
}

async function write(report: DrillReport, stage: Stage, reportDirectory: string): Promise<string> {
  const stamp = report.startedAt.replace(/[:.]/g, '-');
  const directory = join(reportDirectory, `${report.drill}-${stamp}`);
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'report.json'), `${JSON.stringify(report, null, 2)}\n`);
  await writeFile(join(directory, 'plot.svg'), plot(report));
  if (!report.passed) await keepEvidence(stage, directory);
  return directory;
}

/** A failure in a run of an hour must be understood without running it again. */
async function keepEvidence(stage: Stage, directory: string): Promise<void> {
  const { directory: from } = stage.options;
  await cp(join(from, 'cluster', 'logs'), join(directory, 'logs'), { recursive: true }).catch(() => {});
  for (const file of stage.historyFiles) await cp(file, join(directory, file.slice(from.length + 1))).catch(() => {});
}
