/** A drill in a process with a network of its own: it may cut links there, and the machine's network is not touched. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { kafkaLibraries } from '../cluster/artifacts.ts';
import { KitError } from '../kit/errors.ts';
import { siblingModule } from '../kit/sibling-module.ts';
import type { FinishedDrill } from './report/report.ts';
import type { RunOptions } from './run-options.ts';

/** The command line's argument. */
export interface IsolatedRun extends Omit<RunOptions, 'signal' | 'onProgress'> {
  readonly drill: string;
}

/** What the process says; it is told one thing at most, by any message: to stop. */
export type IsolatedReport =
  | { readonly is: 'progress'; readonly text: string }
  | { readonly is: 'finished'; readonly finished: FinishedDrill };

const MAIN = fileURLToPath(siblingModule('./isolated-main', import.meta.url));

/** @throws KitError WORKER_FAILED; the signal's reason */
export async function runIsolated(drill: string, options: RunOptions): Promise<FinishedDrill> {
  const { signal, onProgress, ...others } = options;
  // nothing can be fetched from in there
  await kafkaLibraries(options.cacheDirectory, onProgress);
  const run: IsolatedRun = { ...others, drill };
  const node = [process.execPath, ...process.execArgv, MAIN, JSON.stringify(run)];
  const child = spawn('unshare', ['--net', ...node], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const stop = (): boolean => child.send('stop');
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await new Promise<FinishedDrill>((resolve, reject) => {
      let finished: FinishedDrill | null = null;
      child.on('message', (report: IsolatedReport) => {
        if (report.is === 'progress') onProgress(report.text);
        else finished = report.finished;
      });
      child.once('error', reject);
      child.once('close', (code) => {
        if (finished !== null) resolve(finished);
        else if (signal.aborted) reject(signal.reason);
        else reject(new KitError('WORKER_FAILED', `${drill} in its own network ended with ${code}`));
      });
    });
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
