/** A drill in a process of its own, which ends with the one that started it and leaves no server behind. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { KitError } from '../kit/errors.ts';
import { siblingModule } from '../kit/sibling-module.ts';
import type { LiveUpdate } from './live-timeline.ts';
import type { FinishedDrill } from './report/report.ts';
import type { RunOptions } from './run-options.ts';

/** The command line's argument. */
export interface ProcessRun extends Omit<RunOptions, 'signal' | 'onProgress' | 'onLive'> {
  readonly drill: string;
  /** The process has a network of its own, which begins empty. */
  readonly ownNetwork: boolean;
  /** Whether somebody wants to know what was measured so far. */
  readonly isWatched: boolean;
}

/** What the process says; it is told one thing at most, by any message: to stop. */
export type ProcessReport =
  | { readonly is: 'progress'; readonly text: string }
  | { readonly is: 'live'; readonly update: LiveUpdate }
  | { readonly is: 'finished'; readonly finished: FinishedDrill };

const MAIN = fileURLToPath(siblingModule('./drill-process-main', import.meta.url));
const MAX_STDERR = 4_096;
/** Longer than it takes itself to give up (`drill-process-main.ts`). */
const KILL_AFTER_MS = 30_000;

/** @throws KitError WORKER_FAILED; the signal's reason */
export async function runInProcess(
  drill: string,
  { signal, onProgress, onLive, ...others }: RunOptions,
  { ownNetwork }: { readonly ownNetwork: boolean },
): Promise<FinishedDrill> {
  const run: ProcessRun = { ...others, drill, ownNetwork, isWatched: onLive !== undefined };
  const node = [process.execPath, ...process.execArgv, MAIN, JSON.stringify(run)];
  const [command, ...args] = ownNetwork ? ['unshare', '--net', ...node] : node;
  const child = spawn(command!, args, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  let stderr = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-MAX_STDERR);
  });
  let kill: NodeJS.Timeout | undefined;
  const stop = (): void => {
    if (child.connected) child.send('stop');
    kill ??= setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
  };
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await new Promise<FinishedDrill>((resolve, reject) => {
      let finished: FinishedDrill | null = null;
      child.on('message', (report: ProcessReport) => {
        if (report.is === 'progress') onProgress(report.text);
        else if (report.is === 'live') onLive?.(report.update);
        else finished = report.finished;
      });
      child.once('error', (cause) => reject(new KitError('WORKER_FAILED', `${drill}: ${cause.message}`, { cause })));
      child.once('close', (code, killed) => {
        if (finished !== null) resolve(finished);
        else if (signal.aborted) reject(signal.reason);
        else reject(new KitError('WORKER_FAILED', `the process of ${drill} ended with ${code ?? killed}: ${stderr}`));
      });
    });
  } finally {
    clearTimeout(kill);
    signal.removeEventListener('abort', stop);
  }
}
