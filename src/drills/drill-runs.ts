/** Drills that a server runs, one at a time, each in a process of its own; and what is known of the last few. */
import { randomUUID } from 'node:crypto';
import { basename } from 'node:path';
import { isKitError, KitError } from '../kit/errors.ts';
import type { Drill } from './drill.ts';
import type { DrillOptions } from './drill-options.ts';
import { runInProcess } from './drill-process.ts';
import { BUCKET_MS, type LiveMark, type LiveUpdate, MAX_BUCKETS, MAX_MARKS } from './live-timeline.ts';
import type { Bucket } from './measurements.ts';
import type { DrillReport } from './report/report.ts';
import { lackOf } from './requirements.ts';
import type { RunOptions } from './run-options.ts';

export interface DrillRunsOptions extends Pick<RunOptions, 'reportDirectory' | 'cacheDirectory'> {
  /** A run has begun, or is over. */
  readonly onChange?: (run: RunState) => void;
}

export interface RunState {
  readonly id: string;
  readonly drill: string;
  readonly options: DrillOptions;
  readonly startedAt: string;
  readonly endedAt: string | null;
  /** BROKEN: its process ended without a verdict. */
  readonly state: 'RUNNING' | 'CANCELLING' | 'PASSED' | 'FAILED' | 'CANCELLED' | 'BROKEN';
  /** The last 200. */
  readonly progress: readonly { readonly at: string; readonly text: string }[];
  readonly marks: readonly LiveMark[];
  readonly bucketMs: number;
  readonly timeline: readonly Bucket[];
  readonly report: DrillReport | null;
  /** The name of its report's folder. */
  readonly reportId: string | null;
  /** Of one that is BROKEN. */
  readonly error: { readonly code: string; readonly message: string } | null;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

interface Run extends Writable<RunState> {
  progress: { at: string; text: string }[];
  timeline: Bucket[];
  readonly stop: AbortController;
  ended: Promise<void>;
}

const KEPT_RUNS = 5;
const MAX_PROGRESS = 200;
const MAX_TEXT = 500;
export const DEFAULT_RATE = 3_000;

export class DrillRuns {
  readonly #options: DrillRunsOptions;
  /** The newest last. */
  readonly #runs: Run[] = [];
  #isClosed = false;

  constructor(options: DrillRunsOptions) {
    this.#options = options;
  }

  /** Under way, or the last one. */
  get current(): RunState | null {
    return this.#runs.at(-1) ?? null;
  }

  /** @throws KitError UNKNOWN_DRILL, MISSING_COMPONENT, DRILL_RUNNING */
  async start(name: string, wish: Partial<DrillOptions>): Promise<RunState> {
    const { drillNamed } = await import('./catalog.ts');
    const drill = drillNamed(name);
    const lack = await lackOf(drill.requires);
    if (lack !== null)
      throw new KitError('MISSING_COMPONENT', `${name} cannot run here: it needs ${lack.remedy}`, {
        details: { requirement: lack.requirement },
      });
    const last = this.#runs.at(-1);
    if (last !== undefined && last.endedAt === null)
      throw new KitError('DRILL_RUNNING', `${last.drill} is running; it can be cancelled.`, {
        retriable: true,
        details: { run: last.id, drill: last.drill },
      });
    if (this.#isClosed) throw new KitError('SHUTTING_DOWN', 'This server is shutting down.', { retriable: true });
    return this.#begin(drill, {
      ratePerSecond: wish.ratePerSecond ?? drill.defaults.ratePerSecond ?? DEFAULT_RATE,
      seed: wish.seed ?? 1,
      scale: wish.scale ?? drill.defaults.scale ?? 1,
      sabotage: wish.sabotage ?? null,
    });
  }

  /** @throws KitError UNKNOWN_DRILL_RUN */
  run(id: string): RunState {
    return this.#run(id);
  }

  /** Its processes end within seconds; of one that has ended nothing is changed. @throws KitError UNKNOWN_DRILL_RUN */
  cancel(id: string): RunState {
    const run = this.#run(id);
    if (run.state === 'RUNNING') {
      run.state = 'CANCELLING';
      run.stop.abort(new KitError('INTERRUPTED', 'the drill was stopped before its end'));
    }
    return run;
  }

  /** Cancels, and waits that long; a process that needs more ends by itself, as its parent does. */
  async close(timeoutMs: number): Promise<void> {
    this.#isClosed = true;
    const run = this.#runs.at(-1);
    if (run === undefined || run.endedAt !== null) return;
    this.cancel(run.id);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeoutMs);
    });
    await Promise.race([run.ended, late]);
    clearTimeout(timer);
  }

  #begin(drill: Drill, options: DrillOptions): RunState {
    const run: Run = {
      id: randomUUID(),
      drill: drill.name,
      options,
      startedAt: new Date().toISOString(),
      endedAt: null,
      state: 'RUNNING',
      progress: [],
      marks: [],
      bucketMs: BUCKET_MS,
      timeline: [],
      report: null,
      reportId: null,
      error: null,
      stop: new AbortController(),
      ended: Promise.resolve(),
    };
    this.#runs.push(run);
    if (this.#runs.length > KEPT_RUNS) this.#runs.shift();
    run.ended = this.#play(run).finally(() => {
      run.endedAt = new Date().toISOString();
      this.#options.onChange?.(run);
    });
    this.#options.onChange?.(run);
    return run;
  }

  async #play(run: Run): Promise<void> {
    const { reportDirectory, cacheDirectory } = this.#options;
    try {
      const { report, directory } = await runInProcess(
        run.drill,
        {
          ...run.options,
          reportDirectory,
          cacheDirectory,
          signal: run.stop.signal,
          onProgress: (text) => addProgress(run, text),
          onLive: (update) => addLive(run, update),
        },
        { ownNetwork: false },
      );
      run.state = report.passed ? 'PASSED' : 'FAILED';
      run.report = report;
      run.reportId = basename(directory);
      run.bucketMs = report.bucketMs;
      run.timeline = report.timeline.slice(0, MAX_BUCKETS);
      run.marks = report.marks.slice(0, MAX_MARKS);
    } catch (error) {
      run.state = run.stop.signal.aborted ? 'CANCELLED' : 'BROKEN';
      if (run.state === 'BROKEN')
        run.error = {
          code: isKitError(error) ? error.code : 'INTERNAL_ERROR',
          message: String((error as Error).message).slice(0, MAX_TEXT),
        };
    }
  }

  #run(id: string): Run {
    const run = this.#runs.find((one) => one.id === id);
    if (run !== undefined) return run;
    throw new KitError('UNKNOWN_DRILL_RUN', `This server knows of no run ${id} of a drill.`, { details: { run: id } });
  }
}

function addProgress(run: Run, text: string): void {
  run.progress.push({ at: new Date().toISOString(), text: text.slice(0, MAX_TEXT) });
  if (run.progress.length > MAX_PROGRESS) run.progress.shift();
}

function addLive(run: Run, { bucketMs, from, buckets, marks }: LiveUpdate): void {
  run.bucketMs = bucketMs;
  run.timeline.splice(from, run.timeline.length, ...buckets);
  run.marks = marks;
}
